import { expect, test } from 'vitest';
import type { corev1, policyv1 } from '../../api/index.ts';
import { type Decider, makeDecider } from '../testdata/decider.ts';
import { makeNode, makePod } from '../testdata/objects.ts';
import { bestCandidate, type Candidate } from './candidate.ts';
import { Evictor } from './evictor.ts';
import { Preemptor } from './preemptor.ts';

interface Placed {
  readonly node: string;
  readonly priority: number;
  readonly cpu?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Minutes before noon. */
  readonly age?: number;
  readonly spec?: Partial<corev1.PodSpec>;
  readonly status?: Partial<corev1.PodStatus>;
  readonly leaving?: boolean;
}

function place(decider: Decider, name: string, { node, priority, cpu = '1', labels = {}, age = 0, spec, status, leaving }: Placed): void {
  const pod = makePod(name, { cpu }, { nodeName: node, priority, ...spec });
  const startTime = new Date(Date.UTC(2026, 0, 1, 12, 0) - age * 60_000).toISOString();
  const metadata = { ...pod.metadata, labels, ...(leaving && { deletionTimestamp: startTime }) };
  decider.handle.cluster.setPod({ ...pod, metadata, status: { startTime, ...status } });
}

function budget(labels: Readonly<Record<string, string>>, disruptionsAllowed: number): policyv1.PodDisruptionBudget {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { ...makePod('budget').metadata, name: JSON.stringify(labels) },
    spec: { selector: { matchLabels: labels } },
    status: { disruptionsAllowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
  };
}

interface Outcome {
  /** Node, then the victims, most important first. */
  readonly chosen: string;
  readonly candidates: readonly Candidate[];
  readonly why?: string;
}

function preempt(decider: Decider, pod: corev1.Pod): Outcome {
  const { handle } = decider;
  const preemptor = new Preemptor('DefaultPreemption', handle, {
    limits: { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100 },
    evictor: new Evictor('DefaultPreemption', handle),
  });
  const decision = decider.decide(pod);
  if (decision.type !== 'misfit') return { chosen: decision.type, candidates: [] };
  const info = handle.cluster.podInfo(pod);
  const why = preemptor.whyNot(info, decision.statuses);
  if (why !== undefined) return { chosen: 'none', candidates: [], why };
  const { candidates, tried } = preemptor.candidates(decision.state, info, decision.statuses);
  const best = bestCandidate(candidates);
  const names = best?.victims.pods.map((victim) => victim.pod.metadata.name).join(' ');
  return { chosen: best ? `${best.nodeName}: ${names}` : 'none', candidates, why: [...tried.countReasons().keys()].join() };
}

const nodes = (decider: Decider, count: number, change: Parameters<typeof makeNode>[1] = {}): void => {
  for (let i = 1; i <= count; i++) {
    const node = makeNode(`n${i}`, change);
    decider.handle.cluster.setNode({
      ...node,
      metadata: { ...node.metadata, labels: { zone: `z${i % 2}`, 'kubernetes.io/hostname': `n${i}` } },
    });
  }
};
const high = (cpu = '4', spec: Partial<corev1.PodSpec> = {}): corev1.Pod => makePod('high', { cpu }, { priority: 100, ...spec });

test.each<[string, Readonly<Record<string, Placed>>, corev1.Pod, string]>([
  [
    'the node with the victims of lowest priority is chosen',
    { a: { node: 'n1', priority: 10, cpu: '4' }, b: { node: 'n2', priority: 5, cpu: '4' } },
    high(),
    'n2: b',
  ],
  [
    'pods of the same or a higher priority are no victims',
    { a: { node: 'n1', priority: 100, cpu: '4' }, b: { node: 'n2', priority: 200, cpu: '4' } },
    high(),
    'none',
  ],
  [
    'as few pods as possible go: the most important come back first',
    {
      a: { node: 'n1', priority: 1, cpu: '1' },
      b: { node: 'n1', priority: 2, cpu: '1' },
      c: { node: 'n1', priority: 3, cpu: '2' },
      z: { node: 'n2', priority: 200, cpu: '4' },
    },
    high('1'),
    'n1: a',
  ],
  [
    'of equal priority, the one that has run longest stays',
    {
      old: { node: 'n1', priority: 1, cpu: '2', age: 60 },
      young: { node: 'n1', priority: 1, cpu: '2', age: 5 },
      z: { node: 'n2', priority: 200, cpu: '4' },
    },
    high('2'),
    'n1: young',
  ],
  [
    'of equal highest victims, the smaller sum of priorities is chosen',
    {
      a: { node: 'n1', priority: 5, cpu: '2' },
      b: { node: 'n1', priority: 5, cpu: '2' },
      c: { node: 'n2', priority: 5, cpu: '2' },
      d: { node: 'n2', priority: 3, cpu: '2' },
    },
    high(),
    'n2: c d',
  ],
  [
    'fewer victims of negative priority are better than many',
    { a: { node: 'n1', priority: -5, cpu: '2' }, b: { node: 'n1', priority: -5, cpu: '2' }, c: { node: 'n2', priority: -5, cpu: '4' } },
    high(),
    'n2: c',
  ],
  [
    'at last, the node whose victims began latest is chosen',
    { a: { node: 'n1', priority: 5, cpu: '4', age: 60 }, b: { node: 'n2', priority: 5, cpu: '4', age: 5 } },
    high(),
    'n2: b',
  ],
  [
    'a pod that asks for more than the node has finds no victims',
    { a: { node: 'n1', priority: 5, cpu: '4' }, b: { node: 'n2', priority: 5, cpu: '4' } },
    high('8'),
    'none',
  ],
  [
    'what no eviction lifts is no candidate',
    { a: { node: 'n1', priority: 5, cpu: '4' }, b: { node: 'n2', priority: 5, cpu: '4' } },
    high('4', { nodeSelector: { disk: 'ssd' } }),
    'none',
  ],
])('%s', (_name, placed, pod, expected) => {
  const decider = makeDecider();
  nodes(decider, 2);
  for (const [name, each] of Object.entries(placed)) place(decider, name, each);
  expect(preempt(decider, pod).chosen).toBe(expected);
});

