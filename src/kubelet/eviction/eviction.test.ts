import { describe, expect, it } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { type Ctx, silentLogger, VirtualClock } from '../../base/index.ts';
import type { HostReadings } from '../host/host.ts';
import { createSimulatedHost } from '../host/simulated-host.ts';
import { testPod } from '../pods/testing.ts';
import { EvictionManager } from './eviction-manager.ts';
import { rankForEviction } from './ranking.ts';
import { crossedSignals, defaultThresholds } from './thresholds.ts';

const mib = 1024 * 1024;
const room = { availableBytes: 50 * mib, capacityBytes: 100 * mib, availableInodes: 50, capacityInodes: 100 };
const fine: HostReadings = {
  memoryAvailableBytes: 500 * mib,
  memoryCapacityBytes: 1000 * mib,
  nodeFs: room,
  imageFs: room,
  availablePids: 1000,
  capacityPids: 2000,
};

it('knows which signals are crossed', () => {
  const names = (readings: Partial<HostReadings>): string[] =>
    crossedSignals({ ...fine, ...readings }, defaultThresholds).map(({ pressure, resource }) => `${pressure} ${resource}`);
  expect(names({})).toEqual([]);
  expect(names({ memoryAvailableBytes: 99 * mib })).toEqual(['MemoryPressure memory']);
  expect(names({ nodeFs: { ...room, availableBytes: 9 * mib } })).toEqual(['DiskPressure ephemeral-storage']);
  expect(names({ imageFs: { ...room, availableInodes: 4 } })).toEqual(['DiskPressure inodes']);
  expect(names({ nodeFs: { ...room, availableInodes: 0, capacityInodes: 0 } })).toEqual([]);
});

const pod = (name: string, memory: string | undefined, priority = 0): corev1.Pod =>
  testPod({ priority, containers: [{ name: 'main', ...(memory && { resources: { requests: { memory } } }) }] }, { name, uid: name });

it('evicts whoever is over the request first, then by priority, then by how far', () => {
  const ranked = rankForEviction(
    [
      { pod: pod('modest', '100Mi'), usage: 50 * mib },
      { pod: pod('important', '10Mi', 100), usage: 90 * mib },
      { pod: pod('greedy', '10Mi'), usage: 60 * mib },
      { pod: pod('greedier', undefined), usage: 70 * mib },
    ],
    'memory',
  );
  expect(ranked.map((each) => each.pod.metadata.name)).toEqual(['greedier', 'greedy', 'important', 'modest']);
});

describe('the manager', () => {
  function setUp(readings: () => HostReadings, pods: readonly corev1.Pod[]) {
    const clock = new VirtualClock();
    const evicted: string[] = [];
    const host = createSimulatedHost();
    const manager = new EvictionManager({
      host: {
        ...host,
        readings: () => Promise.resolve(readings()),
        cgroups: { ...host.cgroups, podWorkingSetBytes: () => 64 * mib },
      },
      clock,
      recorder: { event: () => undefined },
      thresholds: defaultThresholds,
      periodMs: 10_000,
      transitionMs: 300_000,
      imageFsPath: () => undefined,
      activePods: () => pods,
      reclaimDisk: () => Promise.resolve(false),
      evict: (victim, { message }) => evicted.push(`${victim.metadata.name}: ${message}`),
      onChange: () => undefined,
    });
    const ctx: Ctx = { signal: new AbortController().signal, log: silentLogger };
    return { clock, manager, evicted, ctx };
  }

  it('evicts one pod at a time, spares critical ones and says why', async () => {
    const low = { ...fine, memoryAvailableBytes: 50 * mib };
    const { manager, evicted, ctx } = setUp(() => low, [pod('critical', undefined, 2_000_000_000), pod('a', '32Mi')]);
    await manager.check(ctx);
    expect(evicted).toEqual([
      'a: The node was low on resource: memory. Threshold quantity: 100Mi, available: 51200Ki. Container main was using 65536Ki, request is 32Mi, has larger consumption of memory. ',
    ]);
    expect(manager.pressures()).toEqual(['MemoryPressure']);
  });

  it('keeps the condition for a while after it has passed', async () => {
    let readings = { ...fine, memoryAvailableBytes: 50 * mib };
    const { clock, manager, ctx } = setUp(() => readings, []);
    await manager.check(ctx);
    readings = fine;
    await clock.advance(299_000);
    await manager.check(ctx);
    expect(manager.pressures()).toEqual(['MemoryPressure']);
    await clock.advance(2000);
    expect(manager.pressures()).toEqual([]);
  });
});
