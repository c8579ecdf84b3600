import { describe, expect, test } from 'vitest';
import { toolbox } from '../../e2e/images.ts';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';

const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };

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

describe.skipIf(unavailable)('apps/rc', () => {
  const cluster = useCluster('conformance-rc');
  const controllers = (rest = ''): string => cluster.path('v1', `replicationcontrollers${rest}`);
  const pods = (rest = ''): string => cluster.path('v1', `pods${rest}`);
  const create = (name: string, replicas: number, labels: Json = { name }): Promise<Json> =>
    cluster.api('POST', controllers(), {
      metadata: { name, labels },
      spec: { replicas, selector: labels, template: { metadata: { labels }, spec: hostnameServer(name) } },
    });
  const podsOf = async (selector: string): Promise<Json[]> =>
    (await cluster.api('GET', pods(`?labelSelector=${encodeURIComponent(selector)}`))).items;
  const settled = (name: string, replicas: number): Promise<Json> =>
    eventually(async () => {
      const found = await cluster.api('GET', controllers(`/${name}`));
      const { status } = found;
      const counts = { replicas: status.replicas, ready: status.readyReplicas ?? 0, available: status.availableReplicas ?? 0 };
      expect(counts).toEqual({ replicas, ready: replicas, available: replicas });
      return found;
    });
  const remove = async (name: string): Promise<void> => {
    await cluster.api('DELETE', `${controllers(`/${name}`)}?propagationPolicy=Background`);
  };
  const ownerOf = async (pod: string): Promise<string | undefined> =>
    (await cluster.api('GET', pods(`/${pod}`))).metadata.ownerReferences?.[0]?.uid;

  test('Replication Controller, run basic image', async () => {
    await create('my-hostname', 1);
    await settled('my-hostname', 1);
    const [pod] = await podsOf('name=my-hostname');
    await eventually(async () => {
      const answer = await cluster.request('GET', pods(`/${pod.metadata.name}/proxy/`));
      expect(answer.text.trim()).toBe(pod.metadata.name);
    });
    await remove('my-hostname');
  });

  test('Replication Controller, check for issues like exceeding allocated quota', async () => {
    const quota = { metadata: { name: 'condition-test' }, spec: { hard: { pods: '2' } } };
    // Of its own pods only: those of other tests would count.
    await eventually(async () => expect((await cluster.api('GET', pods())).items).toEqual([]));
    await cluster.api('POST', cluster.path('v1', 'resourcequotas'), quota);
    await eventually(async () => {
      const { status } = await cluster.api('GET', cluster.path('v1', 'resourcequotas/condition-test'));
      expect(status.hard).toEqual({ pods: '2' });
    });
    await create('condition-test', 3);
    const failure = async (): Promise<Json> => {
      const { metadata, status } = await cluster.api('GET', controllers('/condition-test'));
      expect(status.observedGeneration).toBe(metadata.generation);
      return status.conditions?.find(({ type }: Json) => type === 'ReplicaFailure');
    };
    const failed = await eventually(async () => {
      const found = await failure();
      expect(found).toBeDefined();
      return found;
    });
    expect(failed).toMatchObject({ status: 'True', reason: 'FailedCreate' });
    expect(failed.message).toContain('exceeded quota: condition-test');
    await cluster.api('PATCH', controllers('/condition-test'), { spec: { replicas: 2 } }, mergePatch);
    await eventually(async () => expect(await failure()).toBeUndefined());
    await remove('condition-test');
    await cluster.api('DELETE', cluster.path('v1', 'resourcequotas/condition-test'));
  });

  test('Replication Controller, adopt matching pods', async () => {
    await cluster.api('POST', pods(), {
      metadata: { name: 'pod-adoption', labels: { name: 'pod-adoption' } },
      spec: hostnameServer('main'),
    });
    const { metadata } = await create('pod-adoption', 1);
    await eventually(async () => expect(await ownerOf('pod-adoption')).toBe(metadata.uid));
    expect(await podsOf('name=pod-adoption')).toHaveLength(1);
    await remove('pod-adoption');
  });

  test('Replication Controller, release pods', async () => {
    await create('pod-release', 1);
    const [pod] = await eventually(async () => {
      const found = await podsOf('name=pod-release');
      expect(found).toHaveLength(1);
      return found;
    });
    const { name } = pod.metadata;
    await cluster.api('PATCH', pods(`/${name}`), { metadata: { labels: { name: 'not-matching-name' } } }, mergePatch);
    await eventually(async () => expect(await ownerOf(name)).toBeUndefined());
    await remove('pod-release');
    await cluster.api('DELETE', pods(`/${name}`));
  });

  test('Replication Controller, lifecycle', async () => {
    const labels = { 'test-rc-static': 'true' };
    await using watch = await HeldWatch.open(cluster.transport(), `${controllers()}?labelSelector=test-rc-static%3Dtrue`);
    await create('rc-test', 1, labels);
    await watch.until(({ type }) => type === 'ADDED');
    await watch.until(({ object }) => object.status.readyReplicas === 1);
    await cluster.api('PATCH', controllers('/rc-test'), { metadata: { labels: { 'test-rc': 'patched' } } }, mergePatch);
    await watch.until(({ type, object }) => type === 'MODIFIED' && object.metadata.labels['test-rc'] === 'patched');
    await cluster.api('PATCH', controllers('/rc-test/status'), { status: { readyReplicas: 0, availableReplicas: 0 } }, mergePatch);
    await watch.until(({ object }) => !object.status.readyReplicas);
    // What is true comes back.
    await watch.until(({ object }) => object.status.readyReplicas === 1);
    expect((await cluster.api('GET', controllers('/rc-test/status'))).kind).toBe('ReplicationController');
    await cluster.api('PATCH', controllers('/rc-test/scale'), { spec: { replicas: 2 } }, mergePatch);
    await watch.until(({ object }) => object.spec.replicas === 2 && object.status.readyReplicas === 2);
    await eventually(async () => {
      const current = await cluster.api('GET', controllers('/rc-test'));
      await cluster.api('PUT', controllers('/rc-test'), { ...current, metadata: { ...current.metadata, annotations: { updated: 'yes' } } });
    });
    await watch.until(({ object }) => object.metadata.annotations?.updated === 'yes');
    const listed = await cluster.api('GET', '/api/v1/replicationcontrollers?labelSelector=test-rc-static%3Dtrue');
    expect(listed.items.map(({ metadata }: Json) => metadata.name)).toEqual(['rc-test']);
    await cluster.api('DELETE', controllers('?labelSelector=test-rc-static%3Dtrue'));
    await watch.until(({ type }) => type === 'DELETED');
  });

  test('Replication Controller, get and update ReplicationController scale', async () => {
    await create('e2e-rc-scale', 1);
    await settled('e2e-rc-scale', 1);
    const scale = await cluster.api('GET', controllers('/e2e-rc-scale/scale'));
    expect(scale).toMatchObject({ apiVersion: 'autoscaling/v1', kind: 'Scale', spec: { replicas: 1 }, status: { replicas: 1 } });
    await cluster.api('PUT', controllers('/e2e-rc-scale/scale'), { ...scale, spec: { replicas: 2 } });
    await settled('e2e-rc-scale', 2);
    await remove('e2e-rc-scale');
  });
});
