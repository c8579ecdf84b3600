import { describe, expect, test } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { makeDecider } from '../testdata/decider.ts';
import { makeNode, makePod } from '../testdata/objects.ts';
import { fitMessage } from './fit-error.ts';

/** The node, or why there is none. */
function decide(nodes: readonly corev1.Node[], pod: corev1.Pod, placed: readonly corev1.Pod[] = []): string {
  const decider = makeDecider();
  const { handle } = decider;
  for (const node of nodes) handle.cluster.setNode(node);
  for (const other of placed) handle.cluster.setPod(other);
  const decision = decider.decide(pod);
  switch (decision.type) {
    case 'placed':
      return decision.nodeName;
    case 'misfit':
      return fitMessage(decision);
    case 'noNodes':
      return 'no nodes';
    default:
      throw new Error('there are no other decisions');
  }
}

const pinned = (...nodes: readonly string[]): Partial<corev1.PodSpec> => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: nodes }] }],
      },
    },
  },
});

const withPort = (name: string, nodeName?: string): corev1.Pod =>
  makePod(
    name,
    {},
    { ...(nodeName && { nodeName }), containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80, hostPort: 80 }] }] },
  );

describe('why a pod fits nowhere', () => {
  test.each<[string, readonly corev1.Node[], corev1.Pod, string]>([
    ['there is no node', [], makePod('p'), 'no nodes'],
    [
      'every node has its own reason, counted in order of the text',
      [
        makeNode('a'),
        makeNode('b', { spec: { unschedulable: true } }),
        makeNode('c', { spec: { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] } }),
      ],
      makePod('p', { cpu: '100' }),
      '0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable.',
    ],
    [
      'several resources are short at once',
      [makeNode('a')],
      makePod('p', { cpu: '100', memory: '100Ti' }),
      '0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.',
    ],
    [
      'an extended resource is nowhere',
      [makeNode('a')],
      makePod('p', { 'example.com/gpu': '1' }),
      '0/1 nodes are available: 1 Insufficient example.com/gpu.',
    ],
    [
      'no node has the label',
      [makeNode('a')],
      makePod('p', {}, { nodeSelector: { disk: 'ssd' } }),
      "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
    ],
    [
      'the named node does not exist, so the others were not asked',
      [makeNode('a'), makeNode('b')],
      makePod('p', {}, pinned('z')),
      "0/2 nodes are available: 2 node(s) didn't satisfy plugin(s) [NodeAffinity].",
    ],
    [
      'the named node is full, the others were not asked',
      [makeNode('a'), makeNode('b')],
      makePod('p', { cpu: '100' }, pinned('a')),
      "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) [NodeAffinity].",
    ],
  ])('%s', (_name, nodes, pod, message) => {
    expect(decide(nodes, pod)).toBe(message);
  });

  test('the node is full', () => {
    const node = makeNode('a', { status: { allocatable: { cpu: '4', memory: '8Gi', pods: '1' } } });
    expect(decide([node], makePod('p'), [makePod('other', {}, { nodeName: 'a' })])).toBe('0/1 nodes are available: 1 Too many pods.');
  });

  test('the host port is taken', () => {
    expect(decide([makeNode('a')], withPort('p'), [withPort('other', 'a')])).toBe(
      "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
    );
  });
});

