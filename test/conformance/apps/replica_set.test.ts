import { describe, expect, test } from 'vitest';
import { toolbox } from '../../e2e/images.ts';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';

const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };
const strategicPatch = { headers: { 'content-type': 'application/strategic-merge-patch+json' } };

/** Serves the name of its pod. */
const hostnameServer = (name: string): Json => ({
  terminationGracePeriodSeconds: 0,
  containers: [
    {
      name,
      image: toolbox,
      args: ['-c', 'mkdir -p /tmp/www; echo "$HOSTNAME" > /tmp/www/index.html; exec httpd -f -p 9376 -h /tmp/www'],
      ports: [{ containerPort: 9376 }],
      readinessProbe: { httpGet: { path: '/', port: 9376 }, periodSeconds: 1 },
    },
  ],
});

describe.skipIf(unavailable)('apps/replica_set', () => {
  const cluster = useCluster('conformance-replicaset');
  const sets = (rest = ''): string => cluster.path('apps/v1', `replicasets${rest}`);
  const pods = (rest = ''): string => cluster.path('v1', `pods${rest}`);
  const replicaSet = (name: string, replicas: number, labels: Json = { name }): Json => ({
    metadata: { name, labels },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: hostnameServer(name) } },
  });
  const create = (name: string, replicas: number, labels?: Json): Promise<Json> =>
    cluster.api('POST', sets(), replicaSet(name, replicas, labels));
  const podsOf = async (selector: string): Promise<Json[]> =>
    (await cluster.api('GET', pods(`?labelSelector=${encodeURIComponent(selector)}`))).items;
  const settled = (name: string, replicas: number): Promise<Json> =>
    eventually(async () => {
      const set = await cluster.api('GET', sets(`/${name}`));
      expect({ ready: 0, available: 0, ...countsOf(set) }).toEqual({ replicas, ready: replicas, available: replicas });
      return set;
    });
  const remove = async (name: string): Promise<void> => {
    await cluster.api('DELETE', `${sets(`/${name}`)}?propagationPolicy=Background`);
  };

  test('Replica Set, run basic image', async () => {
    await create('my-hostname', 1);
    await settled('my-hostname', 1);
    const [pod] = await podsOf('name=my-hostname');
    await eventually(async () => {
      const answer = await cluster.request('GET', pods(`/${pod.metadata.name}/proxy/`));
      expect(answer.text.trim()).toBe(pod.metadata.name);
    });
    await remove('my-hostname');
  });

  test('Replica Set, adopt matching pods and release non matching pods', async () => {
    const labels = { name: 'pod-adoption-release' };
    await cluster.api('POST', pods(), { metadata: { name: 'pod-adoption-release', labels }, spec: hostnameServer('main') });
    const set = await create('pod-adoption-release', 1, labels);
    const ownerOf = async (): Promise<string | undefined> =>
      (await cluster.api('GET', pods('/pod-adoption-release'))).metadata.ownerReferences?.[0]?.uid;
    await eventually(async () => expect(await ownerOf()).toBe(set.metadata.uid));
    expect(await podsOf('name=pod-adoption-release')).toHaveLength(1);
    await cluster.api('PATCH', pods('/pod-adoption-release'), { metadata: { labels: { name: 'not-matching-name' } } }, mergePatch);
    await eventually(async () => expect(await ownerOf()).toBeUndefined());
    // Another takes its place.
    await eventually(async () => expect(await podsOf('name=pod-adoption-release')).toHaveLength(1));
    await remove('pod-adoption-release');
    await cluster.api('DELETE', pods('/pod-adoption-release'));
  });

  test('ReplicaSet, is created, Replaced and Patched', async () => {
    const labels = { 'test-rs': 'created' };
    const made = await create('test-rs', 1, labels);
    await settled('test-rs', 1);
    const current = await cluster.api('GET', sets('/test-rs'));
    await cluster.api('PUT', sets('/test-rs'), { ...current, spec: { ...current.spec, replicas: 2 } });
    await settled('test-rs', 2);
    await using watch = await HeldWatch.open(
      cluster.transport(),
      `${sets()}?fieldSelector=metadata.name%3Dtest-rs&resourceVersion=${current.metadata.resourceVersion}`,
    );
    const change = {
      metadata: { labels: { 'test-rs': 'patched' } },
      spec: { replicas: 3, template: { spec: { terminationGracePeriodSeconds: 1 } } },
    };
    await cluster.api('PATCH', sets('/test-rs'), change, strategicPatch);
    const seen = await watch.until(({ type, object }) => type === 'MODIFIED' && object.metadata.labels?.['test-rs'] === 'patched');
    expect(seen.object.metadata.uid).toBe(made.metadata.uid);
    await watch.until(({ object }) => object.status.readyReplicas === 3);
    expect((await settled('test-rs', 3)).spec.template.spec.terminationGracePeriodSeconds).toBe(1);
    await remove('test-rs');
  });

  test('ReplicaSet, completes the scaling of a ReplicaSet subresource', async () => {
    await create('test-rs-scale', 1);
    await settled('test-rs-scale', 1);
    const scale = await cluster.api('GET', sets('/test-rs-scale/scale'));
    expect(scale).toMatchObject({ kind: 'Scale', spec: { replicas: 1 }, status: { replicas: 1, selector: 'name=test-rs-scale' } });
    const updated = await cluster.api('PUT', sets('/test-rs-scale/scale'), { ...scale, spec: { replicas: 2 } });
    expect(updated.spec.replicas).toBe(2);
    expect((await cluster.api('GET', sets('/test-rs-scale'))).spec.replicas).toBe(2);
    await cluster.api('PATCH', sets('/test-rs-scale/scale'), { spec: { replicas: 4 } }, mergePatch);
    await settled('test-rs-scale', 4);
    await remove('test-rs-scale');
  });

  test('ReplicaSet, list and delete a collection of ReplicaSets', async () => {
    const labels = { collection: 'test-rs-collection' };
    await create('test-rs-collection', 3, labels);
    await settled('test-rs-collection', 3);
    const everywhere = '/apis/apps/v1/replicasets?labelSelector=collection%3Dtest-rs-collection';
    expect((await cluster.api('GET', everywhere)).items).toHaveLength(1);
    await cluster.api('DELETE', sets('?labelSelector=collection%3Dtest-rs-collection'));
    await eventually(async () => expect((await cluster.api('GET', everywhere)).items).toEqual([]));
  });

  test('ReplicaSet, status sub-resource', async () => {
    await create('test-rs-status', 1);
    await settled('test-rs-status', 1);
    const before = await cluster.api('GET', sets('/test-rs-status/status'));
    await using watch = await HeldWatch.open(
      cluster.transport(),
      `${sets()}?fieldSelector=metadata.name%3Dtest-rs-status&resourceVersion=${before.metadata.resourceVersion}`,
    );
    const update = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from an e2e test' };
    await eventually(async () => {
      const current = await cluster.api('GET', sets('/test-rs-status/status'));
      const status = { ...current.status, conditions: [...(current.status.conditions ?? []), update] };
      await cluster.api('PUT', sets('/test-rs-status/status'), { ...current, status });
    });
    const hasCondition =
      (type: string) =>
      ({ object }: Json): boolean =>
        (object.status.conditions ?? []).some((condition: Json) => condition.type === type && condition.status === 'True');
    await watch.until(hasCondition('StatusUpdate'));
    const patch = { status: { conditions: [{ type: 'StatusPatched', status: 'True' }] } };
    await cluster.api('PATCH', sets('/test-rs-status/status'), patch, mergePatch);
    await watch.until(hasCondition('StatusPatched'));
    await remove('test-rs-status');
  });
});

function countsOf({ status }: Json): Json {
  return { replicas: status.replicas, ready: status.readyReplicas ?? 0, available: status.availableReplicas ?? 0 };
}
