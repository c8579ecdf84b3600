import { describe, expect, it } from 'vitest';
import { appsv1Resources, type corev1, corev1Resources, isApiError, type metav1 } from '../../../src/api/index.ts';
import { startWorld, type World } from './world.ts';

const only = ['garbage-collector-controller'];

async function configMap(
  world: World,
  name: string,
  options: { owners?: readonly metav1.OwnerReference[]; finalizers?: string[]; namespace?: string } = {},
): Promise<corev1.ConfigMap> {
  const { owners, finalizers, namespace = 'default' } = options;
  const metadata = { name, namespace, ...(owners && { ownerReferences: owners }), ...(finalizers && { finalizers }) };
  return world.client.create(corev1Resources.configmaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata }, { signal: world.signal });
}

function ownedBy({ apiVersion, kind, metadata }: corev1.ConfigMap, blockOwnerDeletion = true): metav1.OwnerReference {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, blockOwnerDeletion };
}

async function names(world: World, namespace = 'default'): Promise<string> {
  const items = await world.list(corev1Resources.configmaps, namespace);
  return items
    .map(({ metadata }) => metadata.name)
    .sort()
    .join(' ');
}

async function remove(world: World, name: string, propagationPolicy: string): Promise<void> {
  await world.client.delete(
    corev1Resources.configmaps,
    { namespace: 'default', name },
    { signal: world.signal, body: { propagationPolicy } },
  );
}

describe('the garbage collector', () => {
  it('deletes dependents of dependents after their owner', async () => {
    await using world = await startWorld({ only });
    const owner = await configMap(world, 'a');
    const middle = await configMap(world, 'b', { owners: [ownedBy(owner)] });
    await configMap(world, 'c', { owners: [ownedBy(middle)] });
    await configMap(world, 'free');
    await world.clock.advance(5_000);
    expect(await names(world)).toBe('a b c free');
    await remove(world, 'a', 'Background');
    await world.until('only the free one is left', async () => (await names(world)) === 'free');
  });

  it('deletes the owner last in the foreground', async () => {
    await using world = await startWorld({ only });
    const owner = await configMap(world, 'a');
    await configMap(world, 'b', { owners: [ownedBy(owner)], finalizers: ['example.com/hold'] });
    await configMap(world, 'c', { owners: [ownedBy(owner, false)] });
    await world.clock.advance(5_000);
    await remove(world, 'a', 'Foreground');
    await world.clock.advance(60_000);
    expect(await names(world)).toBe('a b');
    expect((await world.get(corev1Resources.configmaps, 'b')).metadata.deletionTimestamp).toBeDefined();
    const release = { type: 'application/merge-patch+json', body: { metadata: { finalizers: null } } } as const;
    await world.client.patch(corev1Resources.configmaps, { namespace: 'default', name: 'b' }, release, { signal: world.signal });
    await world.until('all is gone', async () => (await names(world)) === '');
  });

  it('leaves dependents without an owner when asked to orphan', async () => {
    await using world = await startWorld({ only });
    const owner = await configMap(world, 'a');
    await configMap(world, 'b', { owners: [ownedBy(owner)] });
    await world.clock.advance(5_000);
    await remove(world, 'a', 'Orphan');
    await world.until('the owner is gone', async () => (await names(world)) === 'b');
    expect((await world.get(corev1Resources.configmaps, 'b')).metadata.ownerReferences ?? []).toEqual([]);
    await world.clock.advance(60_000);
    expect(await names(world)).toBe('b');
  });

  it('keeps what has another owner, and drops the reference to the one that is gone', async () => {
    await using world = await startWorld({ only });
    const [one, two] = [await configMap(world, 'one'), await configMap(world, 'two')];
    await configMap(world, 'shared', { owners: [ownedBy(one), ownedBy(two)] });
    await world.clock.advance(5_000);
    await remove(world, 'one', 'Background');
    await world.until(
      'one reference is left',
      async () => (await world.get(corev1Resources.configmaps, 'shared')).metadata.ownerReferences?.length === 1,
    );
    expect(await names(world)).toBe('shared two');
    await remove(world, 'two', 'Background');
    await world.until('it goes with the last', async () => (await names(world)) === '');
  });

  it('deletes what names an owner that never was', async () => {
    await using world = await startWorld({ only });
    await world.clock.advance(5_000);
    await configMap(world, 'b', { owners: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'ghost', uid: 'no-such-uid' }] });
    await world.until('it is gone', async () => (await names(world)) === '');
  });

  it('does not take an owner from another namespace for one', async () => {
    await using world = await startWorld({ only });
    const elsewhere = await configMap(world, 'owner', { namespace: 'kube-system' });
    await world.clock.advance(5_000);
    await configMap(world, 'b', { owners: [ownedBy(elsewhere)] });
    await world.until('it is gone', async () => (await names(world)) === '');
    expect(await names(world, 'kube-system')).toBe('owner');
    const { uid } = elsewhere.metadata;
    await world.clock.advance(1_000);
    expect(await world.events('b')).toEqual([
      `OwnerRefInvalidNamespace: ownerRef [v1/ConfigMap, namespace: default, name: owner, uid: ${uid}] does not exist in namespace "default"`,
    ]);
  });

  it('waits with a kind that is not served', async () => {
    await using world = await startWorld({ only });
    await configMap(world, 'b', { owners: [{ apiVersion: 'example.com/v1', kind: 'Thing', name: 'x', uid: 'x' }] });
    await world.clock.advance(120_000);
    expect(await names(world)).toBe('b');
  });

  it('finishes what was begun before it started', async () => {
    await using world = await startWorld({ only: [] });
    const owner = await configMap(world, 'a');
    await configMap(world, 'b', { owners: [ownedBy(owner)] });
    await remove(world, 'a', 'Foreground');
    await world.clock.advance(60_000);
    expect((await world.get(corev1Resources.configmaps, 'a')).metadata.finalizers).toEqual(['foregroundDeletion']);
    world.run(only);
    await world.until('all is gone', async () => (await names(world)) === '');
  });

  it('takes a Deployment with all that it made', async () => {
    await using world = await startWorld({ only: [...only, 'deployment-controller', 'replicaset-controller'] });
    const labels = { app: 'web' };
    const spec = {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'v1' }] } },
    };
    const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'default' }, spec } as const;
    await world.client.create(appsv1Resources.deployments, deployment, { signal: world.signal });
    await world.until('two pods run', async () => (await world.get(appsv1Resources.deployments, 'web')).status.availableReplicas === 2);
    await world.client.delete(
      appsv1Resources.deployments,
      { namespace: 'default', name: 'web' },
      { signal: world.signal, body: { propagationPolicy: 'Foreground' } },
    );
    await world.until('nothing is left', async () => {
      const left = [
        ...(await world.list(corev1Resources.pods)),
        ...(await world.list(appsv1Resources.replicasets)),
        ...(await world.list(appsv1Resources.deployments)),
      ];
      return left.length === 0;
    });
    await expect(world.get(appsv1Resources.deployments, 'web')).rejects.toSatisfy((error) => isApiError(error, 'NotFound'));
  });
});
