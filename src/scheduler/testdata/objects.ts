/** Small nodes and pods for the scheduler's tests. */
import type { corev1 } from '../../api/index.ts';

interface NodeChanges {
  readonly spec?: corev1.NodeSpec;
  readonly status?: corev1.NodeStatus;
}

const meta = (name: string): { name: string; uid: string; resourceVersion: string; creationTimestamp: string } => ({
  name,
  uid: `uid-${name}`,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
});

/** A node with 4 cores, 8 GiB and room for 110 pods, unless changed. */
export function makeNode(name: string, changes: NodeChanges = {}): corev1.Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: meta(name),
    spec: { ...changes.spec },
    status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110' }, ...changes.status },
  };
}

/** A pod with one container that asks for `requests`. */
export function makePod(name: string, requests: Readonly<Record<string, string>> = {}, spec: Partial<corev1.PodSpec> = {}): corev1.Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...meta(name), namespace: 'default' },
    spec: { schedulerName: 'default-scheduler', containers: [{ name: 'c', image: 'i', resources: { requests } }], ...spec },
    status: {},
  };
}
