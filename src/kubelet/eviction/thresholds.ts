/**
 * The signals of eviction and when they are met. Pure.
 * @source pkg/kubelet/eviction/helpers.go, defaults of pkg/kubelet/eviction/defaults_linux.go, v1.35
 */
import { parseQuantity } from '../../api/index.ts';
import type { HostReadings } from '../host/host.ts';

/** A quantity such as `100Mi` or a share such as `10%`; the empty string turns the signal off. */
export interface EvictionThresholds {
  readonly memoryAvailable: string;
  readonly nodeFsAvailable: string;
  readonly nodeFsInodesFree: string;
  readonly imageFsAvailable: string;
  readonly imageFsInodesFree: string;
  readonly pidAvailable: string;
}

export const defaultThresholds: EvictionThresholds = {
  memoryAvailable: '100Mi',
  nodeFsAvailable: '10%',
  nodeFsInodesFree: '5%',
  imageFsAvailable: '15%',
  imageFsInodesFree: '5%',
  pidAvailable: '',
};

export type PressureKind = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure';

export interface Signal {
  readonly pressure: PressureKind;
  /** The resource in messages: `memory`, `ephemeral-storage`, `inodes`, `pids`. */
  readonly resource: string;
  readonly available: number;
  readonly threshold: number;
  readonly binary: boolean;
}

export function thresholdBytes(threshold: string, capacity: number): number {
  if (threshold === '') return 0;
  return threshold.endsWith('%') ? (capacity * Number(threshold.slice(0, -1))) / 100 : parseQuantity(threshold).value();
}

/** The signals whose threshold is crossed, memory first. */
export function crossedSignals(readings: HostReadings, thresholds: EvictionThresholds): readonly Signal[] {
  const { nodeFs, imageFs } = readings;
  const signal = (
    pressure: PressureKind,
    resource: string,
    threshold: string,
    room: { readonly available: number; readonly capacity: number },
    binary = true,
  ): Signal => ({ pressure, resource, available: room.available, threshold: thresholdBytes(threshold, room.capacity), binary });
  const all = [
    signal('MemoryPressure', 'memory', thresholds.memoryAvailable, {
      available: readings.memoryAvailableBytes,
      capacity: readings.memoryCapacityBytes,
    }),
    signal('DiskPressure', 'ephemeral-storage', thresholds.nodeFsAvailable, {
      available: nodeFs.availableBytes,
      capacity: nodeFs.capacityBytes,
    }),
    signal('DiskPressure', 'inodes', thresholds.nodeFsInodesFree, inodes(nodeFs), false),
    signal('DiskPressure', 'ephemeral-storage', thresholds.imageFsAvailable, {
      available: imageFs.availableBytes,
      capacity: imageFs.capacityBytes,
    }),
    signal('DiskPressure', 'inodes', thresholds.imageFsInodesFree, inodes(imageFs), false),
    signal('PIDPressure', 'pids', thresholds.pidAvailable, { available: readings.availablePids, capacity: readings.capacityPids }, false),
  ];
  return all.filter(({ available, threshold }) => threshold > 0 && available < threshold);
}

/** File systems without a fixed number of inodes (btrfs) report none: they cannot run out. */
function inodes(room: HostReadings['nodeFs']): { readonly available: number; readonly capacity: number } {
  return room.capacityInodes > 0
    ? { available: room.availableInodes, capacity: room.capacityInodes }
    : { available: Number.MAX_SAFE_INTEGER, capacity: 0 };
}
