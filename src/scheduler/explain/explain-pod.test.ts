import { expect, test } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { seededRandom } from '../../base/index.ts';
import { NodeFilter } from '../cycle/node-filter.ts';
import { DisruptionBudgets } from '../preemption/disruption-budgets.ts';
import { type Decider, makeDecider } from '../testdata/decider.ts';
import { makeNode, makePod } from '../testdata/objects.ts';
import { type Explained, explainPod } from './explain-pod.ts';

function explain({ handle, profile, nominated }: Decider, pod: corev1.Pod): Explained {
  const filter = new NodeFilter(profile, nominated);
  const budgets = new DisruptionBudgets(handle.listers);
  return explainPod({ profile, cluster: handle.cluster, filter, nominator: nominated, budgets }, handle.cluster.podInfo(pod));
}

/** What would make it fit, by node. */
function advice(decider: Decider, pod: corev1.Pod): Record<string, readonly string[]> {
  const { nodes } = explain(decider, pod);
  return Object.fromEntries(nodes.map(({ name, rejections = [] }) => [name, rejections.flatMap((each) => each.advice ?? [])]));
}

test('each node says everything that keeps the pod off, and what would change that', () => {
  const decider = makeDecider();
  const { cluster } = decider.handle;
  cluster.setNode(makeNode('small'));
  cluster.setNode(makeNode('tainted', { spec: { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] } }));
  cluster.setNode(makeNode('cordoned', { spec: { unschedulable: true } }));
  cluster.setPod(makePod('other', { cpu: '3' }, { nodeName: 'small' }));
  expect(advice(decider, makePod('p', { cpu: '1500m' }, { nodeSelector: { zone: 'a' } }))).toEqual({
    small: ['label node zone=a', 'needs 500m more cpu'],
    tainted: ['remove taint gpu=yes:NoSchedule or tolerate it', 'label node zone=a'],
    cordoned: ['uncordon the node (kubectl uncordon cordoned)', 'label node zone=a'],
  });
});

test('the verdict and the sentence are those of the cycle', () => {
  const decider = makeDecider();
  decider.handle.cluster.setNode(makeNode('a'));
  const explained = explain(decider, makePod('p', { cpu: '100' }));
  expect(explained.verdict).toBe('DoesNotFit');
  expect(explained.message).toBe('0/1 nodes are available: 1 Insufficient cpu.');
  expect(explained.nodes[0]!.rejections).toEqual([
    {
      plugin: 'NodeResourcesFit',
      reasons: ['Insufficient cpu'],
      resolvable: false,
      advice: ['needs 96 more cpu, more than the whole node has (4)'],
    },
  ]);
});

test('a node where pods of lower priority could go names them', () => {
  const decider = makeDecider();
  decider.handle.cluster.setNode(makeNode('a'));
  decider.handle.cluster.setPod(makePod('low', { cpu: '3' }, { nodeName: 'a', priority: 1 }));
  const { nodes } = explain(decider, makePod('p', { cpu: '2' }, { priority: 10 }));
  expect(nodes[0]!.preemption).toEqual({ victims: ['default/low'], violatedBudgets: 0 });
});

test('nodes that fit come first, best first, with the score of each plugin', () => {
  const decider = makeDecider();
  decider.handle.cluster.setNode(makeNode('a'));
  decider.handle.cluster.setNode(makeNode('b'));
  decider.handle.cluster.setPod(makePod('other', { cpu: '2' }, { nodeName: 'a' }));
  const { verdict, nodes } = explain(decider, makePod('p', { cpu: '1' }));
  expect(verdict).toBe('Fits');
  expect(nodes.map(({ name }) => name)).toEqual(['b', 'a']);
  expect(nodes[0]!.scores!.find(({ plugin }) => plugin === 'NodeResourcesFit')).toEqual({
    plugin: 'NodeResourcesFit',
    score: 86,
    weight: 1,
  });
});

test('a gated pod and one that has its node need no look at nodes', () => {
  const decider = makeDecider();
  decider.handle.cluster.setNode(makeNode('a'));
  expect(explain(decider, makePod('p', {}, { schedulingGates: [{ name: 'example.com/wait' }] })).message).toBe(
    'waiting for scheduling gates: [example.com/wait]',
  );
  expect(explain(decider, makePod('p', {}, { nodeName: 'a' })).verdict).toBe('Scheduled');
});

test.each(Array.from({ length: 30 }, (_, seed) => seed))('seed %i: explanation and cycle agree on every node', (seed) => {
  const random = seededRandom(seed);
  const chance = (of: number): boolean => random.next() < of;
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random.next() * of.length)]!;
  const decider = makeDecider();
  const { cluster } = decider.handle;
  for (let i = 0; i < 8; i++) {
    const node = makeNode(`n${i}`, {
      spec: { ...(chance(0.2) && { unschedulable: true }), ...(chance(0.2) && { taints: [{ key: 'k', effect: 'NoSchedule' }] }) },
    });
    cluster.setNode({
      ...node,
      metadata: { ...node.metadata, labels: { 'kubernetes.io/hostname': `n${i}`, ...(chance(0.8) && { zone: pick(['a', 'b']) }) } },
    });
  }
  const term = { labelSelector: { matchLabels: { app: 'x' } }, topologyKey: 'zone' };
  const pod = (name: string, nodeName?: string): corev1.Pod => {
    const spec: Partial<corev1.PodSpec> = {
      priority: pick([0, 10]),
      ...(nodeName && { nodeName }),
      ...(chance(0.3) && { nodeSelector: { zone: 'a' } }),
      ...(chance(0.3) && { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } }),
      ...(chance(0.3) && { topologySpreadConstraints: [{ ...term, maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }] }),
    };
    const made = makePod(name, { cpu: pick(['500m', '1', '2', '5']) }, spec);
    return { ...made, metadata: { ...made.metadata, labels: { app: pick(['x', 'y']) } } };
  };
  for (let i = 0; i < 12; i++) cluster.setPod(pod(`placed${i}`, `n${Math.floor(random.next() * 8)}`));
  for (let i = 0; i < 10; i++) {
    const waiting = pod(`waiting${i}`);
    const decision = decider.decide(waiting);
    const { verdict, nodes, message } = explain(decider, waiting);
    expect(verdict).toBe(decision.type === 'placed' ? 'Fits' : 'DoesNotFit');
    if (decision.type === 'placed') expect(nodes.find(({ name }) => name === decision.nodeName)!.fits).toBe(true);
    else if (decision.type === 'misfit') {
      for (const { name, rejections } of nodes) {
        expect(rejections![0]!.reasons).toEqual(decision.statuses.of(cluster.node(name)!)!.reasons);
      }
      expect(message).toContain(`0/8 nodes are available`);
    }
  }
});
