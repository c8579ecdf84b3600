/**
 * What the machine gets to see of this one: the committed tree, the npm packages that it runs with, kubectl, and Debian packages as a small
 * mirror, since the machine has no network.
 */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../src/base/index.ts';
import { fetchClientPrograms } from '../../src/cluster/lifecycle/index.ts';

/** Packages that the machine's image has, and that are taken out so that Knarr has to install them. */
export const mirroredPackages = ['containerd', 'runc', 'containernetworking-plugins', 'conntrack'];

export interface PayloadOptions {
  /** The checkout. */
  readonly root: string;
  /** Directory to fill. */
  readonly target: string;
  /** Where the `vm` tool keeps the packages that its image was made of. */
  readonly packages: string;
}

export async function packPayload({ root, target, packages }: PayloadOptions): Promise<void> {
  await packTree(root, join(target, 'knarr'));
  mkdirSync(join(target, 'bin'));
  // Where the end-to-end tests keep it, too.
  const { kubectl } = await fetchClientPrograms(join(tmpdir(), 'knarr-test-cache'), 35, new AbortController().signal);
  cpSync(kubectl, join(target, 'bin/kubectl'));
  await packMirror(packages, join(target, 'debs'));
}

async function packTree(root: string, target: string): Promise<void> {
  mkdirSync(target);
  await run(['sh', '-c', `git archive HEAD | tar -x -C '${target}'`], { cwd: root });
  // Of Node, the program is enough; headers are half of the package.
  const excluded = ['include', 'share'].map((directory) => `--exclude=node_modules/node-linux-*/${directory}`);
  const list = [...runtimePackages(root), 'node_modules/.knarr-lock'].join('\n');
  await run(['sh', '-c', `tar -c ${excluded.join(' ')} -T - | tar -x -C '${target}'`], { cwd: root, input: `${list}\n` });
  const node = readdirSync(join(target, 'node_modules')).find((name) => name.startsWith('node-linux-'));
  if (!node) throw new Error('node_modules has no package node-linux-*; run: npm ci');
  mkdirSync(join(target, 'node_modules/.bin'), { recursive: true });
  symlinkSync(`../${node}/bin/node`, join(target, 'node_modules/.bin/node'));
}

/** Directories of the packages that are not for development only, as far as this platform has them. */
function runtimePackages(root: string): string[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, { dev?: boolean }> };
  return Object.entries(lock.packages).flatMap(([path, { dev }]) => (path !== '' && !dev && existsSync(join(root, path)) ? [path] : []));
}

/** A directory that apt takes as a source: packages and an index of them. */
async function packMirror(packages: string, target: string): Promise<void> {
  mkdirSync(target);
  const entries: string[] = [];
  for (const name of mirroredPackages) {
    const file = readdirSync(packages).find((each) => each.startsWith(`${name}_`));
    if (!file) throw new Error(`${packages} has no package ${name}`);
    const plain = `${name}.deb`;
    cpSync(join(packages, file), join(target, plain));
    const { stdout } = await run(['dpkg-deb', '--field', join(target, plain)]);
    const bytes = readFileSync(join(target, plain));
    const sum = createHash('sha256').update(bytes).digest('hex');
    entries.push(`${stdout.trim()}\nFilename: ./${plain}\nSize: ${statSync(join(target, plain)).size}\nSHA256: ${sum}\n`);
  }
  writeFileSync(join(target, 'Packages'), entries.join('\n'));
}
