import { describe, expect, it } from 'vitest';
import type { coordinationv1, corev1 } from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';
import { type NodeHealth, observeNode } from './node-health.ts';
import { notReadyTaint, unreachableTaint, withConditionTaints, withEvictionTaint } from './node-taints.ts';
import { defaultEvictionRates, evictionRate, nextDisruption, TokenBucket, zoneOf, type ZoneState, zoneState } from './zones.ts';

const startMs = Date.UTC(2026, 0, 1);

interface Sketch {
  readonly ready?: string;
  readonly heartbeat?: string;
  readonly conditions?: Record<string, string>;
  readonly taints?: string[];
  readonly unschedulable?: boolean;
  readonly labels?: Record<string, string>;
}

function node({ ready, heartbeat = 'h1', conditions = {}, taints = [], unschedulable, labels = {} }: Sketch = {}): corev1.Node {
  const all = [...(ready ? [['Ready', ready] as const] : []), ...Object.entries(conditions)];
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n', uid: 'n', resourceVersion: '1', creationTimestamp: formatTime(startMs), labels },
    spec: {
      ...(unschedulable && { unschedulable }),
      taints: taints.map((text) => ({ key: text.split(':')[0]!, effect: text.split(':')[1] as 'NoSchedule' })),
    },
    status: { conditions: all.map(([type, status]) => ({ type, status, lastHeartbeatTime: heartbeat, lastTransitionTime: 'before' })) },
  };
}

const lease = (renewTime: string): coordinationv1.Lease => ({ spec: { renewTime } }) as coordinationv1.Lease;

