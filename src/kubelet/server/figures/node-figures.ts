/** What the machine as a whole uses, from the kernel. @source proc(5); cadvisor for how working set and usage are meant */
import { readFileSync, statfsSync } from 'node:fs';

export interface NodeFigures {
  /** Of all processors since boot. */
  readonly cpuCoreNanoSeconds: bigint;
  readonly memory: {
    readonly capacityBytes: number;
    readonly usageBytes: number;
    readonly workingSetBytes: number;
    readonly availableBytes: number;
    readonly rssBytes: number;
  };
}

/** The kernel's clock ticks a second in /proc/stat, the same on every architecture. */
const ticksPerSecond = 100n;

export function readNodeFigures(): NodeFigures {
  return parseNodeFigures(readFileSync('/proc/stat', 'utf8'), readFileSync('/proc/meminfo', 'utf8'));
}

export function parseNodeFigures(stat: string, meminfo: string): NodeFigures {
  // user nice system idle iowait irq softirq steal; guest times are in user already.
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '')
    .split(' ')
    .map(Number);
  const busyTicks = BigInt(user + nice + system + irq + softirq + steal);
  const kibibytes = new Map([...meminfo.matchAll(/^([^:]+): +(\d+) kB$/gm)].map(([, name, value]) => [name!, Number(value) * 1024]));
  const bytes = (name: string): number => kibibytes.get(name) ?? 0;
  const capacityBytes = bytes('MemTotal');
  const usageBytes = capacityBytes - bytes('MemFree');
  const workingSetBytes = Math.max(0, usageBytes - bytes('Inactive(file)'));
  return {
    cpuCoreNanoSeconds: (busyTicks * 1_000_000_000n) / ticksPerSecond,
    memory: { capacityBytes, usageBytes, workingSetBytes, availableBytes: capacityBytes - workingSetBytes, rssBytes: bytes('AnonPages') },
  };
}

export interface FilesystemUse {
  readonly capacityBytes: number;
  readonly availableBytes: number;
  readonly usedBytes: number;
  readonly inodes: number;
  readonly inodesFree: number;
  readonly inodesUsed: number;
}

export function filesystemUse(path: string): FilesystemUse {
  const { bsize, blocks, bfree, bavail, files, ffree } = statfsSync(path);
  return {
    capacityBytes: blocks * bsize,
    availableBytes: bavail * bsize,
    usedBytes: (blocks - bfree) * bsize,
    inodes: files,
    inodesFree: ffree,
    inodesUsed: files - ffree,
  };
}
