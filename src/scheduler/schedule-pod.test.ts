import { describe, expect, test } from 'vitest';
import type { corev1 } from '../api/index.ts';
import { seededRandom } from '../base/index.ts';
import { ClusterCache } from './cluster-cache.ts';
import { schedulePod } from './schedule-pod.ts';
import { defaultProfile } from './scheduler.ts';
import { makeNode, makePod } from './testdata/objects.ts';

function decide(nodes: readonly corev1.Node[], pod: corev1.Pod, placed: readonly corev1.Pod[] = []): string {
  const cache = new ClusterCache();
  for (const node of nodes) cache.setNode(node);
  for (const other of placed) cache.setPod(other);
  const decision = schedulePod(pod, defaultProfile, cache, seededRandom(1));
  return decision.type === 'placed' ? decision.node : decision.message;
}

const pinned = (node: string): Partial<corev1.PodSpec> => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }],
      },
    },
  },
});

describe('why a pod fits nowhere', () => {
  test.each<[string, readonly corev1.Node[], corev1.Pod, string]>([
    ['there is no node', [], makePod('p'), 'no nodes available to schedule pods'],
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
      'the named node does not exist',
      [makeNode('a')],
      makePod('p', {}, pinned('z')),
      "0/1 nodes are available: 1 node(s) didn't satisfy plugin(s) [NodeAffinity].",
    ],
  ])('%s', (_name, nodes, pod, message) => {
    expect(decide(nodes, pod)).toBe(message);
  });

  test('the node is full', () => {
    const node = makeNode('a', { status: { allocatable: { cpu: '4', memory: '8Gi', pods: '1' } } });
    expect(decide([node], makePod('p'), [makePod('other', {}, { nodeName: 'a' })])).toBe('0/1 nodes are available: 1 Too many pods.');
  });

  test('the host port is taken', () => {
    const withPort = (name: string, nodeName?: string): corev1.Pod =>
      makePod(
        name,
        {},
        { ...(nodeName && { nodeName }), containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80, hostPort: 8080 }] }] },
      );
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

  test('to the node that already has the image, when both are empty', () => {
    const image = { names: ['docker.io/library/big:latest'], sizeBytes: 900 * 1024 * 1024 };
    const node = makeNode('b', { status: { images: [image] } });
    expect(decide([makeNode('a'), node], makePod('p', {}, { containers: [{ name: 'c', image: 'docker.io/library/big' }] }))).toBe('b');
  });

  test('away from a soft taint', () => {
    expect(decide([makeNode('a', { spec: { taints: [{ key: 'k', effect: 'PreferNoSchedule' }] } }), makeNode('b')], makePod('p'))).toBe(
      'b',
    );
  });

  test('onto a tainted node that it tolerates', () => {
    const node = makeNode('a', { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } });
    expect(decide([node], makePod('p', {}, { tolerations: [{ key: 'k', operator: 'Exists' }] }))).toBe('a');
  });

  test('to the node that a DaemonSet pins it to', () => {
    expect(decide([makeNode('a'), makeNode('b')], makePod('p', {}, pinned('b')))).toBe('b');
  });

  test('a node that was lost gives its pods back when it returns', () => {
    const cache = new ClusterCache();
    cache.setNode(makeNode('a'));
    cache.setPod(makePod('other', { cpu: '3' }, { nodeName: 'a' }));
    cache.removeNode('a');
    cache.setNode(makeNode('a'));
    expect(cache.nodes.get('a')!.requested('cpu')).toBe(3000);
  });
});
