import { describe, expect, it } from 'vitest';
import type { appsv1, corev1, metav1 } from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';
import { podNameLabel, podRevisionLabel } from './identity.ts';
import { formatPlan, planStatefulSet, type StatefulSetView } from './plan.ts';
import { statefulSetStatus } from './status.ts';

const nowMs = Date.UTC(2026, 0, 2);
const hour = 3_600_000;
const labels = { app: 'web' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'app:1' }] } } as corev1.PodTemplateSpec;

const meta = (name: string, uid: string): metav1.ObjectMeta => ({
  name,
  namespace: 'ns',
  uid,
  resourceVersion: '1',
  creationTimestamp: formatTime(nowMs - hour),
});

interface SetSketch {
  readonly replicas?: number;
  readonly spec?: Partial<appsv1.StatefulSetSpec>;
  readonly deleting?: boolean;
}

function statefulSet({ replicas = 3, spec, deleting }: SetSketch): appsv1.StatefulSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { ...meta('web', 'set'), generation: 2, ...(deleting && { deletionTimestamp: formatTime(nowMs) }) },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      serviceName: 'web',
      template,
      podManagementPolicy: 'OrderedReady',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      ...spec,
    },
    status: { replicas: 0 },
  };
}

/** `READINESS@VERSION`: `ready`, `starting`, `pending`, `failed`, `succeeded`, each also as `going-…`. */
type PodSketch = `${'' | 'going-'}${'ready' | 'fresh' | 'starting' | 'pending' | 'failed' | 'succeeded'}@${'old' | 'new'}`;

function pod(ordinal: number, sketch: PodSketch): corev1.Pod {
  const [state, version] = sketch.split('@') as [string, string];
  const isReady = state.endsWith('ready') || state.endsWith('fresh');
  const phases: Record<string, corev1.PodStatus['phase']> = { pending: 'Pending', failed: 'Failed', succeeded: 'Succeeded' };
  const name = `web-${ordinal}`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...meta(name, `uid-${ordinal}`),
      labels: { ...labels, [podNameLabel]: name, [podRevisionLabel]: version },
      ...(state.startsWith('going-') && { deletionTimestamp: formatTime(nowMs) }),
    },
    spec: { containers: [] },
    status: {
      phase: phases[state.replace('going-', '')] ?? 'Running',
      conditions: [
        {
          type: 'Ready',
          status: isReady ? 'True' : 'False',
          lastTransitionTime: formatTime(state.endsWith('fresh') ? nowMs - 1_000 : nowMs - hour),
        },
      ],
    },
  };
}

interface ViewSketch extends SetSketch {
  readonly claims?: readonly corev1.PersistentVolumeClaim[];
}

function view(pods: Readonly<Record<number, PodSketch>>, { claims = [], ...sketch }: ViewSketch = {}): StatefulSetView {
  return {
    set: statefulSet(sketch),
    current: { name: 'old', template },
    update: { name: 'new', template },
    pods: Object.entries(pods).map(([ordinal, state]) => pod(Number(ordinal), state)),
    claim: (name) => claims.find(({ metadata }) => metadata.name === name),
    nowMs,
  };
}

const check = (name: string, pods: Readonly<Record<number, PodSketch>>, options: ViewSketch, expected: readonly string[]): void =>
  it(name, () => expect(formatPlan(planStatefulSet(view(pods, options))).split('\n')).toEqual(expected));

const parallel = { podManagementPolicy: 'Parallel' } as const;
const rolling = (rollingUpdate: appsv1.RollingUpdateStatefulSetStrategy): Partial<appsv1.StatefulSetSpec> => ({
  updateStrategy: { type: 'RollingUpdate', rollingUpdate },
});

describe('pods in order', () => {
  check('begin with the first', {}, {}, ['create web-0 at new', 'wait for web-0 to be made']);
  check('are not made before the one before them is ready', { 0: 'starting@new' }, {}, ['wait for web-0 to be ready']);
  check('are made when it is', { 0: 'ready@new' }, {}, ['create web-1 at new', 'wait for web-1 to be made']);
  check('wait for it to be available', { 0: 'fresh@new' }, { spec: { minReadySeconds: 10 } }, ['wait for web-0 to be available']);
  check('are as they should be', { 0: 'ready@new', 1: 'ready@new', 2: 'ready@new' }, {}, ['nothing']);
  check('fill a gap before anything else', { 0: 'ready@new', 2: 'ready@new' }, {}, ['create web-1 at new', 'wait for web-1 to be made']);
  check('wait for one that is going', { 0: 'ready@new', 1: 'going-ready@new', 2: 'ready@new' }, {}, ['wait for web-1 to go']);
  check('that failed are deleted first', { 0: 'failed@new' }, {}, ['delete web-0 (ended)', 'wait for web-0 to go']);
  check('that succeeded are too', { 0: 'succeeded@new' }, {}, ['delete web-0 (ended)', 'wait for web-0 to go']);
  check('that failed and are going are waited for', { 0: 'going-failed@new' }, {}, ['wait for web-0 to go']);
  check('begin at the start ordinal', {}, { spec: { ordinals: { start: 5 } } }, ['create web-5 at new', 'wait for web-5 to be made']);
  check(
    'below the start ordinal go, the highest first',
    { 0: 'ready@new', 1: 'ready@new', 2: 'ready@new' },
    { replicas: 1, spec: { ordinals: { start: 2 } } },
    ['delete web-1 (scaled)', 'wait for web-1 to go'],
  );
  check('are left alone when the set is going', { 0: 'failed@new' }, { deleting: true }, ['nothing']);
});