test('why evicting helps nowhere is said for the nodes that were tried', () => {
  const decider = makeDecider();
  nodes(decider, 1);
  place(decider, 'a', { node: 'n1', priority: 100, cpu: '4' });
  expect(preempt(decider, high()).why).toBe('No preemption victims found for incoming pod');
});

test('preemptionPolicy Never preempts nobody', () => {
  const decider = makeDecider();
  nodes(decider, 1);
  place(decider, 'a', { node: 'n1', priority: 1, cpu: '4' });
  expect(preempt(decider, high('4', { preemptionPolicy: 'Never' })).why).toBe('not eligible due to preemptionPolicy=Never.');
});

test('while victims on the promised node are leaving, no more are taken', () => {
  const decider = makeDecider();
  nodes(decider, 2);
  const mark = { type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' } as const;
  place(decider, 'a', { node: 'n1', priority: 1, cpu: '4', leaving: true, status: { conditions: [mark] } });
  place(decider, 'b', { node: 'n2', priority: 1, cpu: '4' });
  const pod = { ...high(), status: { nominatedNodeName: 'n1' } };
  expect(preempt(decider, pod).why).toBe('not eligible due to a terminating pod on the nominated node.');
  // One that leaves for a reason of its own does not count.
  place(decider, 'a', { node: 'n1', priority: 1, cpu: '4', leaving: true });
  expect(preempt(decider, pod).candidates).toHaveLength(2);
});

test('a node where no budget breaks is preferred to one with less important victims', () => {
  const decider = makeDecider();
  nodes(decider, 2);
  decider.handle.listers.podDisruptionBudgets.put(budget({ app: 'guarded' }, 0));
  place(decider, 'a', { node: 'n1', priority: 1, cpu: '4', labels: { app: 'guarded' } });
  place(decider, 'b', { node: 'n2', priority: 50, cpu: '4', labels: { app: 'free' } });
  expect(preempt(decider, high()).chosen).toBe('n2: b');
});

test('pods whose budget would break are spared first', () => {
  const decider = makeDecider();
  nodes(decider, 1);
  decider.handle.listers.podDisruptionBudgets.put(budget({ app: 'guarded' }, 0));
  place(decider, 'guarded', { node: 'n1', priority: 1, cpu: '2', labels: { app: 'guarded' } });
  place(decider, 'free', { node: 'n1', priority: 50, cpu: '2' });
  expect(preempt(decider, high('2')).chosen).toBe('n1: free');
});

test('a budget of one lets one of two victims go without breaking', () => {
  const decider = makeDecider();
  nodes(decider, 1);
  decider.handle.listers.podDisruptionBudgets.put(budget({ app: 'guarded' }, 1));
  place(decider, 'a', { node: 'n1', priority: 2, cpu: '2', labels: { app: 'guarded' } });
  place(decider, 'b', { node: 'n1', priority: 1, cpu: '2', labels: { app: 'guarded' } });
  const { candidates } = preempt(decider, high());
  expect(candidates.map(({ victims }) => victims.pdbViolations)).toEqual([1]);
});

test('anti-affinity to a victim is lifted by its going, and the index is as it was', () => {
  const decider = makeDecider();
  nodes(decider, 2);
  const term = { labelSelector: { matchLabels: { app: 'x' } }, topologyKey: 'zone' };
  const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
  place(decider, 'a', { node: 'n1', priority: 1, labels: { app: 'x' } });
  place(decider, 'b', { node: 'n2', priority: 200, labels: { app: 'x' } });
  expect(preempt(decider, high('1', { affinity })).chosen).toBe('n1: a');
  expect(preempt(decider, high('1', { affinity })).chosen).toBe('n1: a');
});

test('pods of higher priority that are promised room count on their node', () => {
  const decider = makeDecider();
  nodes(decider, 1);
  place(decider, 'a', { node: 'n1', priority: 1, cpu: '2' });
  place(decider, 'b', { node: 'n1', priority: 1, cpu: '2' });
  const promised = makePod('promised', { cpu: '2' }, { priority: 1000 });
  decider.nominated.nominate(decider.handle.cluster.podInfo(promised), 'n1');
  expect(preempt(decider, high('4')).chosen).toBe('none');
  expect(preempt(decider, high('2')).chosen).toBe('n1: a b');
});
