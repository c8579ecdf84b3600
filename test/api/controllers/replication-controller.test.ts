/** ReplicationControllers over the whole road: created, scaled, adopted, released, failing. */
import { describe, expect, it } from 'vitest';
import { controllerOf, type corev1, corev1Resources } from '../../../src/api/index.ts';
import { startWorld, type World } from './world.ts';

const only = ['replicationcontroller-controller', 'garbage-collector-controller'];
const { replicationcontrollers, pods } = corev1Resources;
const labels = { app: 'web' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'v1' }] } };

async function createController(world: World, spec: Partial<corev1.ReplicationControllerSpec> = {}): Promise<corev1.ReplicationController> {
  const metadata = { name: 'web', namespace: 'default' };
  const object = { apiVersion: 'v1', kind: 'ReplicationController', metadata, spec: { replicas: 2, template, ...spec } } as const;
  return world.client.create(replicationcontrollers, object, { signal: world.signal });
}

async function statusIs(world: World, status: Partial<corev1.ReplicationControllerStatus>): Promise<void> {
  const matches = async (): Promise<boolean> => {
    const found = await world.get(replicationcontrollers, 'web');
    return Object.entries(status).every(([field, value]) => found.status[field as keyof typeof status] === value);
  };
  await world.until(JSON.stringify(status), matches);
}

async function patch(world: World, name: string, body: object, resource: typeof pods | typeof replicationcontrollers): Promise<void> {
  const change = { type: 'application/merge-patch+json', body } as const;
  await world.client.patch<corev1.Pod | corev1.ReplicationController>(resource, { namespace: 'default', name }, change, {
    signal: world.signal,
  });
}

describe('a ReplicationController', () => {
  it('has as many pods as it wants, and says so', async () => {
    await using world = await startWorld({ only });
    await createController(world);
    await statusIs(world, { replicas: 2, fullyLabeledReplicas: 2, readyReplicas: 2, availableReplicas: 2, observedGeneration: 1 });
    const { status } = await world.get(replicationcontrollers, 'web');
    expect(status).not.toHaveProperty('terminatingReplicas');
    const [pod] = await world.list(pods);
    expect(controllerOf(pod!)).toMatchObject({ apiVersion: 'v1', kind: 'ReplicationController', name: 'web', blockOwnerDeletion: true });
    expect(pod!.metadata.generateName).toBe('web-');
    await patch(world, 'web', { spec: { replicas: 1 } }, replicationcontrollers);
    await statusIs(world, { replicas: 1, observedGeneration: 2 });
    const told = await world.events('web');
    expect(told.filter((text) => text.startsWith('SuccessfulCreate: Created pod: web-'))).toHaveLength(2);
    expect(told.filter((text) => text.startsWith('SuccessfulDelete: Deleted pod: web-'))).toHaveLength(1);
  });

  it('leaves alone what has ended', async () => {
    await using world = await startWorld({ only, readyAfterMs: undefined });
    const metadata = { name: 'ended', namespace: 'default', labels };
    await world.client.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec: template.spec }, { signal: world.signal });
    const body = { status: { phase: 'Failed' } };
    const change = { type: 'application/merge-patch+json', body, subresource: 'status' } as const;
    await world.client.patch(pods, { namespace: 'default', name: 'ended' }, change, { signal: world.signal });
    await createController(world);
    await statusIs(world, { replicas: 2 });
    expect(controllerOf(await world.get(pods, 'ended'))).toBeUndefined();
  });

  it('adopts what matches and lets go of what does not match any more', async () => {
    await using world = await startWorld({ only });
    const orphan = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'orphan', namespace: 'default', labels },
      spec: template.spec,
    } as const;
    await world.client.create(pods, orphan, { signal: world.signal });
    await createController(world);
    await statusIs(world, { replicas: 2, readyReplicas: 2 });
    expect(controllerOf(await world.get(pods, 'orphan'))?.name).toBe('web');
    await patch(world, 'orphan', { metadata: { labels: { app: 'other' } } }, pods);
    await world.until('it is let go', async () => !controllerOf(await world.get(pods, 'orphan')));
    await world.until('another takes its place', async () => (await world.list(pods)).length === 3);
    await statusIs(world, { replicas: 2 });
  });

  it('says when it cannot make its pods, and when it can again', async () => {
    await using world = await startWorld({ only: ['replicationcontroller-controller', 'resourcequota-controller'] });
    const hard = { pods: '1' };
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'few', namespace: 'default' }, spec: { hard } } as const;
    await world.client.create(corev1Resources.resourcequotas, quota, { signal: world.signal });
    await world.until('the quota is counted', async () => {
      const { status } = await world.get(corev1Resources.resourcequotas, 'few');
      return status.used?.['pods'] === '0';
    });
    await createController(world);
    await statusIs(world, { replicas: 1 });
    const failure = async (): Promise<corev1.ReplicationControllerCondition | undefined> =>
      (await world.get(replicationcontrollers, 'web')).status.conditions?.find(({ type }) => type === 'ReplicaFailure');
    await world.until('it says so', async () => (await failure()) !== undefined);
    expect(await failure()).toMatchObject({
      status: 'True',
      reason: 'FailedCreate',
      message: expect.stringMatching(
        /^pods "web-\w{5}" is forbidden: exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1$/,
      ) as string,
    });
    const change = { type: 'application/merge-patch+json', body: { spec: { hard: { pods: '5' } } } } as const;
    await world.client.patch(corev1Resources.resourcequotas, { namespace: 'default', name: 'few' }, change, { signal: world.signal });
    await statusIs(world, { replicas: 2 });
    await world.until('the condition is gone', async () => (await failure()) === undefined);
  });
});
