import { describe, expect, it } from 'vitest';
import type { appsv1, corev1, metav1 } from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';
import { daemonTemplate, podForNode, podHashLabel, targetNode } from './daemon-pod.ts';
import { placementOn } from './placement.ts';
import { type DaemonView, formatDaemonPlan, planDaemonPods, podsByNode } from './plan.ts';
import { planRollingUpdate } from './rolling-update.ts';
import { daemonSetStatus } from './status.ts';

const nowMs = Date.UTC(2026, 0, 2);
const hour = 3_600_000;

const meta = (name: string, ageMs = hour): metav1.ObjectMeta => ({
  name,
  namespace: 'ns',
  uid: name,
  resourceVersion: '1',
  creationTimestamp: formatTime(nowMs - ageMs),
});

function daemonSet(spec: Partial<appsv1.DaemonSetSpec> = {}, pod: Partial<corev1.PodSpec> = {}): appsv1.DaemonSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { ...meta('agent'), generation: 3, annotations: { 'deprecated.daemonset.template.generation': '7' } },
    spec: {
      selector: { matchLabels: { app: 'agent' } },
      template: { metadata: { labels: { app: 'agent' } }, spec: { containers: [], ...pod } },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      ...spec,
    },
    status: { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 },
  };
}

interface NodeSketch {
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly corev1.Taint[];
}

function node(name: string, { labels, taints }: NodeSketch = {}): corev1.Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { ...meta(name), ...(labels && { labels }) },
    spec: { ...(taints && { taints }) },
    status: {},
  };
}

/** `NODE: STATE@VERSION`, state as `ready`, `starting`, `failed`, `succeeded`, `unplaced`, each also as `going-…`. */
type Sketch = `${string}: ${string}@${'old' | 'new'}`;

function pod(sketch: Sketch, place: number): corev1.Pod {
  const [on, state, version] = sketch.split(/: |@/) as [string, string, string];
  const phases: Record<string, corev1.PodStatus['phase']> = { failed: 'Failed', succeeded: 'Succeeded', unplaced: 'Pending' };
  const base = podForNode(daemonSet(), daemonTemplate(daemonSet(), 'x'), on);
  return {
    ...base,
    metadata: {
      ...meta(`${on}-${version}${place}`, hour - place * 1_000),
      labels: { app: 'agent', [podHashLabel]: version },
      ...(state.startsWith('going-') && { deletionTimestamp: formatTime(nowMs) }),
    },
    spec: { ...base.spec, ...(!state.endsWith('unplaced') && { nodeName: on }) },
    status: {
      phase: phases[state.replace('going-', '')] ?? 'Running',
      conditions: [{ type: 'Ready', status: state.endsWith('ready') ? 'True' : 'False', lastTransitionTime: formatTime(nowMs - hour) }],
    },
  };
}

interface ViewSketch {
  readonly nodes?: readonly corev1.Node[];
  readonly set?: appsv1.DaemonSet;
  readonly backoffMs?: number;
}

function view(
  pods: readonly Sketch[],
  { nodes = ['n1', 'n2', 'n3'].map((name) => node(name)), set = daemonSet(), backoffMs = 0 }: ViewSketch = {},
): DaemonView {
  return {
    daemonSet: set,
    nodes: nodes.map((each) => ({ name: each.metadata.name, placement: placementOn(set, each) })),
    pods: podsByNode(pods.map(pod)),
    hash: 'new',
    backoffMs: () => backoffMs,
    nowMs,
  };
}

const taint = (key: string, effect: string): corev1.Taint => ({ key, effect }) as corev1.Taint;