describe('scaling down in order', () => {
  check('takes the highest first, one at a time', { 0: 'ready@new', 1: 'ready@new', 2: 'ready@new' }, { replicas: 1 }, [
    'delete web-2 (scaled)',
    'wait for web-2 to go',
  ]);
  check('waits for one that is going', { 0: 'ready@new', 1: 'ready@new', 2: 'going-ready@new' }, { replicas: 1 }, ['wait for web-2 to go']);
  check('waits while a pod that stays is not ready', { 0: 'starting@new', 1: 'ready@new' }, { replicas: 1 }, [
    'wait for web-0 to be ready',
  ]);
  check('waits while a lower one is not ready', { 0: 'ready@new', 1: 'starting@new', 2: 'starting@new' }, { replicas: 1 }, [
    'wait for web-1 to be ready',
  ]);
  check('takes the one that is not ready when all below it are', { 0: 'ready@new', 1: 'ready@new', 2: 'starting@new' }, { replicas: 1 }, [
    'delete web-2 (scaled)',
    'wait for web-2 to go',
  ]);
});

describe('pods in parallel', () => {
  check('are made at once', { 1: 'starting@new' }, { spec: parallel }, ['create web-0 at new', 'create web-2 at new']);
  check('go at once', { 0: 'starting@new', 1: 'starting@new', 2: 'ready@new' }, { replicas: 0, spec: parallel }, [
    'delete web-2 (scaled)',
    'delete web-1 (scaled)',
    'delete web-0 (scaled)',
  ]);
  check('do not wait for what is going', { 0: 'going-ready@new' }, { replicas: 2, spec: parallel }, ['create web-1 at new']);
});

describe('an update', () => {
  const all = { 0: 'ready@old', 1: 'ready@old', 2: 'ready@old' } as const;
  check('takes the highest first', all, {}, ['delete web-2 (outdated)']);
  check('goes on when the last is available', { ...all, 2: 'ready@new' }, {}, ['delete web-1 (outdated)']);
  check('waits until it is', { ...all, 2: 'starting@new' }, {}, ['wait for web-2 to be ready']);
  check('stops at the partition', { ...all, 2: 'ready@new' }, { spec: rolling({ partition: 2 }) }, ['nothing']);
  check('makes pods below the partition as they were', { 2: 'ready@new' }, { spec: rolling({ partition: 2 }) }, [
    'create web-0 at old',
    'wait for web-0 to be made',
  ]);
  check(
    'counts the partition from the start ordinal',
    { 5: 'ready@old', 6: 'ready@old' },
    { replicas: 2, spec: { ...rolling({ partition: 1 }), ordinals: { start: 5 } } },
    ['delete web-6 (outdated)'],
  );
  check('takes as many as may be missing', all, { spec: rolling({ maxUnavailable: 2 }) }, [
    'delete web-2 (outdated)',
    'delete web-1 (outdated)',
  ]);
  check('rounds percentages down, to one at least', all, { spec: rolling({ maxUnavailable: '10%' }) }, ['delete web-2 (outdated)']);
  check('counts what is missing anyhow', { ...all, 0: 'starting@new' }, { spec: { ...parallel, ...rolling({ maxUnavailable: 2 }) } }, [
    'delete web-2 (outdated)',
  ]);
  check('in parallel takes broken old pods whatever the bound', { ...all, 0: 'starting@old', 1: 'starting@old' }, { spec: parallel }, [
    'delete web-1 (outdated)',
    'delete web-0 (outdated)',
  ]);
  check('in parallel waits when new pods are missing', { ...all, 2: 'starting@new' }, { spec: parallel }, ['nothing']);
  check('is the users with OnDelete', all, { spec: { updateStrategy: { type: 'OnDelete' } } }, ['nothing']);
});

