/**
 * Installs what is missing with the system's package manager, without harming the machine: nothing is removed, nothing but the named
 * packages comes, no service is left running that did not run before, and what apt could install only by removing another package is
 * downloaded and unpacked under Knarr's own home instead.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProcessError, run } from '../../base/index.ts';
import { ClusterError } from '../cluster-error.ts';
import { findProgram, missingRequirements, type Requirement, requirements, toolsDirectory } from '../engine/programs.ts';

export interface InstallOptions {
  readonly home: string;
  readonly needed?: readonly Requirement[];
  readonly signal: AbortSignal;
  /** Told what happens, a line at a time. */
  readonly say: (line: string) => void;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly isRoot?: boolean;
}

/**
 * Makes sure that every requirement is met.
 * @throws ClusterError that lists what is missing and how to get it, where installing is forbidden or impossible
 */
export async function installMissing(options: InstallOptions): Promise<void> {
  const { home, needed = requirements, env = process.env, isRoot = process.getuid?.() === 0 } = options;
  const missing = missingRequirements(home, needed);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((each) => each.package))];
  const apt = findProgram('apt-get', home) !== undefined;
  if (env['KNARR_NO_INSTALL'] === '1' || !isRoot || !apt)
    throw new ClusterError(missingReport({ missing, packages, isRoot, apt, forbidden: env['KNARR_NO_INSTALL'] === '1' }));
  options.say(`Installing ${packages.join(', ')} with apt (nothing is removed, no service is left running):`);
  for (const each of missing) options.say(`  ${each.program.padEnd(12)} ${each.purpose} (package ${each.package})`);
  await aptInstall(packages, options);
  const still = missingRequirements(home, needed);
  if (still.length > 0)
    throw new ClusterError(
      `apt installed ${packages.join(' ')}, but these programs are still not found: ${still.map(({ program }) => program).join(', ')}`,
    );
}

/** What a person reads when Knarr may not or cannot install: exactly what is missing, and the commands to get it. Pure. */
export function missingReport(facts: {
  readonly missing: readonly Requirement[];
  readonly packages: readonly string[];
  readonly isRoot: boolean;
  readonly apt: boolean;
  readonly forbidden: boolean;
}): string {
  const { missing, packages, isRoot, apt, forbidden } = facts;
  const reason = forbidden ? 'KNARR_NO_INSTALL=1 forbids installing' : apt ? 'installing needs root' : 'this machine has no apt-get';
  const sudo = isRoot ? '' : 'sudo ';
  const how = apt
    ? `Install them with:\n  ${sudo}apt-get install --no-install-recommends ${packages.join(' ')}`
    : `Install these with the machine's package manager (Debian's names): ${packages.join(' ')}`;
  return `These programs are missing, and ${reason}:\n${missing.map((each) => `  ${each.program.padEnd(12)} ${each.purpose} (package ${each.package})`).join('\n')}\n${how}`;
}

async function aptInstall(packages: readonly string[], options: InstallOptions): Promise<void> {
  const { signal, say } = options;
  const env = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  const flags = ['-y', '-q', '--no-remove', '--no-install-recommends'];
  const install = (): Promise<unknown> => run(['apt-get', 'install', ...flags, ...packages], { signal, env });
  await withoutServices(packages, options, async () => {
    try {
      await install();
    } catch (first) {
      if (!(first instanceof ProcessError)) throw first;
      say('The package lists may be old: fetching them again (apt-get update) ...');
      try {
        await run(['apt-get', 'update', '-q'], { signal, env });
        await install();
      } catch (second) {
        if (!(second instanceof ProcessError)) throw second;
        await unpackBeside(packages, options);
      }
    }
  });
}

/** Downloads packages that cannot be installed beside what is there, and unpacks them under Knarr's home. */
async function unpackBeside(packages: readonly string[], { home, signal, say }: InstallOptions): Promise<void> {
  say(`apt cannot install them without removing other packages; unpacking them under ${toolsDirectory(home)} instead ...`);
  const downloads = mkdtempSync(join(tmpdir(), 'knarr-packages-'));
  try {
    // apt drops its privileges for downloads, so its user must be able to write here.
    chmodSync(downloads, 0o777);
    await run(['apt-get', 'download', '-q', ...packages], { signal, cwd: downloads });
    mkdirSync(toolsDirectory(home), { recursive: true, mode: 0o755 });
    for (const archive of readdirSync(downloads)) await run(['dpkg', '-x', join(downloads, archive), toolsDirectory(home)], { signal });
  } catch (error) {
    if (!(error instanceof ProcessError)) throw error;
    throw new ClusterError(`cannot install ${packages.join(' ')}: ${error.stderr.trim()}`, { cause: error });
  } finally {
    rmSync(downloads, { recursive: true, force: true });
  }
}

const policyFile = '/usr/sbin/policy-rc.d';

/** Keeps the maintainer scripts from starting services, and stops what started all the same. */
async function withoutServices(packages: readonly string[], { signal, home }: InstallOptions, install: () => Promise<void>): Promise<void> {
  const systemctl = findProgram('systemctl', home);
  const units = systemctl && existsSync('/run/systemd/system') ? packages.map((name) => `${name}.service`) : [];
  const activeBefore = new Set<string>();
  for (const unit of units) if (await succeeds(['systemctl', 'is-active', '--quiet', unit], signal)) activeBefore.add(unit);
  const ownPolicy = !existsSync(policyFile);
  if (ownPolicy) writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await install();
  } finally {
    if (ownPolicy) rmSync(policyFile, { force: true });
  }
  for (const unit of units) {
    if (activeBefore.has(unit)) continue;
    await succeeds(['systemctl', 'disable', '--now', '--quiet', unit], signal);
  }
}

async function succeeds(command: readonly [string, ...string[]], signal: AbortSignal): Promise<boolean> {
  try {
    await run(command, { signal });
    return true;
  } catch (error) {
    if (error instanceof ProcessError) return false;
    throw error;
  }
}
