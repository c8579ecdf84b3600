import { describe, expect, it } from 'vitest';
import type { appsv1, corev1 } from '../../api/index.ts';
import { formatDeploymentPlan, planDeployment } from './plan.ts';
import { templateHash } from './template.ts';

interface Sketch {
  readonly replicas?: number;
  readonly image?: string;
  readonly surge?: number | string;
  readonly unavailable?: number | string;
  readonly recreate?: boolean;
  readonly paused?: boolean;
  readonly historyLimit?: number;
  readonly status?: appsv1.DeploymentStatus;
}

const template = (image: string): corev1.PodTemplateSpec => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image }] },
});

const meta = (name: string): appsv1.Deployment['metadata'] => ({
  name,
  namespace: 'ns',
  uid: `uid-${name}`,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
  generation: 1,
});

function deploymentOf({
  replicas = 3,
  image = 'v2',
  surge = 1,
  unavailable = 0,
  recreate,
  paused,
  historyLimit = 10,
  status,
}: Sketch): appsv1.Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: meta('web'),
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: template(image),
      strategy: recreate
        ? { type: 'Recreate' }
        : { type: 'RollingUpdate', rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable } },
      revisionHistoryLimit: historyLimit,
      ...(paused && { paused }),
    },
    ...(status && { status }),
  } as appsv1.Deployment;
}

/** `v1 3/2 of 3+1 #1`: image, wanted/available, the size noted by the Deployment, the revision. */
function replicaSetOf(text: string): appsv1.ReplicaSet {
  const [, image, wanted, available, desired, surge, revision] = /^(\S+) (\d+)\/(\d+) of (\d+)\+(\d+) #(\d+)$/.exec(text)!;
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      ...meta(image!),
      creationTimestamp: `2026-01-01T00:00:0${revision!.at(-1)}Z`,
      annotations: {
        'deployment.kubernetes.io/revision': revision!,
        'deployment.kubernetes.io/desired-replicas': desired!,
        'deployment.kubernetes.io/max-replicas': String(Number(desired) + Number(surge)),
      },
    },
    spec: { replicas: Number(wanted), selector: {}, template: template(image!) },
    status: { replicas: Number(wanted), availableReplicas: Number(available), observedGeneration: 1 },
  };
}

function check(name: string, sketch: Sketch, replicaSets: string[], expected: string[], pods: Record<string, corev1.Pod[]> = {}): void {
  it(name, () => {
    const plan = planDeployment({
      deployment: deploymentOf(sketch),
      replicaSets: replicaSets.map(replicaSetOf),
      podsOf: ({ metadata }) => pods[metadata.name] ?? [],
    });
    expect(formatDeploymentPlan(plan).split('\n')).toEqual(expected);
  });
}

const complete: appsv1.DeploymentStatus = { replicas: 3, updatedReplicas: 3, availableReplicas: 3, observedGeneration: 1 };
const runningPod = { metadata: meta('p'), status: { phase: 'Running' } } as corev1.Pod;
const endedPod = { metadata: meta('p'), status: { phase: 'Failed' } } as corev1.Pod;