describe('a node’s health', () => {
  const limits = { graceMs: 50_000, startupGraceMs: 60_000 };
  const look = (sketch: Sketch, options: { last?: NodeHealth; atMs: number; renewed?: string }): ReturnType<typeof observeNode> =>
    observeNode(node(sketch), {
      ...limits,
      last: options.last,
      lease: options.renewed ? lease(options.renewed) : undefined,
      nowMs: startMs + options.atMs,
    });

  it('is as it says while heartbeats change, by status or by lease', () => {
    let found = look({ ready: 'True' }, { atMs: 0, renewed: '1' });
    for (let i = 1; i <= 10; i++) {
      found = look({ ready: 'True', heartbeat: `h${i}` }, { last: found.health, atMs: i * 45_000 });
      expect(found).toMatchObject({ observed: 'True', current: 'True', conditions: undefined });
      found = look({ ready: 'True', heartbeat: `h${i}` }, { last: found.health, atMs: i * 45_000 + 40_000, renewed: String(100 + i) });
    }
    expect(found.health.probeMs).toBe(startMs + 490_000);
  });

  it('becomes unknown when nothing changed for the grace period', () => {
    const first = look({ ready: 'True', conditions: { MemoryPressure: 'False', NetworkUnavailable: 'False' } }, { atMs: 0, renewed: '1' });
    const still = look({ ready: 'True' }, { last: first.health, atMs: 50_000, renewed: '1' });
    expect(still.conditions).toBeUndefined();
    const silent = look(
      { ready: 'True', conditions: { MemoryPressure: 'False', NetworkUnavailable: 'False' } },
      { last: still.health, atMs: 50_001, renewed: '1' },
    );
    expect(silent).toMatchObject({ observed: 'True', current: 'Unknown' });
    expect(silent.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason ?? ''}`.trim())).toEqual([
      'Ready=Unknown NodeStatusUnknown',
      'MemoryPressure=Unknown NodeStatusUnknown',
      'NetworkUnavailable=False',
      'DiskPressure=Unknown NodeStatusNeverUpdated',
      'PIDPressure=Unknown NodeStatusNeverUpdated',
    ]);
  });

  it('counts from its making for a node that never spoke', () => {
    expect(look({}, { atMs: 60_000 }).conditions).toBeUndefined();
    expect(look({}, { atMs: 60_001 }).conditions).toHaveLength(4);
    expect(look({}, { atMs: 600_000, renewed: '1' }).conditions).toBeUndefined();
  });

  it('is not written again when it is unknown already', () => {
    expect(look({ ready: 'Unknown' }, { last: look({ ready: 'Unknown' }, { atMs: 0 }).health, atMs: 600_000 }).conditions).toBeUndefined();
  });
});

describe('taints', () => {
  const say = (taints: readonly corev1.Taint[] | undefined): string | undefined =>
    taints?.map(({ key, effect }) => `${key.replace('node.kubernetes.io/', '')}:${effect}`).join(' ');
  const byCondition = (sketch: Sketch): string | undefined => say(withConditionTaints(node(sketch), 'now'));

  it('follow the conditions', () => {
    expect(byCondition({ ready: 'True' })).toBeUndefined();
    expect(byCondition({ ready: 'False', conditions: { DiskPressure: 'True', PIDPressure: 'Unknown' } })).toBe(
      'not-ready:NoSchedule disk-pressure:NoSchedule',
    );
    expect(byCondition({ ready: 'Unknown', unschedulable: true })).toBe(
      'unschedulable:NoSchedule unreachable:NoSchedule'.split(' ').reverse().join(' '),
    );
    expect(
      byCondition({
        ready: 'True',
        taints: ['node.kubernetes.io/not-ready:NoSchedule', 'mine:NoSchedule', 'node.kubernetes.io/not-ready:NoExecute'],
      }),
    ).toBe('mine:NoSchedule not-ready:NoExecute');
    expect(byCondition({ ready: 'False', taints: ['node.kubernetes.io/not-ready:NoSchedule'] })).toBeUndefined();
  });

  it('that evict exclude each other', () => {
    const swap = (taints: string[], to: typeof notReadyTaint | typeof unreachableTaint | undefined): string | undefined =>
      say(withEvictionTaint(node({ taints }), to, () => 'now'));
    expect(swap([], undefined)).toBeUndefined();
    expect(swap(['mine:NoExecute'], notReadyTaint)).toBe('mine:NoExecute not-ready:NoExecute');
    expect(swap(['node.kubernetes.io/not-ready:NoExecute'], unreachableTaint)).toBe('unreachable:NoExecute');
    expect(swap(['node.kubernetes.io/not-ready:NoExecute'], undefined)).toBe('');
    expect(swap(['node.kubernetes.io/not-ready:NoExecute'], notReadyTaint)).toBeUndefined();
  });
});

describe('zones', () => {
  const rates = defaultEvictionRates;
  const statuses = (ready: number, notReady: number): string[] =>
    [...Array(ready).fill('True'), ...Array(notReady).fill('Unknown')] as string[];
  const rows: [number, number, ZoneState][] = [
    [3, 0, 'Normal'],
    [1, 2, 'Normal'],
    [2, 3, 'PartialDisruption'],
    [5, 4, 'Normal'],
    [0, 1, 'FullDisruption'],
    [0, 0, 'Normal'],
  ];
  for (const [ready, notReady, expected] of rows) {
    it(`with ${ready} ready and ${notReady} not are ${expected}`, () => expect(zoneState(statuses(ready, notReady), rates)).toBe(expected));
  }

  it('evict slower when disrupted, and small ones not at all', () => {
    expect([
      evictionRate('Normal', 3, rates),
      evictionRate('PartialDisruption', 51, rates),
      evictionRate('PartialDisruption', 50, rates),
    ]).toEqual([0.1, 0.01, 0]);
  });

  it('stop together, and recover together', () => {
    const states = (...list: ZoneState[]): Map<string, ZoneState> => new Map(list.map((state, i) => [String(i), state]));
    const first = nextDisruption({ states: states(), stopped: false }, states('FullDisruption', 'Normal'));
    expect(first).toMatchObject({ stopped: false, recovered: false });
    const stopped = nextDisruption(first, states('FullDisruption', 'FullDisruption'));
    expect(stopped).toMatchObject({ stopped: true, recovered: false });
    expect(nextDisruption(stopped, states('FullDisruption', 'Normal'))).toMatchObject({ stopped: false, recovered: true });
  });

  it('are named by region and zone', () => {
    expect(zoneOf(node())).toBe('');
    expect(zoneOf(node({ labels: { 'topology.kubernetes.io/region': 'r', 'topology.kubernetes.io/zone': 'z' } }))).toBe('r:\u0000:z');
  });

  it('give a token every ten seconds', () => {
    const bucket = new TokenBucket(0.1, 0);
    expect([bucket.take(0), bucket.take(9_000), bucket.take(10_000), bucket.take(10_001)]).toEqual([true, false, true, false]);
    bucket.setRate(0, 10_001);
    expect(bucket.take(1_000_000)).toBe(false);
  });
});
