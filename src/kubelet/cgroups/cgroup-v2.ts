/**
 * Cgroup v2: one hierarchy; a controller works in a group only when every group above hands it down, which creation sees to.
 * @source kernel documentation cgroup-v2; KEP-2254 for the conversion of CPU shares to weight
 */
import type { Clock } from '../../base/index.ts';
import { childGroups, makeGroup, readControl, removeGroup, statValue, writeControl } from './cgroup-files.ts';
import type { CgroupTree, GroupLimits } from './cgroups.ts';

const wanted = ['cpuset', 'cpu', 'io', 'memory', 'pids', 'hugetlb'];

export function createCgroupV2(mount: string, clock: Clock): CgroupTree {
  const directoryOf = (path: string): string => `${mount}${path}`;
  return {
    version: 2,
    create: (path) => {
      const parts = path.split('/').filter((part) => part !== '');
      let directory = mount;
      for (const part of parts) {
        handDown(directory);
        directory = `${directory}/${part}`;
        makeGroup(directory);
      }
      // The engine's groups come below this one.
      handDown(directory);
    },
    set: (path, limits) => setLimits(directoryOf(path), limits),
    remove: (path) => removeGroup(directoryOf(path), clock),
    children: (path) => childGroups(directoryOf(path)),
    limitsSwap: (path) => readControl(directoryOf(path), 'memory.swap.max') !== undefined,
    workingSetBytes: (path) => {
      const usage = readControl(directoryOf(path), 'memory.current');
      if (usage === undefined) return undefined;
      return Math.max(0, Number(usage) - (statValue(directoryOf(path), 'memory.stat', 'inactive_file') ?? 0));
    },
  };
}

function handDown(directory: string): void {
  const available = (readControl(directory, 'cgroup.controllers') ?? '').split(' ');
  const enabled = new Set((readControl(directory, 'cgroup.subtree_control') ?? '').split(' '));
  for (const controller of wanted) {
    if (available.includes(controller) && !enabled.has(controller)) writeControl(directory, 'cgroup.subtree_control', `+${controller}`);
  }
}

function setLimits(directory: string, { cpuShares, cpuQuotaMicros, cpuPeriodMicros = 100_000, memoryBytes, pids }: GroupLimits): void {
  if (cpuShares !== undefined) writeControl(directory, 'cpu.weight', cpuWeight(cpuShares));
  if (cpuQuotaMicros !== undefined) {
    writeControl(directory, 'cpu.max', `${cpuQuotaMicros < 0 ? 'max' : cpuQuotaMicros} ${cpuPeriodMicros}`);
  }
  if (memoryBytes !== undefined) writeControl(directory, 'memory.max', memoryBytes < 0 ? 'max' : memoryBytes);
  if (pids !== undefined) writeControl(directory, 'pids.max', pids);
}

/** Shares 2 … 262144 → weight 1 … 10000. */
export function cpuWeight(shares: number): number {
  return Math.floor(1 + ((shares - 2) * 9999) / 262_142);
}
