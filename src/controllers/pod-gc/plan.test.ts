import { describe, expect, it } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { formatPodGcPlan, planPodGc } from './plan.ts';

function pod(
  name: string,
  changes: { node?: string; phase?: string; reason?: string; second?: number; deleting?: boolean } = {},
): corev1.Pod {
  const { node = 'n1', phase = 'Running', reason, second = 0, deleting } = changes;
  return {
    metadata: { name, creationTimestamp: `2026-01-01T00:00:0${second}Z`, ...(deleting && { deletionTimestamp: 'now' }) },
    spec: { nodeName: node },
    status: { phase, reason },
  } as unknown as corev1.Pod;
}

const node = (name: string, taint?: string): corev1.Node =>
  ({
    metadata: { name },
    spec: { taints: taint ? [{ key: taint, effect: 'NoExecute' }] : [] },
    status: { conditions: [{ type: 'Ready', status: 'Unknown' }] },
  }) as unknown as corev1.Node;

function check(
  name: string,
  pods: corev1.Pod[],
  expected: string[],
  changes: { threshold?: number; missing?: string[]; nodes?: corev1.Node[] } = {},
): void {
  it(name, () => {
    const { threshold = 0, missing = [], nodes = [node('n1')] } = changes;
    const plan = planPodGc({ pods, nodes, terminatedThreshold: threshold, missingNodes: new Set(missing) });
    expect(formatPodGcPlan(plan).split('\n')).toEqual(expected);
  });
}

const ended = [
  pod('old', { phase: 'Succeeded', second: 1 }),
  pod('new', { phase: 'Failed', second: 3 }),
  pod('evicted', { phase: 'Failed', reason: 'Evicted', second: 2 }),
];

describe('pod garbage', () => {
  check('is nothing that lives', [pod('a'), pod('b', { node: '' })], ['nothing']);
  check('is what ended beyond the threshold: evicted, then oldest', [...ended, pod('a')], ['terminated evicted', 'terminated old'], {
    threshold: 1,
  });
  check('is nothing that ended without a threshold', ended, ['nothing']);
  check('is what is on a missing node', [pod('a'), pod('b', { node: 'gone' })], ['orphaned b'], { missing: ['gone'] });
  check('is what is being deleted without a node', [pod('a', { node: '', deleting: true })], ['unscheduled a']);
  check('is what is being deleted on a node out of service', [pod('a', { deleting: true }), pod('b')], ['outOfService a'], {
    nodes: [node('n1', 'node.kubernetes.io/out-of-service')],
  });
});
