import { describe, expect, test } from 'vitest';
import { sleeper } from '../../e2e/manifests.ts';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';

const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };
const amounts = (cpu: string, memory: string, storage: string): Json => ({ cpu, memory, 'ephemeral-storage': storage });
const beyond = amounts('600m', '600Mi', '600Gi');
const tooMuch = { requests: beyond, limits: beyond };
const limits = {
  type: 'Container',
  min: amounts('50m', '100Mi', '100Gi'),
  max: amounts('500m', '500Mi', '500Gi'),
  default: amounts('500m', '500Mi', '500Gi'),
  defaultRequest: amounts('100m', '200Mi', '200Gi'),
};

describe.skipIf(unavailable)('scheduling/limit_range', () => {
  const cluster = useCluster('conformance-limit-range');
  const ranges = (rest = ''): string => cluster.path('v1', `limitranges${rest}`);

  const podWith = (name: string, resources: Json): Json => {
    const pod = JSON.parse(sleeper(name));
    return { ...pod, spec: { ...pod.spec, containers: pod.spec.containers.map((container: Json) => ({ ...container, resources })) } };
  };
  const create = async (name: string, resources: Json): Promise<{ readonly status: number; readonly json: Json }> => {
    const answer = await cluster.request('POST', cluster.path('v1', 'pods'), podWith(name, resources));
    return { status: answer.status, json: answer.json };
  };

  test('LimitRange, resources', async () => {
    await using watch = await HeldWatch.open(cluster.transport(), ranges('?labelSelector=time%3Done'));
    const metadata = { name: 'limit-range', labels: { time: 'one' } };
    const created = await cluster.api('POST', ranges(), { metadata, spec: { limits: [limits] } });
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { uid: created.metadata.uid } } });
    expect((await cluster.api('GET', ranges('/limit-range'))).spec.limits).toEqual([limits]);
    const listed = await cluster.api('GET', ranges('?labelSelector=time%3Done'));
    expect(listed.items.map((item: Json) => item.metadata.name)).toEqual(['limit-range']);

    const plain = await create('no-resources', {});
    expect(plain.json.spec.containers[0].resources).toEqual({ limits: limits.default, requests: limits.defaultRequest });
    const partial = await create('partial', { requests: { cpu: '150m', memory: '150Mi' }, limits: { cpu: '300m' } });
    expect(partial.json.spec.containers[0].resources).toEqual({
      requests: amounts('150m', '150Mi', '200Gi'),
      limits: { ...limits.default, cpu: '300m' },
    });
    expect((await create('too-little', { requests: { cpu: '10m', memory: '50Mi', 'ephemeral-storage': '50Gi' } })).status).toBe(403);
    expect((await create('too-much', tooMuch)).status).toBe(403);

    const changed = { ...limits, min: amounts('9m', '49Mi', '49Gi') };
    await cluster.api('PUT', ranges('/limit-range'), { ...created, metadata: { ...metadata }, spec: { limits: [changed] } });
    expect(await watch.next()).toMatchObject({ type: 'MODIFIED', object: { spec: { limits: [{ min: changed.min }] } } });
    await eventually(async () => {
      expect((await create('little', { requests: { cpu: '10m', memory: '50Mi', 'ephemeral-storage': '50Gi' } })).status).toBe(201);
    });
    expect((await create('too-much', tooMuch)).status).toBe(403);

    await cluster.api('DELETE', ranges('/limit-range'));
    expect((await watch.next()).type).toBe('DELETED');
    await eventually(async () => {
      expect((await cluster.request('GET', ranges('/limit-range'))).status).toBe(404);
      expect((await create('free', tooMuch)).status).toBe(201);
    });
  });

  test('LimitRange, list, patch and delete a LimitRange by collection', async () => {
    const other = `${cluster.namespace}-other`;
    await cluster.api('POST', '/api/v1/namespaces', { metadata: { name: other } });
    try {
      const labels = { 'limit-range-test': 'collection' };
      const selector = `labelSelector=${encodeURIComponent('limit-range-test=collection')}`;
      const elsewhere = `/api/v1/namespaces/${other}/limitranges`;
      const body = (name: string): Json => ({ metadata: { name, labels }, spec: { limits: [limits] } });
      await cluster.api('POST', ranges(), body('one'));
      await cluster.api('POST', elsewhere, body('two'));
      const all = await cluster.api('GET', `/api/v1/limitranges?${selector}`);
      expect(all.items).toHaveLength(2);

      const max = { cpu: '1', memory: '600Mi', 'ephemeral-storage': '600Gi' };
      const change = { metadata: { labels: { one: 'patched' } }, spec: { limits: [{ ...limits, max }] } };
      const patched = await cluster.api('PATCH', ranges('/one'), change, mergePatch);
      expect(patched).toMatchObject({ metadata: { labels: { one: 'patched' } }, spec: { limits: [{ max }] } });

      await cluster.api('DELETE', ranges(`?labelSelector=${encodeURIComponent('one=patched')}`));
      await eventually(async () => {
        const left = await cluster.api('GET', `/api/v1/limitranges?${selector}`);
        expect(left.items.map((item: Json) => item.metadata.namespace)).toEqual([other]);
      });
    } finally {
      await cluster.api('DELETE', `/api/v1/namespaces/${other}`);
    }
  });
});
