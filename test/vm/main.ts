/**
 * `npm run test:vm`: Knarr on a real Debian machine with systemd, cgroup v2, all capabilities and kernel modules, emulated by QEMU. It tries
 * there, as a user would, what the machine that runs `npm test` may not have. See docs/testing-in-a-vm.md.
 *
 *   --keep   leave the machine running for a look around
 *
 * Exit codes: 0 all passed, 1 a check failed, 2 it cannot run here.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CannotGoOn, Checks } from './checks.ts';
import { life } from './chapters/life.ts';
import { pods } from './chapters/pods.ts';
import { programs } from './chapters/programs.ts';
import { services } from './chapters/services.ts';
import { start } from './chapters/start.ts';
import { Machine } from './machine.ts';
import { packPayload } from './payload.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tool = process.env['KNARR_VM'] ?? join(root, '../shared/vm/vm');
/** The tool's own default. */
const toolDirectory = process.env['VM_DIR'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'knarr-vm');

function whyNot(): string | undefined {
  if (!existsSync(tool)) return `the vm tool is not at ${tool}; say where it is with KNARR_VM=/path/to/vm`;
  if (process.getuid?.() !== 0) return 'making the disk image of the machine needs root';
  return undefined;
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } });
  const fault = whyNot();
  if (fault) {
    console.error(`test:vm cannot run: ${fault}`);
    return 2;
  }
  const machine = new Machine(tool, `knarr-${process.pid}`);
  const share = mkdtempSync(join(tmpdir(), 'knarr-vm-'));
  const leave = async (): Promise<void> => {
    rmSync(share, { recursive: true, force: true });
    if (!values.keep) await machine.remove();
    else console.log(`\nthe machine stays: ${tool} exec ${machine.name} -- COMMAND; ${tool} rm ${machine.name}`);
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => void leave().finally(() => process.exit(130)));
  const logs = mkdtempSync(join(tmpdir(), 'knarr-vm-logs-'));
  const checks = new Checks(async () => {
    const file = join(logs, `${readdirSync(logs).length + 1}.log`);
    writeFileSync(file, await machine.readLogs());
    return `logs: ${file}`;
  });
  try {
    checks.chapter('A Debian 12 machine');
    await checks.need('its image is built (once)', () => machine.build());
    await checks.need('the tree is packed for it', () => packPayload({ root, target: share, packages: join(toolDirectory, 'debs') }));
    await checks.need('it boots, with systemd, cgroup v2 and all capabilities', async () => {
      await machine.boot(share);
      await machine.until('[ "$(systemctl is-system-running)" = running ]', 120);
      await machine.sh('test -e /sys/fs/cgroup/cgroup.controllers && grep -q "^CapEff:.*1ffffffffff" /proc/self/status');
    });
    for (const chapter of [programs, start, pods, services, life]) await chapter(checks, machine);
  } catch (error) {
    if (!(error instanceof CannotGoOn)) throw error;
    console.log(`\n${error.message}`);
  } finally {
    await leave();
    if (readdirSync(logs).length === 0) rmSync(logs, { recursive: true });
  }
  return checks.conclude();
}

process.exitCode = await main();