describe('the nodes that a DaemonSet wants', () => {
  const required = (terms: corev1.NodeSelectorTerm[]): Partial<corev1.PodSpec> => ({
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } },
  });
  it.each([
    { name: 'any', expected: 'run' },
    { name: 'one by name', pod: { nodeName: 'n1' }, expected: 'run' },
    { name: 'not others', pod: { nodeName: 'n2' }, expected: 'none' },
    { name: 'with labels', pod: { nodeSelector: { disk: 'ssd' } }, sketch: { labels: { disk: 'ssd' } }, expected: 'run' },
    { name: 'not without', pod: { nodeSelector: { disk: 'ssd' } }, expected: 'none' },
    { name: 'by affinity', pod: required([{ matchExpressions: [{ key: 'gpu', operator: 'DoesNotExist' }] }]), expected: 'run' },
    { name: 'not against it', pod: required([{ matchExpressions: [{ key: 'gpu', operator: 'Exists' }] }]), expected: 'none' },
    { name: 'not tainted', sketch: { taints: [taint('a', 'NoSchedule')] }, expected: 'continue' },
    { name: 'not tainted against running', sketch: { taints: [taint('a', 'NoExecute')] }, expected: 'none' },
    { name: 'whatever is only preferred', sketch: { taints: [taint('a', 'PreferNoSchedule')] }, expected: 'run' },
    {
      name: 'when tolerated',
      pod: { tolerations: [{ operator: 'Exists' }] },
      sketch: { taints: [taint('a', 'NoExecute')] },
      expected: 'run',
    },
    { name: 'even when they are not ready', sketch: { taints: [taint('node.kubernetes.io/not-ready', 'NoExecute')] }, expected: 'run' },
    { name: 'even when they are closed', sketch: { taints: [taint('node.kubernetes.io/unschedulable', 'NoSchedule')] }, expected: 'run' },
    {
      name: 'not without a network',
      sketch: { taints: [taint('node.kubernetes.io/network-unavailable', 'NoSchedule')] },
      expected: 'continue',
    },
    {
      name: 'without a network for the host network',
      pod: { hostNetwork: true },
      sketch: { taints: [taint('node.kubernetes.io/network-unavailable', 'NoSchedule')] },
      expected: 'run',
    },
  ] as const)('are $name', ({ expected, ...row }) => {
    const asked = 'pod' in row ? row.pod : {};
    expect(placementOn(daemonSet({}, asked as Partial<corev1.PodSpec>), node('n1', 'sketch' in row ? row.sketch : {}))).toBe(expected);
  });
});

describe('a daemon pod', () => {
  const set = daemonSet(
    {},
    { affinity: { podAffinity: {}, nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{}] } } } },
  );
  const made = podForNode(set, daemonTemplate(set, 'hash'), 'n1');

  it('is bound to its node by affinity, in place of what the template asks of nodes', () => {
    expect(made.spec.affinity).toEqual({
      podAffinity: {},
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }],
        },
      },
    });
    expect(targetNode(made)).toBe('n1');
  });

  it('is labelled with its revision and the generation of its template', () => {
    expect(made.metadata.labels).toEqual({ app: 'agent', 'controller-revision-hash': 'hash', 'pod-template-generation': '7' });
    expect(made.metadata.generateName).toBe('agent-');
  });

  it('tolerates what befalls nodes', () => {
    expect(made.spec.tolerations?.map(({ key, effect }) => `${key}:${effect}`)).toEqual([
      'node.kubernetes.io/not-ready:NoExecute',
      'node.kubernetes.io/unreachable:NoExecute',
      'node.kubernetes.io/disk-pressure:NoSchedule',
      'node.kubernetes.io/memory-pressure:NoSchedule',
      'node.kubernetes.io/pid-pressure:NoSchedule',
      'node.kubernetes.io/unschedulable:NoSchedule',
    ]);
  });
});

describe('one pod a node', () => {
  const check = (name: string, pods: readonly Sketch[], options: ViewSketch, expected: readonly string[]): void =>
    it(name, () => expect(formatDaemonPlan(planDaemonPods(view(pods, options))).split('\n')).toEqual(expected));
  const surging = daemonSet({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } });
  const one = [node('n1')];

  check('is made where there is none', ['n1: ready@new'], {}, ['create on n2', 'create on n3']);
  check('is made where one ended and is going', ['n1: going-failed@new'], { nodes: one }, ['create on n1']);
  check('is not made before one that is going has ended', ['n1: going-ready@new'], { nodes: one }, ['nothing']);
  check('is enough: the oldest stays', ['n1: ready@new', 'n1: ready@new'], { nodes: one }, ['delete n1-new1 on n1 (surplus)']);
  check('that has a node stays rather than one without', ['n1: unplaced@new', 'n1: starting@new'], { nodes: one }, [
    'delete n1-new0 on n1 (surplus)',
  ]);
  check('that failed is deleted', ['n1: failed@new'], { nodes: one }, ['delete n1-new0 on n1 (failed)']);
  check('that failed again is left for a while', ['n1: failed@new'], { nodes: one, backoffMs: 4_000 }, ['look again in 4000 ms']);
  check('that succeeded is deleted', ['n1: succeeded@new'], { nodes: one, backoffMs: 4_000 }, ['delete n1-new0 on n1 (succeeded)']);
  check('goes where it is not wanted', ['n1: ready@new'], { nodes: one, set: daemonSet({}, { nodeName: 'n2' }) }, [
    'delete n1-new0 on n1 (unwanted)',
  ]);
  check(
    'stays where a taint only keeps new ones away',
    ['n1: ready@new'],
    { nodes: [node('n1', { taints: [taint('a', 'NoSchedule')] })] },
    ['nothing'],
  );
  check('for a node that is gone is deleted unless it had come there', ['gone: unplaced@new', 'lost: ready@new'], { nodes: [] }, [
    'delete gone-new0 on gone (unwanted)',
  ]);
  check('may have a new one beside it while it surges', ['n1: ready@old', 'n1: starting@new'], { nodes: one, set: surging }, ['nothing']);
  check('that is old goes when the new one is available', ['n1: ready@old', 'n1: ready@new'], { nodes: one, set: surging }, [
    'delete n1-old0 on n1 (surplus)',
  ]);
  check('that is old and broken goes at once', ['n1: starting@old', 'n1: starting@new'], { nodes: one, set: surging }, [
    'delete n1-old0 on n1 (surplus)',
  ]);
  check('is never three', ['n1: ready@old', 'n1: starting@new', 'n1: starting@new'], { nodes: one, set: surging }, [
    'delete n1-new2 on n1 (surplus)',
  ]);
});

