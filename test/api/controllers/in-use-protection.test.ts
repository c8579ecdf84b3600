/** Storage that is used stays, and so do ranges with addresses in them; both go when the last user has gone. */
import { describe, expect, it } from 'vitest';
import {
  corev1Resources,
  isApiError,
  type KubeObject,
  networkingv1Resources,
  type ResourceRef,
  storagev1Resources,
} from '../../../src/api/index.ts';
import { startWorld, type World } from './world.ts';

async function isGone<T extends KubeObject>(world: World, resource: ResourceRef<T>, name: string, namespace?: string): Promise<boolean> {
  try {
    await world.get(resource, name, namespace);
    return false;
  } catch (error) {
    return isApiError(error, 'NotFound');
  }
}

const claim = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'data', namespace: 'default' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, volumeAttributesClassName: 'silver' },
} as const;

function podOf(name: string, nodeName?: string): Parameters<World['client']['create']>[1] {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      ...(nodeName && { nodeName }),
      containers: [{ name: 'c', image: 'i' }],
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }],
    },
  } as never;
}

describe('a claim', () => {
  it('stays while a pod on a node names it', async () => {
    await using world = await startWorld({
      only: ['persistentvolumeclaim-protection-controller', 'volumeattributesclass-protection-controller'],
      readyAfterMs: undefined,
    });
    const { client, signal } = world;
    const { persistentvolumeclaims, pods } = corev1Resources;
    const silver = {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'VolumeAttributesClass',
      metadata: { name: 'silver' },
      driverName: 'a.b',
      parameters: { x: 'y' },
    } as const;
    await client.create(storagev1Resources.volumeattributesclasses, silver, { signal });
    const made = await client.create(persistentvolumeclaims, claim, { signal });
    expect(made.metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
    await client.create(pods, podOf('user', 'n1') as never, { signal });
    await client.create(pods, podOf('waiting') as never, { signal });
    await client.delete(persistentvolumeclaims, { namespace: 'default', name: 'data' }, { signal });
    await client.delete(storagev1Resources.volumeattributesclasses, { name: 'silver' }, { signal });
    await world.clock.advance(60_000);
    expect(await isGone(world, persistentvolumeclaims, 'data', 'default')).toBe(false);
    expect(await isGone(world, storagev1Resources.volumeattributesclasses, 'silver')).toBe(false);
    await client.delete(pods, { namespace: 'default', name: 'user' }, { signal, body: { gracePeriodSeconds: 0 } });
    await world.until('the claim is gone', () => isGone(world, persistentvolumeclaims, 'data', 'default'));
    await world.until('and its class', () => isGone(world, storagev1Resources.volumeattributesclasses, 'silver'));
  });
});

describe('a volume', () => {
  it('stays while it is bound', async () => {
    await using world = await startWorld({ only: ['persistentvolume-protection-controller'] });
    const { client, signal } = world;
    const { persistentvolumes } = corev1Resources;
    const volume = {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'pv' },
      spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/srv' } },
    } as const;
    await client.create(persistentvolumes, volume, { signal });
    const phase = (value: string) =>
      ({ type: 'application/merge-patch+json', body: { status: { phase: value } }, subresource: 'status' }) as const;
    await client.patch(persistentvolumes, { name: 'pv' }, phase('Bound'), { signal });
    await client.delete(persistentvolumes, { name: 'pv' }, { signal });
    await world.clock.advance(60_000);
    expect(await isGone(world, persistentvolumes, 'pv')).toBe(false);
    await client.patch(persistentvolumes, { name: 'pv' }, phase('Released'), { signal });
    await world.until('it is gone', () => isGone(world, persistentvolumes, 'pv'));
  });
});

describe('a range of Services', () => {
  it('is ready, stays while it alone has an address, and goes after a while', async () => {
    await using world = await startWorld({ only: ['service-cidr-controller'] });
    const { client, signal } = world;
    const { servicecidrs } = networkingv1Resources;
    const range = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'ServiceCIDR',
      metadata: { name: 'more' },
      spec: { cidrs: ['10.200.0.0/24'] },
    } as const;
    await client.create(servicecidrs, range, { signal });
    await world.until('it is ready', async () => (await world.get(servicecidrs, 'more')).status.conditions?.[0]?.status === 'True');
    expect((await world.get(servicecidrs, 'more')).metadata.finalizers).toEqual(['networking.k8s.io/service-cidr-finalizer']);
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's', namespace: 'default' },
      spec: { clusterIP: '10.200.0.9', ports: [{ port: 80 }] },
    } as const;
    await client.create(corev1Resources.services, service, { signal });
    await client.delete(servicecidrs, { name: 'more' }, { signal });
    await world.until('it says why it stays', async () => {
      const [condition] = (await world.get(servicecidrs, 'more')).status.conditions ?? [];
      return condition?.reason === 'Terminating';
    });
    await world.clock.advance(60_000);
    expect(await isGone(world, servicecidrs, 'more')).toBe(false);
    await client.delete(corev1Resources.services, { namespace: 'default', name: 's' }, { signal });
    await world.until('it is gone', () => isGone(world, servicecidrs, 'more'));
  });
});
