import { describe, expect, it } from 'vitest';
import { corev1Resources } from '../../../src/api/index.ts';
import { seededRandom, silentLogger, TaskGroup, VirtualClock } from '../../../src/base/index.ts';
import { createEventRecorder } from '../../../src/client/index.ts';
import { startTestServer } from '../harness.ts';

describe('the event recorder', () => {
  it('counts equal events, keeps their first time, and names who speaks', async () => {
    const clock = new VirtualClock();
    await using test = await startTestServer({ clock });
    await using group = new TaskGroup({ log: silentLogger });
    const { client } = test;
    const recorder = createEventRecorder({ client, component: 'kubelet', host: 'n1', clock, random: seededRandom(1), group });
    const { signal } = group;
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', namespace: 'default' },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    } as const;
    const created = await client.create(corev1Resources.pods, pod, { signal });
    for (let i = 0; i < 3; i++) {
      recorder.event(created, { type: 'Warning', reason: 'BackOff', message: 'Back-off restarting', fieldPath: 'spec.containers{c}' });
      await clock.advance(60_000);
    }
    recorder.as?.('other').event(created, { type: 'Normal', reason: 'Seen', message: 'seen' });
    const node = { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'n1' };
    recorder.event(node, { type: 'Normal', reason: 'Starting', message: 'Starting kubelet.' });
    await clock.advance(1_000);
    const { items } = await client.list(corev1Resources.events, { namespace: 'default', signal });
    const backOff = items.find(({ reason }) => reason === 'BackOff');
    expect(backOff).toMatchObject({
      count: 3,
      type: 'Warning',
      message: 'Back-off restarting',
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:02:00Z',
      source: { component: 'kubelet', host: 'n1' },
      reportingComponent: 'kubelet',
      reportingInstance: 'n1',
      involvedObject: { kind: 'Pod', namespace: 'default', name: 'web', uid: created.metadata.uid, fieldPath: 'spec.containers{c}' },
    });
    expect(backOff!.metadata.name).toMatch(/^web\.[0-9a-f]{16}$/);
    expect(items.find(({ reason }) => reason === 'Seen')).toMatchObject({ source: { component: 'other' }, reportingComponent: 'other' });
    expect(items.find(({ reason }) => reason === 'Starting')?.metadata.namespace).toBe('default');
  });

  it('writes a burst about many objects whole, and what is said of one object in its order', async () => {
    const clock = new VirtualClock();
    await using test = await startTestServer({ clock });
    await using group = new TaskGroup({ log: silentLogger });
    const { client } = test;
    const recorder = createEventRecorder({ client, component: 'default-scheduler', clock, random: seededRandom(1), group });
    const burst = 1_500;
    for (let i = 0; i < burst; i++) {
      const pod = { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: `web-${i}`, uid: `web-${i}` };
      recorder.event(pod, { type: 'Normal', reason: 'Scheduled', message: `Successfully assigned default/web-${i} to n1` });
    }
    const pod = { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'slow', uid: 'slow' };
    for (let i = 0; i < 5; i++) recorder.event(pod, { type: 'Warning', reason: 'FailedScheduling', message: 'no nodes available' });
    await clock.advance(1_000);
    const { items } = await client.list(corev1Resources.events, { namespace: 'default', signal: group.signal });
    expect(new Set(items.filter(({ reason }) => reason === 'Scheduled').map(({ involvedObject }) => involvedObject.name)).size).toBe(burst);
    expect(items.filter(({ reason }) => reason === 'FailedScheduling').map(({ count }) => count)).toEqual([5]);
  });

  it('loses no event when two components speak about one object at the same moment', async () => {
    const clock = new VirtualClock();
    await using test = await startTestServer({ clock });
    await using group = new TaskGroup({ log: silentLogger });
    const { client } = test;
    const node = { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'n1' };
    for (const component of ['kubelet', 'node-controller', 'scheduler']) {
      const recorder = createEventRecorder({ client, component, clock, random: seededRandom(component.length), group });
      recorder.event(node, { type: 'Normal', reason: 'Seen', message: 'seen' });
    }
    await clock.advance(1_000);
    const { items } = await client.list(corev1Resources.events, { namespace: 'default', signal: group.signal });
    expect(items.map(({ source }) => source?.component ?? '').toSorted()).toEqual(['kubelet', 'node-controller', 'scheduler']);
  });
});