describe('a rolling Deployment', () => {
  check('makes its first ReplicaSet in full size', {}, [], ['create with 3, revision 1', 'status: progress']);
  check('makes a new one within what surge allows', {}, ['v1 3/3 of 3+1 #1'], ['create with 1, revision 2', 'status: progress']);
  check(
    'makes an empty one when there is no room',
    { surge: 0, unavailable: 1 },
    ['v1 3/3 of 3+0 #1'],
    ['create with 0, revision 2', 'status: progress'],
  );
  check(
    'scales an old one down when the new pod is available',
    {},
    ['v1 3/3 of 3+1 #1', 'v2 1/1 of 3+1 #2'],
    ['scale v1 3→2', 'status: progress'],
  );
  check('waits while the new pod is not available', {}, ['v1 3/3 of 3+1 #1', 'v2 1/0 of 3+1 #2'], ['status: progress']);
  check(
    'scales the new one up before the old one down',
    {},
    ['v1 2/2 of 3+1 #1', 'v2 1/1 of 3+1 #2'],
    ['scale v2 1→2', 'status: progress'],
  );
  check(
    'takes the broken pods of old ones first',
    { replicas: 10, surge: 0, unavailable: 2 },
    ['v1 8/5 of 10+0 #1', 'v2 2/2 of 10+0 #2'],
    ['scale v1 8→6', 'status: progress'],
  );
  check(
    'cleans up what is broken and then what is surplus',
    { replicas: 10, surge: 5, unavailable: 5 },
    ['v1 10/8 of 10+5 #1', 'v2 5/5 of 10+5 #2'],
    ['scale v1 10→8', 'scale v1 8→0', 'status: progress'],
  );
  check(
    'rounds surge up and unavailability down',
    { replicas: 3, surge: '25%', unavailable: '25%' },
    ['v1 3/3 of 3+1 #1'],
    ['create with 1, revision 2', 'status: progress'],
  );
  check(
    'lets one be unavailable when both bounds come to nothing',
    { replicas: 1, surge: 0, unavailable: '10%' },
    ['v1 1/1 of 1+0 #1', 'v2 0/0 of 1+0 #2'],
    ['scale v1 1→0', 'status: progress'],
  );
  check(
    'gives an old template a new revision when it is rolled back to',
    { image: 'v1' },
    ['v1 0/0 of 3+1 #1', 'v2 3/3 of 3+1 #2'],
    ['update v1, revision 3', 'scale v1 0→1', 'status: progress'],
  );
  check(
    'keeps as many old ones as its history limit',
    { historyLimit: 1, status: complete },
    ['v0 0/0 of 3+1 #1', 'v1 0/0 of 3+1 #2', 'v2 3/3 of 3+1 #3'],
    ['remove v0', 'status: progress'],
  );
  check(
    'does not clean up before it is complete',
    { historyLimit: 0, status: { ...complete, availableReplicas: 2 } },
    ['v1 0/0 of 3+1 #2', 'v2 3/2 of 3+1 #3'],
    ['status: progress'],
  );
});

describe('a Deployment that is scaled', () => {
  check('resizes its one active ReplicaSet', { replicas: 5 }, ['v1 0/0 of 3+1 #1', 'v2 3/3 of 3+1 #2'], ['scale v2 3→5', 'status: counts']);
  check(
    'shares growth in proportion during a rollout',
    { replicas: 30, surge: 3, unavailable: 2 },
    ['v1 8/8 of 10+3 #1', 'v2 5/5 of 10+3 #2'],
    ['scale v1 8→20', 'scale v2 5→13', 'status: counts'],
  );
  check(
    'shares shrinking in proportion',
    { replicas: 5, surge: 0, unavailable: 1 },
    ['v1 6/6 of 10+0 #1', 'v2 4/4 of 10+0 #2'],
    ['scale v1 6→3', 'scale v2 4→2', 'status: counts'],
  );
  check(
    'shrinks everything to nothing',
    { replicas: 0 },
    ['v1 2/2 of 3+1 #1', 'v2 2/1 of 3+1 #2'],
    ['scale v1 2→0', 'scale v2 2→0', 'status: counts'],
  );
  check('notes a size that was reached already', { replicas: 5 }, ['v2 5/5 of 3+1 #2'], ['note size on v2', 'status: counts']);
});

describe('a paused Deployment', () => {
  check('makes nothing new', { paused: true }, ['v1 3/3 of 3+1 #1'], ['status: counts']);
  check('is still scaled', { paused: true, replicas: 4 }, ['v1 3/3 of 3+1 #1'], ['scale v1 3→4', 'status: counts']);
});

describe('a Deployment that recreates', () => {
  check('stops everything first', { recreate: true }, ['v1 3/3 of 3+0 #1'], ['scale v1 3→0', 'status: progress']);
  check('waits for running pods', { recreate: true }, ['v1 0/0 of 3+0 #1'], ['status: progress'], { v1: [runningPod] });
  check(
    'does not wait for pods that have ended',
    { recreate: true },
    ['v1 0/0 of 3+0 #1'],
    ['create with 3, revision 2', 'status: progress'],
    { v1: [endedPod] },
  );
});

describe('the hash of a template', () => {
  const letters = /^[bcdfghjklmnpqrstvwxz2456789]{10}$/;
  it('is the same for templates that say the same', () => {
    expect(templateHash({ spec: { containers: [], volumes: [] } }, undefined)).toBe(templateHash({ spec: { containers: [] } }, undefined));
    expect(templateHash(template('a'), undefined)).toMatch(letters);
  });
  it('differs by content and by collision count', () => {
    const hashes = [
      templateHash(template('a'), undefined),
      templateHash(template('b'), undefined),
      templateHash(template('a'), 1),
      templateHash(template('a'), 2),
    ];
    expect(new Set(hashes).size).toBe(4);
  });
});
