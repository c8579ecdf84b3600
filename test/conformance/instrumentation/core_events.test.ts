import { describe, expect, test } from 'vitest';
import { type Json, unavailable, useCluster } from '../support/cluster.ts';

describe.skipIf(unavailable)('instrumentation/core_events', () => {
  const cluster = useCluster('conformance-core-events');
  const path = (rest = ''): string => cluster.path('v1', `events${rest}`);
  const create = (name: string, labels = {}): Promise<Json> =>
    cluster.api('POST', path(), {
      metadata: { name, labels },
      message: 'This is a test event',
      reason: 'Test',
      type: 'Normal',
      count: 1,
      involvedObject: { namespace: cluster.namespace },
    });

  test('Event, manage lifecycle of an Event', async () => {
    await create('event-test', { 'testevent-constant': 'true' });
    const everywhere = await cluster.api('GET', '/api/v1/events?labelSelector=testevent-constant%3Dtrue');
    expect(everywhere.items.map(({ metadata }: Json) => metadata.name)).toContain('event-test');
    const patch = { message: 'This is a test event - patched' };
    await cluster.api('PATCH', path('/event-test'), patch, { headers: { 'content-type': 'application/strategic-merge-patch+json' } });
    const patched = await cluster.api('GET', path('/event-test'));
    expect(patched.message).toBe(patch.message);
    await cluster.api('PUT', path('/event-test'), { ...patched, series: { count: 100, lastObservedTime: '2026-01-02T03:04:05.678901Z' } });
    const updated = await cluster.api('GET', path('/event-test'));
    expect(updated.series).toEqual({ count: 100, lastObservedTime: '2026-01-02T03:04:05.678901Z' });
    // The other API shows the same event.
    expect((await cluster.api('GET', cluster.path('events.k8s.io/v1', 'events/event-test'))).note).toBe(patch.message);
    await cluster.api('DELETE', path('/event-test'));
    const left = await cluster.api('GET', '/api/v1/events?labelSelector=testevent-constant%3Dtrue');
    expect(left.items.filter(({ metadata }: Json) => metadata.namespace === cluster.namespace)).toEqual([]);
  });

  test('Event, delete a collection', async () => {
    for (const index of [1, 2, 3]) await create(`test-event-${index}`, { 'testevent-set': 'true' });
    await create('another', {});
    const selected = path('?labelSelector=testevent-set%3Dtrue');
    expect((await cluster.api('GET', selected)).items).toHaveLength(3);
    await cluster.api('DELETE', selected);
    expect((await cluster.api('GET', selected)).items).toEqual([]);
    expect((await cluster.api('GET', path('/another'))).metadata.name).toBe('another');
  });
});
