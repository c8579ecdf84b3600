import { describe, expect, it } from 'vitest';
import { corev1Resources, isApiError } from '../../../src/api/index.ts';
import { startWorld, type World } from './world.ts';

async function makeNamespace(world: World, name: string): Promise<void> {
  await world.client.create(
    corev1Resources.namespaces,
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} },
    { signal: world.signal },
  );
}

async function isGone(world: World, name: string): Promise<boolean> {
  try {
    await world.get(corev1Resources.namespaces, name);
    return false;
  } catch (error) {
    return isApiError(error, 'NotFound');
  }
}

describe('a namespace', () => {
  it('gets a ServiceAccount and the root certificate, and gets them again', async () => {
    await using world = await startWorld({
      only: ['serviceaccount-controller', 'root-ca-certificate-publisher-controller'],
      rootCa: 'PEM',
    });
    await makeNamespace(world, 'x');
    const both = async (): Promise<boolean> =>
      (await world.list(corev1Resources.serviceaccounts, 'x')).length === 1 &&
      (await world.list(corev1Resources.configmaps, 'x')).length === 1;
    await world.until('both are there', both);
    expect((await world.get(corev1Resources.serviceaccounts, 'default', 'x')).metadata.name).toBe('default');
    expect((await world.get(corev1Resources.configmaps, 'kube-root-ca.crt', 'x')).data).toEqual({ 'ca.crt': 'PEM' });
    await world.client.delete(corev1Resources.serviceaccounts, { namespace: 'x', name: 'default' }, { signal: world.signal });
    await world.client.delete(corev1Resources.configmaps, { namespace: 'x', name: 'kube-root-ca.crt' }, { signal: world.signal });
    await world.until('both are there again', both);
    const tamper = { type: 'application/merge-patch+json', body: { data: { 'ca.crt': 'other' } } } as const;
    await world.client.patch(corev1Resources.configmaps, { namespace: 'x', name: 'kube-root-ca.crt' }, tamper, { signal: world.signal });
    await world.until(
      'it is right again',
      async () => (await world.get(corev1Resources.configmaps, 'kube-root-ca.crt', 'x')).data?.['ca.crt'] === 'PEM',
    );
  });

  it('goes with everything in it, pods first', async () => {
    await using world = await startWorld({ only: ['namespace-controller'] });
    const { client, signal } = world;
    await makeNamespace(world, 'x');
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'x' },
      spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] },
    } as const;
    await client.create(corev1Resources.pods, pod, { signal });
    await client.create(corev1Resources.secrets, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'x' } }, { signal });
    await client.delete(corev1Resources.namespaces, { name: 'x' }, { signal });
    expect((await world.get(corev1Resources.namespaces, 'x')).status.phase).toBe('Terminating');
    await world.clock.advance(4_900);
    expect((await world.get(corev1Resources.pods, 'p', 'x')).metadata.deletionTimestamp).toBeUndefined();
    await world.clock.advance(200);
    const { status } = await world.get(corev1Resources.namespaces, 'x');
    expect((await world.list(corev1Resources.secrets, 'x')).length).toBe(1);
    expect(status.conditions?.map(({ type, status: value, reason, message }) => `${type}=${value} ${reason} ${message}`)).toEqual([
      'NamespaceDeletionDiscoveryFailure=False ResourcesDiscovered All resources successfully discovered',
      'NamespaceDeletionGroupVersionParsingFailure=False ParsedGroupVersions All legacy kube types successfully parsed',
      'NamespaceDeletionContentFailure=False ContentDeleted All content successfully deleted, may be waiting on finalization',
      'NamespaceContentRemaining=True SomeResourcesRemain Some resources are remaining: pods. has 1 resource instances',
      'NamespaceFinalizersRemaining=False ContentRemoved All content successfully removed',
    ]);
    await world.until('it is gone', () => isGone(world, 'x'), 5_000);
  });

  it('says which finalizers hold it', async () => {
    await using world = await startWorld({ only: ['namespace-controller'] });
    const { client, signal } = world;
    await makeNamespace(world, 'x');
    const metadata = { name: 'held', namespace: 'x', finalizers: ['example.com/hold'] };
    await client.create(corev1Resources.configmaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata }, { signal });
    await client.delete(corev1Resources.namespaces, { name: 'x' }, { signal });
    await world.clock.advance(6_000);
    const { status } = await world.get(corev1Resources.namespaces, 'x');
    const messages = status.conditions?.filter((condition) => condition.status === 'True').map(({ message }) => message);
    expect(messages).toEqual([
      'Some resources are remaining: configmaps. has 1 resource instances',
      'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
    ]);
    const release = { type: 'application/merge-patch+json', body: { metadata: { finalizers: null } } } as const;
    await client.patch(corev1Resources.configmaps, metadata, release, { signal });
    await world.until('it is gone', () => isGone(world, 'x'), 20_000);
  });
});
