import { describe, expect, test } from 'vitest';
import { toolbox } from '../../e2e/images.ts';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';

const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };
const strategicPatch = { headers: { 'content-type': 'application/strategic-merge-patch+json' } };
const revision = 'deployment.kubernetes.io/revision';
/** No such image: pods of it never start. */
const absent = 'knarr.local/absent:404';

const server = (image: string, version = 'v1'): Json => ({
  terminationGracePeriodSeconds: 0,
  containers: [
    {
      name: 'web',
      image,
      imagePullPolicy: 'IfNotPresent',
      args: ['-c', 'mkdir -p /tmp/www; echo "$VERSION" > /tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www'],
      env: [{ name: 'VERSION', value: version }],
      readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
    },
  ],
});

describe.skipIf(unavailable)('apps/deployment', () => {
  const cluster = useCluster('conformance-deployment');
  const deployments = (rest = ''): string => cluster.path('apps/v1', `deployments${rest}`);
  const sets = (rest = ''): string => cluster.path('apps/v1', `replicasets${rest}`);
  const pods = (rest = ''): string => cluster.path('v1', `pods${rest}`);
  const selecting = (labels: Json): string =>
    `?labelSelector=${encodeURIComponent(
      Object.entries(labels)
        .map(([key, value]) => `${key}=${String(value)}`)
        .join(','),
    )}`;
  const deployment = (name: string, spec: Json, labels: Json = { name }): Json => ({
    metadata: { name, labels },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: server(toolbox) }, ...spec },
  });
  const replicaSet = (name: string, own: Json, annotations: Json = {}): Json => {
    const labels = { ...own, pod: 'httpd' };
    const template = { metadata: { labels }, spec: server(toolbox) };
    return { metadata: { name, labels, annotations }, spec: { replicas: 1, selector: { matchLabels: labels }, template } };
  };
  const get = (name: string): Promise<Json> => cluster.api('GET', deployments(`/${name}`));
  const setsOf = async (labels: Json): Promise<Json[]> =>
    (await cluster.api('GET', sets(selecting(labels)))).items.toSorted((a: Json, b: Json) => Number(revisionOf(a) - revisionOf(b)));
  const complete = (name: string): Promise<Json> =>
    eventually(async () => {
      const { metadata, spec, status, ...rest } = await get(name);
      const { replicas } = spec;
      expect({
        observed: status.observedGeneration,
        all: status.replicas ?? 0,
        updated: status.updatedReplicas ?? 0,
        available: status.availableReplicas ?? 0,
      }).toEqual({ observed: metadata.generation, all: replicas, updated: replicas, available: replicas });
      return { ...rest, metadata, spec, status };
    });
  const setReady = (name: string, replicas: number): Promise<void> =>
    eventually(async () => expect((await cluster.api('GET', sets(`/${name}`))).status.availableReplicas).toBe(replicas));
  const setImage = (name: string, image: string, more: Json = {}): Promise<Json> =>
    cluster.api(
      'PATCH',
      deployments(`/${name}`),
      { spec: { ...more, template: { spec: { containers: [{ name: 'web', image }] } } } },
      strategicPatch,
    );
  const setVersion = (name: string, version: string): Promise<Json> => {
    const containers = [{ name: 'web', env: [{ name: 'VERSION', value: version }] }];
    return cluster.api('PATCH', deployments(`/${name}`), { spec: { template: { spec: { containers } } } }, strategicPatch);
  };
  const remove = async (name: string): Promise<void> => {
    await cluster.api('DELETE', `${deployments(`/${name}`)}?propagationPolicy=Background`);
  };

  test('Deployment RollingUpdate', async () => {
    const labels = { name: 'sample-pod' };
    const old = '3546343826724305832';
    await cluster.api('POST', sets(), replicaSet('test-rolling-update-controller', labels, { [revision]: old }));
    await setReady('test-rolling-update-controller', 1);
    const name = 'test-rolling-update-deployment';
    const body = deployment(name, { replicas: 1, template: { metadata: { labels }, spec: server(toolbox, 'v2') } }, labels);
    await cluster.api('POST', deployments(), body);
    const done = await complete(name);
    expect(done.metadata.annotations[revision]).toBe('3546343826724305833');
    const all = await setsOf(labels);
    expect(all.map(({ spec }) => spec.replicas)).toEqual([0, 1]);
    expect(all.map(({ metadata }) => metadata.ownerReferences[0].uid)).toEqual([done.metadata.uid, done.metadata.uid]);
    await remove(name);
  });

  test('Deployment Recreate', async () => {
    const name = 'test-recreate-deployment';
    await cluster.api('POST', deployments(), deployment(name, { replicas: 1, strategy: { type: 'Recreate' } }));
    await complete(name);
    const before = (await cluster.api('GET', pods(selecting({ name })))).items;
    await using watch = await HeldWatch.open(
      cluster.transport(),
      `${pods(selecting({ name }))}&resourceVersion=${(await cluster.api('GET', pods())).metadata.resourceVersion}`,
    );
    await setVersion(name, 'v2');
    // The old pod has ended before there is a new one.
    const first = await watch.until(
      ({ type, object }) =>
        type === 'ADDED' || type === 'DELETED' || object.status.phase === 'Succeeded' || object.status.phase === 'Failed',
    );
    expect(first.object.metadata.name).toBe(before[0].metadata.name);
    expect((await complete(name)).metadata.annotations[revision]).toBe('2');
    await remove(name);
  });

  test('Deployment RevisionHistoryLimit', async () => {
    const labels = { name: 'cleanup-pod' };
    await cluster.api('POST', sets(), replicaSet('test-cleanup-controller', labels));
    await setReady('test-cleanup-controller', 1);
    const name = 'test-cleanup-deployment';
    const template = { metadata: { labels }, spec: server(toolbox, 'v2') };
    await cluster.api('POST', deployments(), deployment(name, { replicas: 1, revisionHistoryLimit: 0, template }, labels));
    await complete(name);
    await eventually(async () => expect((await setsOf(labels)).map(({ spec }) => spec.replicas)).toEqual([1]));
    expect((await cluster.request('GET', sets('/test-cleanup-controller'))).status).toBe(404);
    await remove(name);
  });

  test('Deployment Rollover', async () => {
    const labels = { name: 'rollover-pod' };
    await cluster.api('POST', sets(), replicaSet('test-rollover-controller', labels));
    await setReady('test-rollover-controller', 1);
    const name = 'test-rollover-deployment';
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } };
    const stuck = { metadata: { labels }, spec: server(absent) };
    await cluster.api('POST', deployments(), deployment(name, { replicas: 1, minReadySeconds: 3, strategy, template: stuck }, labels));
    await eventually(async () => expect((await get(name)).status).toMatchObject({ updatedReplicas: 1 }));
    // It never comes to be: the next rolls over it.
    await setImage(name, toolbox, {});
    await setVersion(name, 'v3');
    const done = await complete(name);
    const all = await setsOf(labels);
    expect(all.at(-1).spec.replicas).toBe(1);
    expect(all.slice(0, -1).every(({ spec, status }) => spec.replicas === 0 && status.replicas === 0)).toBe(true);
    expect(all.every(({ metadata }) => metadata.ownerReferences[0].uid === done.metadata.uid)).toBe(true);
    await remove(name);
  });

  test('Deployment Proportional Scaling', async () => {
    const name = 'webserver-deployment';
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } };
    await cluster.api('POST', deployments(), deployment(name, { replicas: 10, strategy }));
    await complete(name);
    await setImage(name, absent);
    const sizes = (): Promise<[number, number][]> =>
      setsOf({ name }).then((all) => all.map(({ spec, status }) => [spec.replicas, status.availableReplicas ?? 0]));
    // Two of the old may be missing, three more than ten may be there.
    await eventually(async () =>
      expect(await sizes()).toEqual([
        [8, 8],
        [5, 0],
      ]),
    );
    const counts = { availableReplicas: 8, updatedReplicas: 5, unavailableReplicas: 5 };
    await eventually(async () => expect((await get(name)).status).toMatchObject(counts));
    await cluster.api('PATCH', deployments(`/${name}`), { spec: { replicas: 30 } }, mergePatch);
    await eventually(async () => expect((await sizes()).map(([wanted]) => wanted)).toEqual([20, 13]));
    await remove(name);
  });

  test('Deployment, completes the scaling of a Deployment subresource', async () => {
    const name = 'test-new-deployment';
    await cluster.api('POST', deployments(), deployment(name, { replicas: 1 }));
    await complete(name);
    const scale = await cluster.api('GET', deployments(`/${name}/scale`));
    expect(scale).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1', spec: { replicas: 1 }, status: { replicas: 1 } });
    const updated = await cluster.api('PUT', deployments(`/${name}/scale`), { ...scale, spec: { replicas: 2 } });
    expect(updated.spec.replicas).toBe(2);
    expect((await get(name)).spec.replicas).toBe(2);
    await cluster.api('PATCH', deployments(`/${name}/scale`), { spec: { replicas: 4 } }, mergePatch);
    await complete(name);
    await remove(name);
  });

  test('Deployment, completes the lifecycle of a Deployment', async () => {
    const name = 'test-deployment';
    const labels = { 'test-deployment-static': 'true' };
    await using watch = await HeldWatch.open(cluster.transport(), deployments(selecting(labels)));
    await cluster.api('POST', deployments(), deployment(name, { replicas: 1 }, labels));
    await watch.until(({ type }) => type === 'ADDED');
    await watch.until(({ object }) => object.status.readyReplicas === 1);
    const change = { metadata: { labels: { 'test-deployment': 'patched' } }, spec: { replicas: 2 } };
    await cluster.api('PATCH', deployments(`/${name}`), change, strategicPatch);
    await watch.until(({ type, object }) => type === 'MODIFIED' && object.metadata.labels['test-deployment'] === 'patched');
    await watch.until(({ object }) => object.status.readyReplicas === 2);
    const listed = await cluster.api('GET', `/apis/apps/v1/deployments${selecting(labels)}`);
    expect(listed.items.map(({ metadata }: Json) => metadata.name)).toEqual([name]);
    await eventually(async () => {
      const current = await get(name);
      const template = { ...current.spec.template, metadata: { ...current.spec.template.metadata, annotations: { updated: 'yes' } } };
      await cluster.api('PUT', deployments(`/${name}`), { ...current, spec: { ...current.spec, template } });
    });
    await watch.until(({ object }) => object.spec.template.metadata.annotations?.updated === 'yes');
    await watch.until(({ object }) => object.status.updatedReplicas === 2 && object.status.readyReplicas === 2);
    const status = { status: { readyReplicas: 0, availableReplicas: 0, replicas: 0, updatedReplicas: 0 } };
    await cluster.api('PATCH', deployments(`/${name}/status`), status, mergePatch);
    await watch.until(({ object }) => !object.status.readyReplicas);
    // What is true comes back.
    await watch.until(({ object }) => object.status.readyReplicas === 2);
    await cluster.api('DELETE', deployments(selecting(labels)));
    await watch.until(({ type }) => type === 'DELETED');
  });

  test('Deployment, status sub-resource', async () => {
    const name = 'test-deployment-status';
    await cluster.api('POST', deployments(), deployment(name, { replicas: 1 }));
    await complete(name);
    const before = await cluster.api('GET', deployments(`/${name}/status`));
    await using watch = await HeldWatch.open(
      cluster.transport(),
      `${deployments()}?fieldSelector=metadata.name%3D${name}&resourceVersion=${before.metadata.resourceVersion}`,
    );
    const hasCondition =
      (type: string) =>
      ({ object }: Json): boolean =>
        (object.status.conditions ?? []).some((condition: Json) => condition.type === type && condition.status === 'True');
    await eventually(async () => {
      const current = await cluster.api('GET', deployments(`/${name}/status`));
      const update = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from an e2e test' };
      const status = { ...current.status, conditions: [...current.status.conditions, update] };
      await cluster.api('PUT', deployments(`/${name}/status`), { ...current, status });
    });
    await watch.until(hasCondition('StatusUpdate'));
    const patch = { status: { conditions: [{ type: 'StatusPatched', status: 'True' }] } };
    await cluster.api('PATCH', deployments(`/${name}/status`), patch, mergePatch);
    await watch.until(hasCondition('StatusPatched'));
    await remove(name);
  });
});

function revisionOf({ metadata }: Json): bigint {
  return BigInt(metadata.annotations?.[revision] ?? 0);
}