describe('a rolling update', () => {
  const rolling = (maxUnavailable: number | string, maxSurge: number | string = 0): appsv1.DaemonSet =>
    daemonSet({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable, maxSurge } } });
  const check = (name: string, pods: readonly Sketch[], options: ViewSketch, expected: readonly string[]): void =>
    it(name, () => expect(formatDaemonPlan(planRollingUpdate(view(pods, options))).split('\n')).toEqual(expected));
  const all = ['n1: ready@old', 'n2: ready@old', 'n3: ready@old'] as const;

  check('takes one', all, {}, ['delete n1-old0 on n1 (outdated)']);
  check('takes as many as may be missing', all, { set: rolling('50%') }, [
    'delete n1-old0 on n1 (outdated)',
    'delete n2-old1 on n2 (outdated)',
  ]);
  check('waits for the new one', ['n1: starting@new', 'n2: ready@old', 'n3: ready@old'], {}, ['nothing']);
  check('waits for a node without a pod', ['n2: ready@old', 'n3: ready@old'], {}, ['nothing']);
  check('takes broken old ones whatever the bound', ['n1: starting@new', 'n2: starting@old', 'n3: ready@old'], {}, [
    'delete n2-old1 on n2 (outdated)',
  ]);
  check('waits where there are too many', ['n1: ready@old', 'n1: ready@old', 'n2: ready@old', 'n3: ready@old'], {}, ['nothing']);
  check('takes one with neither bound', all, { set: rolling(0, 0) }, ['delete n1-old0 on n1 (outdated)']);
  check('is over when all are new', ['n1: ready@new', 'n2: ready@new', 'n3: ready@new'], {}, ['nothing']);
  check('with surge makes the new one first', all, { set: rolling(0, 1) }, ['create on n1']);
  check('with surge waits for it', ['n1: ready@old', 'n1: starting@new', 'n2: ready@old', 'n3: ready@old'], { set: rolling(0, 1) }, [
    'nothing',
  ]);
  check(
    'with surge goes on when it is available',
    ['n1: ready@old', 'n1: ready@new', 'n2: ready@old', 'n3: ready@old'],
    { set: rolling(0, 1) },
    ['create on n2', 'delete n1-old0 on n1 (outdated)'],
  );
  check('with surge does not wait for broken old ones', ['n1: starting@old', 'n2: ready@old', 'n3: ready@old'], { set: rolling(0, 1) }, [
    'create on n1',
    'create on n2',
  ]);
  const onlyN2 = daemonSet(
    { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } },
    { tolerations: [] },
  );
  const moved = [node('n1', { taints: [taint('a', 'NoSchedule')] }), node('n2')];
  check('with surge keeps one where it is not wanted until another is there', ['n1: ready@old'], { set: onlyN2, nodes: moved }, [
    'nothing',
  ]);
  check('with surge takes it then', ['n1: ready@old', 'n2: ready@new'], { set: onlyN2, nodes: moved }, ['delete n1-old0 on n1 (outdated)']);
});

describe('the status', () => {
  it('counts nodes by what is on them', () => {
    const nodes = [...['n1', 'n2', 'n3', 'n4'].map((name) => node(name)), node('tainted', { taints: [taint('a', 'NoSchedule')] })];
    const sketch = view(['n1: ready@new', 'n2: starting@new', 'n3: ready@old', 'tainted: ready@old'], { nodes });
    expect(daemonSetStatus(sketch, { observed: true })).toEqual({
      observedGeneration: 3,
      desiredNumberScheduled: 4,
      currentNumberScheduled: 3,
      numberMisscheduled: 1,
      numberReady: 2,
      numberAvailable: 2,
      numberUnavailable: 2,
      updatedNumberScheduled: 2,
    });
  });

  it('does not claim to have seen what was not acted upon', () => {
    expect(daemonSetStatus(view([]), { observed: false })).not.toHaveProperty('observedGeneration');
  });
});
