import { describe, expect, it } from 'vitest';
import { appsv1Resources, type appsv1, corev1Resources } from '../../../src/api/index.ts';
import { startWorld, type World } from './world.ts';

const only = ['deployment-controller', 'replicaset-controller'];

async function createDeployment(world: World, spec: Partial<appsv1.DeploymentSpec> = {}): Promise<appsv1.Deployment> {
  const labels = { app: 'web' };
  return world.client.create(
    appsv1Resources.deployments,
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        replicas: 3,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'v1' }] } },
        ...spec,
      },
    },
    { signal: world.signal },
  );
}

async function patch(world: World, body: object): Promise<void> {
  const change = { type: 'application/strategic-merge-patch+json', body } as const;
  await world.client.patch(appsv1Resources.deployments, { namespace: 'default', name: 'web' }, change, { signal: world.signal });
}

const withImage = (image: string): object => ({ spec: { template: { spec: { containers: [{ name: 'web', image }] } } } });

async function settled(world: World): Promise<boolean> {
  const { metadata, spec, status } = await world.get(appsv1Resources.deployments, 'web');
  const wanted = spec.replicas ?? 0;
  return (
    status.observedGeneration === metadata.generation &&
    (status.replicas ?? 0) === wanted &&
    (status.updatedReplicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted
  );
}

describe('a Deployment', () => {
  it('becomes a ReplicaSet and pods, and says how it goes', async () => {
    await using world = await startWorld({ only });
    await createDeployment(world);
    await world.until('three pods are available', () => settled(world));
    const deployment = await world.get(appsv1Resources.deployments, 'web');
    const [replicaSet] = await world.list(appsv1Resources.replicasets);
    const { name } = replicaSet!.metadata;
    expect(deployment.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1');
    expect(deployment.status.conditions?.map(({ type, status, reason, message }) => `${type}=${status} ${reason} ${message}`)).toEqual([
      'Available=True MinimumReplicasAvailable Deployment has minimum availability.',
      `Progressing=True NewReplicaSetAvailable ReplicaSet "${name}" has successfully progressed.`,
    ]);
    expect(deployment.status).toMatchObject({
      replicas: 3,
      readyReplicas: 3,
      updatedReplicas: 3,
      availableReplicas: 3,
      terminatingReplicas: 0,
    });
    expect(deployment.status).not.toHaveProperty('unavailableReplicas');
    expect(replicaSet!.metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '1',
      'deployment.kubernetes.io/desired-replicas': '3',
      'deployment.kubernetes.io/max-replicas': '4',
    });
    const pods = await world.list(corev1Resources.pods);
    expect(pods.map(({ metadata }) => metadata.labels?.['pod-template-hash'])).toEqual(Array(3).fill(name.slice('web-'.length)));
    expect(
      pods.every(({ metadata }) => metadata.name.startsWith(`${name}-`) && metadata.ownerReferences?.[0]?.uid === replicaSet!.metadata.uid),
    ).toBe(true);
    expect(await world.events('web')).toEqual([`ScalingReplicaSet: Scaled up replica set ${name} from 0 to 3`]);
    const created = pods.map(({ metadata }) => `SuccessfulCreate: Created pod: ${metadata.name}`);
    expect((await world.events(name)).sort()).toEqual(created.sort());
  });

  it('is rolled back by whoever asks for it with an annotation', async () => {
    await using world = await startWorld({ only });
    await createDeployment(world);
    await world.until('the first version stands', () => settled(world));
    await patch(world, withImage('v2'));
    await world.until('the second version stands', () => settled(world));
    await patch(world, { metadata: { annotations: { 'deprecated.deployment.rollback.to': '0' } } });
    await world.until('the first version is back', async () => {
      const { spec, metadata } = await world.get(appsv1Resources.deployments, 'web');
      return spec.template.spec?.containers[0]?.image === 'v1' && metadata.annotations?.['deployment.kubernetes.io/revision'] === '3';
    });
    const { metadata, spec } = await world.get(appsv1Resources.deployments, 'web');
    expect(metadata.annotations).not.toHaveProperty(['deprecated.deployment.rollback.to']);
    expect(spec.template.metadata?.labels).toEqual({ app: 'web' });
    expect(await world.events('web')).toContain('DeploymentRollback: Rolled back deployment "web" to revision 1');
  });

  it('rolls to a new template without losing availability, and back', async () => {
    await using world = await startWorld({ only });
    await createDeployment(world);
    await world.until('v1 stands', () => settled(world));
    let leastAvailable = 3;
    const watching = async (): Promise<boolean> => {
      const { status } = await world.get(appsv1Resources.deployments, 'web');
      leastAvailable = Math.min(leastAvailable, status.availableReplicas ?? 0);
      return settled(world);
    };
    await patch(world, withImage('v2'));
    await world.until('v2 stands', watching);
    expect(leastAvailable).toBe(3);
    await patch(world, withImage('v1'));
    await world.until('v1 stands again', () => settled(world));
    const replicaSets = await world.list(appsv1Resources.replicasets);
    const told = replicaSets.map(({ spec, metadata }) => {
      const { 'deployment.kubernetes.io/revision': revision, 'deployment.kubernetes.io/revision-history': history } =
        metadata.annotations ?? {};
      return `${spec.template?.spec?.containers[0]?.image} ${spec.replicas} revision ${revision} history ${history}`;
    });
    expect(told.sort()).toEqual(['v1 3 revision 3 history 1', 'v2 0 revision 2 history undefined']);
    const { metadata } = await world.get(appsv1Resources.deployments, 'web');
    expect(metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('3');
    const events = await world.events('web');
    expect(events.slice(1, 7).map((event) => event.replace(/web-\w+/, 'RS'))).toEqual([
      'ScalingReplicaSet: Scaled up replica set RS from 0 to 1',
      'ScalingReplicaSet: Scaled down replica set RS from 3 to 2',
      'ScalingReplicaSet: Scaled up replica set RS from 1 to 2',
      'ScalingReplicaSet: Scaled down replica set RS from 2 to 1',
      'ScalingReplicaSet: Scaled up replica set RS from 2 to 3',
      'ScalingReplicaSet: Scaled down replica set RS from 1 to 0',
    ]);
  });

  it('recreates: no old pod beside a new one', async () => {
    await using world = await startWorld({ only });
    await createDeployment(world, { strategy: { type: 'Recreate' } });
    await world.until('v1 stands', () => settled(world));
    await patch(world, withImage('v2'));
    const mixes = new Set<string>();
    await world.until('v2 stands', async () => {
      const pods = await world.list(corev1Resources.pods);
      mixes.add([...new Set(pods.map(({ spec }) => spec.containers[0]!.image))].join());
      return settled(world);
    });
    expect(mixes).not.toContain('v1,v2');
    expect(mixes).toContain('v2');
  });

  it('scales, pauses and resumes', async () => {
    await using world = await startWorld({ only });
    await createDeployment(world);
    await world.until('v1 stands', () => settled(world));
    await patch(world, { spec: { paused: true, replicas: 5 } });
    await patch(world, withImage('v2'));
    await world.until('five v1', async () => (await world.list(corev1Resources.pods)).length === 5);
    const paused = await world.get(appsv1Resources.deployments, 'web');
    expect(paused.status.conditions?.find(({ type }) => type === 'Progressing')?.reason).toBe('DeploymentPaused');
    expect(await world.list(appsv1Resources.replicasets)).toHaveLength(1);
    await patch(world, { spec: { paused: false } });
    await world.until('v2 stands', () => settled(world));
    expect(await world.list(appsv1Resources.replicasets)).toHaveLength(2);
  });

  it('says that it makes no progress after its deadline', async () => {
    await using world = await startWorld({ only, readyAfterMs: undefined });
    await createDeployment(world, { progressDeadlineSeconds: 60 });
    const progressing = async (): Promise<string | undefined> =>
      (await world.get(appsv1Resources.deployments, 'web')).status.conditions?.find(({ type }) => type === 'Progressing')?.reason;
    await world.until('it has begun', async () => (await progressing()) === 'ReplicaSetUpdated');
    const startedMs = world.clock.now();
    await world.until('it has timed out', async () => (await progressing()) === 'ProgressDeadlineExceeded');
    expect(world.clock.now() - startedMs).toBeGreaterThanOrEqual(60_000);
    expect(world.clock.now() - startedMs).toBeLessThanOrEqual(63_000);
  });

  it('keeps only as much history as asked', async () => {
    await using world = await startWorld({ only });
    await createDeployment(world, { revisionHistoryLimit: 1 });
    for (const image of ['v2', 'v3', 'v4']) {
      await world.until('the last stands', () => settled(world));
      await patch(world, withImage(image));
    }
    await world.until(
      'v4 stands alone with v3',
      async () => (await settled(world)) && (await world.list(appsv1Resources.replicasets)).length === 2,
    );
    const images = (await world.list(appsv1Resources.replicasets)).map(({ spec }) => spec.template?.spec?.containers[0]?.image);
    expect(new Set(images)).toEqual(new Set(['v3', 'v4']));
  });
});

describe('a ReplicaSet', () => {
  it('adopts pods that match, releases those that do not, and replaces what is gone', async () => {
    await using world = await startWorld({ only });
    const labels = { app: 'web' };
    const { client, signal } = world;
    const spec = { containers: [{ name: 'web', image: 'v1' }] };
    await client.create(
      corev1Resources.pods,
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'orphan', namespace: 'default', labels }, spec },
      { signal },
    );
    const replicaSet = await client.create(
      appsv1Resources.replicasets,
      {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        metadata: { name: 'web', namespace: 'default' },
        spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
      },
      { signal },
    );
    const ready = async (): Promise<boolean> => (await world.get(appsv1Resources.replicasets, 'web')).status.readyReplicas === 2;
    await world.until('two pods', ready);
    expect(await world.list(corev1Resources.pods)).toHaveLength(2);
    const adopted = await world.get(corev1Resources.pods, 'orphan');
    expect(adopted.metadata.ownerReferences).toMatchObject([{ uid: replicaSet.metadata.uid, controller: true, blockOwnerDeletion: true }]);
    const relabel = { type: 'application/merge-patch+json', body: { metadata: { labels: { app: 'other' } } } } as const;
    await client.patch(corev1Resources.pods, { namespace: 'default', name: 'orphan' }, relabel, { signal });
    await world.until('a third pod stands in for it', async () => (await ready()) && (await world.list(corev1Resources.pods)).length === 3);
    expect((await world.get(corev1Resources.pods, 'orphan')).metadata.ownerReferences ?? []).toEqual([]);
    const [victim] = (await world.list(corev1Resources.pods)).filter(({ metadata }) => metadata.labels?.['app'] === 'web');
    await client.delete(corev1Resources.pods, victim!.metadata, { signal });
    await world.until('it is replaced', async () => {
      const pods = await world.list(corev1Resources.pods);
      return (await ready()) && pods.length === 3 && !pods.some(({ metadata }) => metadata.uid === victim!.metadata.uid);
    });
  });

  it('shows a failure to create, and stops showing it', async () => {
    await using world = await startWorld({ only });
    const labels = { app: 'web' };
    await createDeployment(world, {
      replicas: 1,
      template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'v1' }], priorityClassName: 'missing' } },
    });
    await world.until('the Deployment shows it', async () => {
      const { status } = await world.get(appsv1Resources.deployments, 'web');
      return status.conditions?.some(({ type, reason }) => type === 'ReplicaFailure' && reason === 'FailedCreate') ?? false;
    });
    await patch(world, { spec: { template: { spec: { priorityClassName: null } } } });
    await world.until('it stands', () => settled(world));
    const { status } = await world.get(appsv1Resources.deployments, 'web');
    expect(status.conditions?.some(({ type }) => type === 'ReplicaFailure')).toBe(false);
  });
});
