/** Quotas are counted, and counted again when something goes. */
import { describe, expect, it } from 'vitest';
import { type corev1, corev1Resources, isApiError } from '../../../src/api/index.ts';
import { startWorld, type World } from './world.ts';

const only = ['resourcequota-controller'];
const { resourcequotas, pods, configmaps, services } = corev1Resources;

async function createQuota(world: World, hard: Record<string, string>, rest: Partial<corev1.ResourceQuotaSpec> = {}): Promise<void> {
  const metadata = { name: 'q', namespace: 'default' };
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard, ...rest } } as const;
  await world.client.create(resourcequotas, quota, { signal: world.signal });
}

async function createPod(world: World, name: string, requests: Record<string, string> = {}): Promise<void> {
  const spec = { containers: [{ name: 'c', image: 'x', resources: { requests } }] };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' }, spec } as const;
  await world.client.create(pods, pod, { signal: world.signal });
}

async function usedIs(world: World, used: Record<string, string>): Promise<void> {
  const names = Object.keys(used);
  const matches = async (): Promise<boolean> => {
    const { used: now = {} } = (await world.get(resourcequotas, 'q')).status;
    return Object.keys(now).length === names.length && names.every((name) => now[name] === used[name]);
  };
  await world.until(`used is ${JSON.stringify(used)}`, matches);
}

const end = (world: World, name: string): Promise<void> =>
  world.client.delete(pods, { namespace: 'default', name }, { signal: world.signal, body: { gracePeriodSeconds: 0 } });

describe('a quota', () => {
  it('counts what is there when it comes', async () => {
    await using world = await startWorld({ only });
    await createPod(world, 'a', { cpu: '250m', memory: '64Mi' });
    await createPod(world, 'b', { cpu: '250m' });
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm', namespace: 'default' } } as const;
    await world.client.create(configmaps, map, { signal: world.signal });
    await createQuota(world, {
      pods: '5',
      'requests.cpu': '2',
      memory: '1Gi',
      'count/configmaps': '9',
      secrets: '1',
      'count/widgets.example.com': '1',
    });
    await usedIs(world, { pods: '2', 'requests.cpu': '500m', memory: '64Mi', 'count/configmaps': '1', secrets: '0' });
    expect((await world.get(resourcequotas, 'q')).status.hard).toMatchObject({ pods: '5', 'count/widgets.example.com': '1' });
  });

  it('gets back what is deleted or has ended', async () => {
    await using world = await startWorld({ only, readyAfterMs: undefined });
    await createQuota(world, { pods: '2', 'count/pods': '9' });
    await usedIs(world, { pods: '0', 'count/pods': '0' });
    await createPod(world, 'a');
    await createPod(world, 'b');
    await expect(createPod(world, 'c')).rejects.toSatisfy((error: unknown) => isApiError(error, 'Forbidden'));
    await usedIs(world, { pods: '2', 'count/pods': '2' });
    await end(world, 'a');
    await usedIs(world, { pods: '1', 'count/pods': '1' });
    const change = { type: 'application/merge-patch+json', body: { status: { phase: 'Succeeded' } }, subresource: 'status' } as const;
    await world.client.patch(pods, { namespace: 'default', name: 'b' }, change, { signal: world.signal });
    await usedIs(world, { pods: '0', 'count/pods': '1' });
  });

  it('counts only what its scopes mean', async () => {
    await using world = await startWorld({ only });
    await createPod(world, 'best-effort');
    await createPod(world, 'burstable', { cpu: '1m' });
    await createQuota(world, { pods: '5' }, { scopes: ['BestEffort', 'NotTerminating'] });
    await usedIs(world, { pods: '1' });
  });

  it('follows its limits, and a service that changes its type', async () => {
    await using world = await startWorld({ only });
    await createQuota(world, { 'services.nodeports': '3' });
    await usedIs(world, { 'services.nodeports': '0' });
    const spec = {
      type: 'NodePort',
      ports: [
        { port: 1, name: 'a' },
        { port: 2, name: 'b' },
      ],
    } as const;
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace: 'default' }, spec } as const;
    await world.client.create(services, service, { signal: world.signal });
    await usedIs(world, { 'services.nodeports': '2' });
    const patch = (resource: typeof services | typeof resourcequotas, name: string, body: object): Promise<unknown> =>
      world.client.patch<corev1.Service | corev1.ResourceQuota>(
        resource,
        { namespace: 'default', name },
        { type: 'application/merge-patch+json', body },
        { signal: world.signal },
      );
    await patch(services, 's', { spec: { type: 'ClusterIP' } });
    await usedIs(world, { 'services.nodeports': '0' });
    await patch(resourcequotas, 'q', { spec: { hard: { 'services.nodeports': null, services: '1' } } });
    await usedIs(world, { services: '1' });
  });

  it('is put right in time when a charged write was not stored', async () => {
    await using world = await startWorld({ only });
    await createQuota(world, { pods: '2' });
    await usedIs(world, { pods: '0' });
    await createPod(world, 'a');
    // The name is taken: the charge is not given back by admission.
    await expect(createPod(world, 'a')).rejects.toSatisfy((error: unknown) => isApiError(error, 'AlreadyExists'));
    await usedIs(world, { pods: '2' });
    await usedIs(world, { pods: '1' });
  });

  it('holds while pods come and go at once', async () => {
    await using world = await startWorld({ only, readyAfterMs: undefined });
    await createQuota(world, { pods: '10' });
    await usedIs(world, { pods: '0' });
    for (let round = 0; round < 5; round++) {
      const names = Array.from({ length: 20 }, (_, i) => `p-${round}-${i}`);
      const ended = (await world.list(pods)).slice(0, 5).map(({ metadata }) => end(world, metadata.name));
      await Promise.allSettled([...names.map((name) => createPod(world, name)), ...ended]);
      expect((await world.list(pods)).length).toBeLessThanOrEqual(10);
      await world.clock.advance(1_000);
    }
    await usedIs(world, { pods: String((await world.list(pods)).length) });
  });
});