describe('where a pod goes', () => {
  test('to the node with more room', () => {
    expect(decide([makeNode('a'), makeNode('b')], makePod('p', { cpu: '1' }), [makePod('other', { cpu: '2' }, { nodeName: 'a' })])).toBe(
      'b',
    );
  });

  test('away from a soft taint', () => {
    const nodes = [makeNode('a', { spec: { taints: [{ key: 'k', effect: 'PreferNoSchedule' }] } }), makeNode('b')];
    expect(decide(nodes, makePod('p'))).toBe('b');
  });

  test('to the node that a DaemonSet pins it to', () => {
    expect(decide([makeNode('a'), makeNode('b')], makePod('p', {}, pinned('b')))).toBe('b');
  });

  test('beside the pods that room was promised to', () => {
    const decider = makeDecider();
    const { handle, nominated } = decider;
    for (const name of ['a', 'b']) handle.cluster.setNode(makeNode(name));
    handle.cluster.setPod(makePod('other', { cpu: '2' }, { nodeName: 'b' }));
    nominated.nominate(handle.cluster.podInfo(makePod('vip', { cpu: '4' }, { priority: 10 })), 'a');
    expect(decider.decide(makePod('p', { cpu: '1' }))).toMatchObject({ type: 'placed', nodeName: 'b' });
    // Who is more important takes the room.
    expect(decider.decide(makePod('q', { cpu: '4' }, { priority: 20 }))).toMatchObject({ type: 'placed', nodeName: 'a' });
  });

  test('what is remembered of nodes that are promised to others holds until a promise changes', () => {
    const decider = makeDecider();
    const { handle, nominated } = decider;
    const { cluster } = handle;
    // As many as it takes for anything to be remembered.
    const names = Array.from({ length: 120 }, (_, i) => `n${i}`);
    const promise = (name: string): void =>
      nominated.nominate(cluster.podInfo(makePod(`vip-${name}`, { cpu: '4' }, { priority: 10 })), name);
    for (const name of names) cluster.setNode(makeNode(name));
    for (const name of names) promise(name);
    const decide = (name: string): unknown => decider.decide(makePod(name, { cpu: '1' }));
    for (const name of ['p', 'q', 'r']) expect(decide(name)).toMatchObject({ type: 'misfit' });
    nominated.remove(cluster.podInfo(makePod('vip-n7', { cpu: '4' })).uid);
    expect(decide('s')).toMatchObject({ type: 'placed', nodeName: 'n7' });
    promise('n7');
    expect(decide('t')).toMatchObject({ type: 'misfit' });
    // Nobody is in its own way.
    const own = makePod('u', { cpu: '4' }, { priority: 10 });
    nominated.remove(cluster.podInfo(makePod('vip-n9', { cpu: '4' })).uid);
    for (const name of ['v', 'w']) expect(decider.decide(makePod(name, { cpu: '4' }, { priority: 10 }))).toMatchObject({ nodeName: 'n9' });
    nominated.nominate(cluster.podInfo(own), 'n9');
    expect(decider.decide(makePod('x', { cpu: '4' }, { priority: 10 }))).toMatchObject({ type: 'misfit' });
    expect(decider.decide(own)).toMatchObject({ type: 'placed', nodeName: 'n9' });
  });

  test('a resized pod counts with what it had and what it gets', () => {
    const { handle } = makeDecider();
    handle.cluster.setNode(makeNode('a'));
    const pod = makePod('p', { cpu: '1' }, { nodeName: 'a' });
    const status = { containerStatuses: [{ name: 'c', allocatedResources: { cpu: '2' }, resources: { requests: { cpu: '3' } } }] };
    // Only the fields that amounts are read from.
    handle.cluster.setPod({ ...pod, status: status as unknown as corev1.PodStatus });
    expect(handle.cluster.node('a')!.requested(0)).toBe(3000);
    handle.cluster.setPod(pod);
    expect(handle.cluster.node('a')!.requested(0)).toBe(1000);
  });

  test('a node that was lost gives its pods back when it returns', () => {
    const { handle } = makeDecider();
    handle.cluster.setNode(makeNode('a'));
    handle.cluster.setPod(makePod('other', { cpu: '3' }, { nodeName: 'a' }));
    handle.cluster.removeNode('a');
    expect(handle.cluster.nodes).toEqual([]);
    handle.cluster.setNode(makeNode('a'));
    expect(handle.cluster.node('a')!.requested(0)).toBe(3000);
  });
});

test('zones take turns in the order of the search', () => {
  const { handle } = makeDecider();
  for (const [i, zone] of ['x', 'x', 'x', 'y', 'y', 'z'].entries()) {
    const node = makeNode(`n${i}`);
    handle.cluster.setNode({ ...node, metadata: { ...node.metadata, labels: { 'topology.kubernetes.io/zone': zone } } });
  }
  expect(handle.cluster.nodes.map(({ name }) => name)).toEqual(['n0', 'n3', 'n5', 'n1', 'n4', 'n2']);
});

test('what is remembered of equal pods never places one otherwise than looking anew', () => {
  const decider = makeDecider();
  const { handle } = decider;
  for (let i = 0; i < 120; i++) handle.cluster.setNode(makeNode(`n${i}`));
  // 120 nodes × 4 cores hold 240 pods of 2 cores, and not one more.
  for (let i = 0; i < 240; i++) {
    const pod = makePod(`p${i}`, { cpu: '2' });
    const decision = decider.decide(pod);
    if (decision.type !== 'placed') throw new Error(`pod ${i} was not placed`);
    handle.cluster.assume(handle.cluster.podInfo(pod), decision.nodeName);
  }
  expect(handle.cluster.nodes.every((node) => node.requested(0) === 4000)).toBe(true);
  expect(decider.decide(makePod('last', { cpu: '2' })).type).toBe('misfit');
  handle.cluster.removePod('uid-p7');
  expect(decider.decide(makePod('last', { cpu: '2' })).type).toBe('placed');
});
