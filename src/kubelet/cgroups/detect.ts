/** Finds out which cgroups this machine has, from the mount table. */
import { readFileSync } from 'node:fs';
import type { Clock } from '../../base/index.ts';
import { createCgroupV1, type V1Mounts } from './cgroup-v1.ts';
import { createCgroupV2 } from './cgroup-v2.ts';
import type { CgroupTree } from './cgroups.ts';

/** The machine has no cgroup controllers that a kubelet can use. */
export class CgroupError extends Error {
  override readonly name = 'CgroupError';
}

/** @throws CgroupError */
export function detectCgroups(clock: Clock): CgroupTree {
  const { v1, v2 } = parseCgroupMounts(readFileSync('/proc/self/mounts', 'utf8'));
  if (v1.controllers.has('memory')) return createCgroupV1(v1, clock);
  if (v2 !== undefined) return createCgroupV2(v2, clock);
  throw new CgroupError('no cgroup file system is mounted below /sys/fs/cgroup');
}

/** A hybrid system has both: its controllers are v1's. */
export function parseCgroupMounts(table: string): { readonly v1: V1Mounts; readonly v2: string | undefined } {
  const controllers = new Map<string, string>();
  const all: string[] = [];
  let v2: string | undefined;
  for (const line of table.split('\n')) {
    const [, mount = '', type, options = ''] = line.split(' ');
    if (type !== 'cgroup' && type !== 'cgroup2') continue;
    if (all.includes(mount)) continue;
    all.push(mount);
    if (type === 'cgroup2') v2 = mount;
    else for (const option of options.split(',')) if (!controllers.has(option)) controllers.set(option, mount);
  }
  return { v1: { controllers, all }, v2 };
}
