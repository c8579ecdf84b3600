import { describe, expect, test } from 'vitest';
import { type Json, unavailable, useCluster } from '../support/cluster.ts';

describe.skipIf(unavailable)('instrumentation/events', () => {
  const cluster = useCluster('conformance-events');
  const path = (rest = ''): string => cluster.path('events.k8s.io/v1', `events${rest}`);
  const event = (name: string, reportingInstance: string, labels = {}): Json => ({
    metadata: { name, labels },
    reason: 'Test',
    action: 'Do',
    type: 'Normal',
    note: 'This is a test event',
    eventTime: '2017-09-19T13:49:16.000000Z',
    regarding: { namespace: cluster.namespace },
    reportingController: 'test-controller',
    reportingInstance,
  });
  const listed = async (query: string): Promise<string[]> =>
    (await cluster.api('GET', query)).items.map(({ metadata }: Json) => metadata.name);

  test('New Event resource lifecycle, testing a single event', async () => {
    const labels = { 'testevent-single': 'true' };
    const selector = 'labelSelector=testevent-single%3Dtrue';
    await cluster.api('POST', path(), event('event-test', 'test-node', labels));
    expect(await listed(`/apis/events.k8s.io/v1/events?${selector}`)).toEqual(['event-test']);
    expect(await listed(path(`?${selector}`))).toEqual(['event-test']);
    const instance = (name: string): string => path(`?fieldSelector=reportingController%3D${name}`);
    expect(await listed(instance('test-controller'))).toEqual(['event-test']);
    expect(await listed(instance('another'))).toEqual([]);
    const created = await cluster.api('GET', path('/event-test'));
    const series = { count: 2, lastObservedTime: '2014-09-19T13:49:16.000000Z' };
    const strategic = { headers: { 'content-type': 'application/strategic-merge-patch+json' } };
    await cluster.api('PATCH', path('/event-test'), { series }, strategic);
    const patched = await cluster.api('GET', path('/event-test'));
    expect(patched.series).toEqual(series);
    // Nothing else changed.
    const bare = ({ metadata, series: _series, ...rest }: Json): Json => ({ ...rest, uid: metadata.uid });
    expect(bare(patched)).toEqual(bare(created));
    await cluster.api('PUT', path('/event-test'), { ...patched, series: { ...series, count: 100 } });
    expect((await cluster.api('GET', path('/event-test'))).series.count).toBe(100);
    // What says what happened cannot be changed afterwards.
    const current = await cluster.api('GET', path('/event-test'));
    const changed = await cluster.request('PUT', path('/event-test'), { ...current, note: 'Something else' });
    expect(changed.status).toBe(422);
    await cluster.api('DELETE', path('/event-test'));
    expect(await listed(path(`?${selector}`))).toEqual([]);
  });

  test('New Event resource lifecycle, testing a list of events', async () => {
    const labels = { 'testevent-set': 'true' };
    const selector = 'labelSelector=testevent-set%3Dtrue';
    const names = ['test-event-1', 'test-event-2', 'test-event-3'];
    for (const name of names) await cluster.api('POST', path(), event(name, `node-${name}`, labels));
    expect(await listed(path(`?${selector}`))).toEqual(names);
    await cluster.api('DELETE', path(`?${selector}`));
    expect(await listed(path(`?${selector}`))).toEqual([]);
  });
});
