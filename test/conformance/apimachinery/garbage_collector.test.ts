import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { toolbox } from '../../e2e/images.ts';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';

/** Longer than a collector that errs would take. */
const quietMs = 4_000;

describe.skipIf(unavailable)('apimachinery/garbage_collector', () => {
  const cluster = useCluster('conformance-gc');
  const path = (resource: string, groupVersion = 'v1'): string => cluster.path(groupVersion, resource);
  const template = (labels: Json): Json => ({
    metadata: { labels },
    spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: toolbox, args: ['-c', 'exec sleep 10000'] }] },
  });
  const createController = (name: string, replicas: number): Promise<Json> =>
    cluster.api('POST', path('replicationcontrollers'), {
      metadata: { name },
      spec: { replicas, selector: { app: name }, template: template({ app: name }) },
    });
  const createDeployment = (name: string): Promise<Json> =>
    cluster.api('POST', path('deployments', 'apps/v1'), {
      metadata: { name },
      spec: { replicas: 2, selector: { matchLabels: { app: name } }, template: template({ app: name }) },
    });
  const podsOf = async (app: string): Promise<Json[]> => (await cluster.api('GET', `${path('pods')}?labelSelector=app%3D${app}`)).items;
  const remove = (resource: string, object: Json, propagationPolicy: string, groupVersion = 'v1'): Promise<Json> =>
    cluster.api('DELETE', path(`${resource}/${object.metadata.name}`, groupVersion), {
      propagationPolicy,
      preconditions: { uid: object.metadata.uid },
    });
  const gone = (resource: string): Promise<void> =>
    eventually(async () => {
      expect((await cluster.request('GET', path(resource))).status).toBe(404);
    });
  const pod = (name: string, ownerReferences: Json[] = []): Promise<Json> =>
    cluster.api('POST', path('pods'), { metadata: { name, ownerReferences }, spec: template({}).spec });
  const ownerOf = ({ kind = 'Pod', metadata }: Json, block = true): Json => ({
    apiVersion: 'v1',
    kind,
    name: metadata.name,
    uid: metadata.uid,
    controller: block,
    blockOwnerDeletion: block,
  });
  const setOwners = (name: string, ownerReferences: Json[]): Promise<Json> =>
    cluster.api(
      'PATCH',
      path(`pods/${name}`),
      { metadata: { ownerReferences } },
      { headers: { 'content-type': 'application/merge-patch+json' } },
    );

  test('Garbage Collector, delete replication controller, propagation policy background', async () => {
    const controller = await createController('background', 2);
    await eventually(async () => expect((await podsOf('background')).length).toBeGreaterThan(0));
    await remove('replicationcontrollers', controller, 'Background');
    await gone('replicationcontrollers/background');
    await eventually(async () => expect(await podsOf('background')).toEqual([]));
  });

  test('Garbage Collector, delete replication controller, propagation policy orphan', async () => {
    const controller = await createController('orphan', 5);
    await eventually(async () => expect(await podsOf('orphan')).toHaveLength(5));
    await remove('replicationcontrollers', controller, 'Orphan');
    await gone('replicationcontrollers/orphan');
    await sleep(quietMs);
    const pods = await podsOf('orphan');
    expect(pods).toHaveLength(5);
    for (const { metadata } of pods) expect(metadata.ownerReferences ?? []).toEqual([]);
    await cluster.api('DELETE', `${path('pods')}?labelSelector=app%3Dorphan`);
  });

  test('Garbage Collector, delete deployment,  propagation policy background', async () => {
    const deployment = await createDeployment('deployment-background');
    const sets = async (): Promise<Json[]> =>
      (await cluster.api('GET', `${path('replicasets', 'apps/v1')}?labelSelector=app%3Ddeployment-background`)).items;
    await eventually(async () => expect(await sets()).toHaveLength(1));
    await remove('deployments', deployment, 'Background', 'apps/v1');
    await eventually(async () => {
      expect(await sets()).toEqual([]);
      expect(await podsOf('deployment-background')).toEqual([]);
    });
  });

  test('Garbage Collector, delete deployment, propagation policy orphan', async () => {
    const deployment = await createDeployment('deployment-orphan');
    const sets = async (): Promise<Json[]> =>
      (await cluster.api('GET', `${path('replicasets', 'apps/v1')}?labelSelector=app%3Ddeployment-orphan`)).items;
    await eventually(async () => expect(await podsOf('deployment-orphan')).toHaveLength(2));
    await remove('deployments', deployment, 'Orphan', 'apps/v1');
    await eventually(async () => {
      expect((await cluster.request('GET', path('deployments/deployment-orphan', 'apps/v1'))).status).toBe(404);
    });
    await sleep(quietMs);
    const [left, ...others] = await sets();
    expect(others).toEqual([]);
    expect((left?.metadata.ownerReferences ?? []).filter(({ controller }: Json) => controller)).toEqual([]);
    expect(await podsOf('deployment-orphan')).toHaveLength(2);
    await cluster.api('DELETE', path(`replicasets/${left?.metadata.name}`, 'apps/v1'), { propagationPolicy: 'Background' });
  });

  test('Garbage Collector, delete replication controller, after owned pods', async () => {
    const controller = await createController('foreground', 4);
    await eventually(async () => expect(await podsOf('foreground')).toHaveLength(4));
    await remove('replicationcontrollers', controller, 'Foreground');
    // It stays, marked, until its dependents are gone.
    let pods = 4;
    await eventually(async () => {
      const left = await cluster.request('GET', path('replicationcontrollers/foreground'));
      pods = (await podsOf('foreground')).length;
      if (left.status === 200) {
        expect(left.json.metadata.deletionTimestamp).toBeDefined();
        expect(left.json.metadata.finalizers).toContain('foregroundDeletion');
      }
      expect(left.status).toBe(404);
    });
    expect(pods).toBe(0);
  });

  test('Garbage Collector, multiple owners', async () => {
    const [first, second] = [await createController('owner-one', 4), await createController('owner-two', 0)];
    await eventually(async () => expect(await podsOf('owner-one')).toHaveLength(4));
    const pods = await podsOf('owner-one');
    const shared = pods.slice(0, 2).map(({ metadata }) => metadata.name);
    for (const { metadata } of pods.slice(0, 2)) {
      const owners = [...metadata.ownerReferences, { ...ownerOf({ ...second, kind: 'ReplicationController' }, false), controller: false }];
      await setOwners(metadata.name, owners);
    }
    await remove('replicationcontrollers', first, 'Foreground');
    await gone('replicationcontrollers/owner-one');
    await sleep(quietMs / 2);
    // Who has another owner that stands stays, without the reference to the one that went.
    const left = await podsOf('owner-one');
    expect(new Set(left.map(({ metadata }) => metadata.name))).toEqual(new Set(shared));
    for (const { metadata } of left) {
      expect(metadata.deletionTimestamp).toBeUndefined();
      expect(metadata.ownerReferences.map(({ name }: Json) => name)).toEqual(['owner-two']);
    }
    await remove('replicationcontrollers', second, 'Background');
    await eventually(async () => expect(await podsOf('owner-one')).toEqual([]));
  });

  test('Garbage Collector, dependency cycle', async () => {
    const [one, two, three] = [await pod('cycle-one'), await pod('cycle-two'), await pod('cycle-three')];
    await setOwners('cycle-one', [ownerOf(three)]);
    await setOwners('cycle-two', [ownerOf(one)]);
    await setOwners('cycle-three', [ownerOf(two)]);
    await remove('pods', one, 'Foreground');
    await eventually(async () => {
      const { items } = await cluster.api('GET', path('pods'));
      expect(items.map(({ metadata }: Json) => metadata.name).filter((name: string) => name.startsWith('cycle-'))).toEqual([]);
    });
  });
});
