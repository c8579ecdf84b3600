/**
 * Cgroup v1: one hierarchy for each controller. Groups are made where the kubelet sets limits; the engine makes the others and never
 * removes them, so removal visits every hierarchy, the unified one of hybrid systems too.
 */
import type { Clock } from '../../base/index.ts';
import { childGroups, makeGroup, readControl, removeGroup, statValue, writeControl } from './cgroup-files.ts';
import type { CgroupTree, GroupLimits } from './cgroups.ts';

export interface V1Mounts {
  /** Mount points by controller: `cpu`, `memory`, `pids`. */
  readonly controllers: ReadonlyMap<string, string>;
  /** All cgroup mount points. */
  readonly all: readonly string[];
}

export function createCgroupV1(mounts: V1Mounts, clock: Clock): CgroupTree {
  const limited = ['cpu', 'memory', 'pids'].flatMap((name) => mounts.controllers.get(name) ?? []);
  const at = (controller: string, path: string): string | undefined => {
    const mount = mounts.controllers.get(controller);
    return mount === undefined ? undefined : `${mount}${path}`;
  };
  return {
    version: 1,
    create: (path) => {
      for (const mount of new Set(limited)) makeGroup(`${mount}${path}`);
    },
    set: (path, limits) => setLimits({ cpu: at('cpu', path), memory: at('memory', path), pids: at('pids', path) }, limits),
    remove: async (path) => {
      for (const mount of mounts.all) await removeGroup(`${mount}${path}`, clock);
    },
    children: (path) => [...new Set(mounts.all.flatMap((mount) => childGroups(`${mount}${path}`)))],
    limitsSwap: (path) => {
      const directory = at('memory', path);
      return directory !== undefined && readControl(directory, 'memory.memsw.limit_in_bytes') !== undefined;
    },
    workingSetBytes: (path) => {
      const directory = at('memory', path);
      const usage = directory && readControl(directory, 'memory.usage_in_bytes');
      if (!directory || usage === undefined) return undefined;
      return Math.max(0, Number(usage) - (statValue(directory, 'memory.stat', 'total_inactive_file') ?? 0));
    },
  };
}

interface Directories {
  readonly cpu: string | undefined;
  readonly memory: string | undefined;
  readonly pids: string | undefined;
}

function setLimits({ cpu, memory, pids }: Directories, limits: GroupLimits): void {
  if (cpu) {
    if (limits.cpuShares !== undefined) writeControl(cpu, 'cpu.shares', limits.cpuShares);
    if (limits.cpuPeriodMicros !== undefined) writeControl(cpu, 'cpu.cfs_period_us', limits.cpuPeriodMicros);
    if (limits.cpuQuotaMicros !== undefined) writeControl(cpu, 'cpu.cfs_quota_us', limits.cpuQuotaMicros);
  }
  if (memory && limits.memoryBytes !== undefined) writeControl(memory, 'memory.limit_in_bytes', limits.memoryBytes);
  if (pids && limits.pids !== undefined) writeControl(pids, 'pids.max', limits.pids);
}