describe('claims', () => {
  const volumeClaimTemplates = [
    { metadata: { name: 'data', labels: { of: 'template' } }, spec: {} },
  ] as unknown as corev1.PersistentVolumeClaim[];
  const claim = (ordinal: number, extra: Partial<metav1.ObjectMeta> = {}): corev1.PersistentVolumeClaim =>
    ({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { ...meta(`data-web-${ordinal}`, `claim-${ordinal}`), ...extra },
      spec: {},
    }) as corev1.PersistentVolumeClaim;
  const owner = (kind: string, name: string, uid: string): metav1.OwnerReference => ({
    apiVersion: kind === 'Pod' ? 'v1' : 'apps/v1',
    kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  });
  const policy = (whenScaled: string, whenDeleted: string): Partial<appsv1.StatefulSetSpec> => ({
    volumeClaimTemplates,
    persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted },
  });
  const ofSet = owner('StatefulSet', 'web', 'set');

  check('come before the pod', {}, { spec: { volumeClaimTemplates } }, [
    'create claim data-web-0, create web-0 at new',
    'wait for web-0 to be made',
  ]);
  check('that are there are used again', {}, { spec: { volumeClaimTemplates }, claims: [claim(0)] }, [
    'create web-0 at new',
    'wait for web-0 to be made',
  ]);
  check(
    'that are going keep the pod from being made',
    {},
    { spec: { volumeClaimTemplates }, claims: [claim(0, { deletionTimestamp: formatTime(nowMs) })] },
    ['refuse data-web-0, which is going, create web-0 at new', 'wait for web-0 to be made'],
  );
  check('that went missing are made while the pod is pending', { 0: 'pending@new' }, { spec: { volumeClaimTemplates } }, [
    'create claim data-web-0',
    'wait for web-0 to be ready',
  ]);
  const mine = { replicas: 1, spec: policy('Delete', 'Delete') };
  const volumes = (plan: StatefulSetView): StatefulSetView => ({
    ...plan,
    pods: plan.pods.map((each) => ({
      ...each,
      spec: { ...each.spec, volumes: [{ name: 'data', persistentVolumeClaim: { claimName: `data-${each.metadata.name}` } }] },
    })),
  });
  const checkOwners = (name: string, pods: Readonly<Record<number, PodSketch>>, options: ViewSketch, expected: readonly string[]): void =>
    it(name, () => expect(formatPlan(planStatefulSet(volumes(view(pods, options)))).split('\n')).toEqual(expected));
  checkOwners('belong to the set when they shall go with it', { 0: 'ready@new' }, { ...mine, claims: [claim(0)] }, [
    'own data-web-0 by StatefulSet web, update web-0',
  ]);
  checkOwners('are right when they do', { 0: 'ready@new' }, { ...mine, claims: [claim(0, { ownerReferences: [ofSet] })] }, ['nothing']);
  checkOwners(
    'belong to a pod that is scaled away',
    { 0: 'ready@new', 1: 'ready@new' },
    { ...mine, claims: [claim(0, { ownerReferences: [ofSet] }), claim(1, { ownerReferences: [ofSet] })] },
    ['own data-web-1 by Pod web-1', 'delete web-1 (scaled)', 'wait for web-1 to go'],
  );
  checkOwners(
    'belong to nobody when they are kept',
    { 0: 'ready@new' },
    { replicas: 1, spec: policy('Retain', 'Retain'), claims: [claim(0, { ownerReferences: [ofSet] })] },
    ['own data-web-0 by nobody, update web-0'],
  );
  checkOwners(
    'that somebody else manages are left to them',
    { 0: 'ready@new' },
    { ...mine, claims: [claim(0, { ownerReferences: [ofSet, owner('Pod', 'other', 'x')] })] },
    ['warn of data-web-0, own data-web-0 by Pod other, update web-0'],
  );
  checkOwners(
    'of an earlier pod must go before the next is made',
    {},
    { ...mine, claims: [claim(0, { ownerReferences: [owner('Pod', 'web-0', 'earlier')] })] },
    ['wait for the claims of an earlier web-0 to go'],
  );
});

describe('the status', () => {
  const statusOf = (pods: Readonly<Record<number, PodSketch>>, options: ViewSketch = {}, outdatedDeleted = 0): appsv1.StatefulSetStatus =>
    statefulSetStatus(view(pods, options), { collisionCount: 0, outdatedDeleted });

  it('counts pods by what they are', () => {
    expect(statusOf({ 0: 'ready@old', 1: 'starting@new', 2: 'going-ready@old' })).toEqual({
      observedGeneration: 2,
      replicas: 3,
      readyReplicas: 2,
      availableReplicas: 2,
      currentReplicas: 1,
      updatedReplicas: 1,
      currentRevision: 'old',
      updateRevision: 'new',
      collisionCount: 0,
    });
  });

  it('takes the new revision for current when every pod has it', () => {
    const { currentRevision, currentReplicas } = statusOf({ 0: 'ready@new', 1: 'ready@new', 2: 'ready@new' });
    expect({ currentRevision, currentReplicas }).toEqual({ currentRevision: 'new', currentReplicas: 3 });
  });

  it('does not count what an update just took away', () => {
    expect(statusOf({ 0: 'ready@old', 1: 'ready@old' }, {}, 1).currentReplicas).toBe(1);
  });

  it('counts as available only what has been ready long enough', () => {
    const { readyReplicas, availableReplicas } = statusOf({ 0: 'ready@new', 1: 'fresh@new' }, { spec: { minReadySeconds: 10 } });
    expect({ readyReplicas, availableReplicas }).toEqual({ readyReplicas: 2, availableReplicas: 1 });
  });
});
