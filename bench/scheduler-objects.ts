/**
 * The objects of the scheduler's bench: nodes with nothing behind them, and pods in the shapes that upstream's benchmark knows.
 * @source test/integration/scheduler_perf/templates, v1.35
 */
import type { coordinationv1, corev1, schedulingv1, Unsaved } from '../src/api/index.ts';
import { roomyNode } from './scheduler-workloads.ts';

export type PodShape =
  | 'basic'
  | 'daemon'
  | 'spread'
  | 'spread-preferred'
  | 'affine'
  | 'affine-preferred'
  | 'anti-affine'
  | 'anti-affine-preferred'
  | 'node-affine'
  | 'low-priority'
  | 'high-priority'
  | 'too-large';

export const zoneLabel = 'topology.kubernetes.io/zone';
const hostnameLabel = 'kubernetes.io/hostname';
/** Terms of affinity look into these. */
export const affineNamespaces = ['sched-0', 'sched-1'];
/** Upstream's pods just say 10, with the admission of priorities turned off. */
export const highPriority = 'bench-high';
export const leaseNamespace = 'kube-node-lease';
const nodeLeaseSeconds = 40;
const podsOfNode = 110;
const podsOfRoomyNode = 90_000;
const nodesOfSubnetByte = 256;

export interface NodeSettings {
  readonly name: string;
  readonly index: number;
  readonly zone?: string;
}

/** As the controllers leave it in a cluster of thousands: with its pod range, and with the time for which kubelets may keep what they read. */
export function node({ name, index, zone }: NodeSettings): Unsaved<corev1.Node> {
  const pods = name === roomyNode ? podsOfRoomyNode : podsOfNode;
  const size = { cpu: '4', memory: '32Gi', pods: String(pods) };
  const range = `10.${128 + Math.floor(index / nodesOfSubnetByte)}.${index % nodesOfSubnetByte}.0/24`;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      annotations: { 'node.alpha.kubernetes.io/ttl': '300' },
      labels: { [hostnameLabel]: name, ...(zone !== undefined && { [zoneLabel]: zone }) },
    },
    spec: { podCIDR: range, podCIDRs: [range] },
    status: { capacity: size, allocatable: size, conditions: [readyCondition()] },
  };
}

export function readyCondition(): corev1.NodeCondition {
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  return { type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: now, lastTransitionTime: now };
}

export function nodeLease(name: string): Unsaved<coordinationv1.Lease> {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, namespace: leaseNamespace },
    spec: { holderIdentity: name, leaseDurationSeconds: nodeLeaseSeconds, renewTime: new Date().toISOString().replace('Z', '000Z') },
  };
}

export function highPriorityClass(): Unsaved<schedulingv1.PriorityClass> {
  return { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: highPriority }, value: 10 };
}

export interface PodSettings {
  readonly name: string;
  readonly namespace: string;
  readonly shape: PodShape;
  /** Pods of different variants have different specs; 0 is upstream's own. */
  readonly variant: number;
  /** On this node from the start. */
  readonly nodeName?: string;
}

export function pod({ name, namespace, shape, variant, nodeName }: PodSettings): Unsaved<corev1.Pod> {
  const { labels, spec } = shapes[shape];
  // Less memory by a little, so that whatever fits in the original shape fits in every variant.
  const amounts = { cpu: cpuOf(shape), memory: variant === 0 ? '500Mi' : `${500 * 1024 - variant}Ki` };
  const resources = shape === 'daemon' ? {} : { resources: { requests: amounts, limits: amounts } };
  const ports = shape === 'daemon' ? {} : { ports: [{ containerPort: 80 }] };
  const own = variant === 0 ? {} : { variant: String(variant) };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, ...((labels || variant > 0) && { labels: { ...labels, ...own } }) },
    spec: {
      ...spec,
      ...(nodeName !== undefined && { nodeName }),
      containers: [{ name: 'pause', image: 'registry.k8s.io/pause:3.10.1', ...ports, ...resources }],
    },
  };
}

function cpuOf(shape: PodShape): string {
  if (shape === 'low-priority') return '900m';
  if (shape === 'high-priority') return '3';
  return shape === 'too-large' ? '9' : '100m';
}

const colored = (color: string) => ({ color });
const near = (color: string, topologyKey: string): corev1.PodAffinityTerm => ({
  labelSelector: { matchLabels: colored(color) },
  topologyKey,
  namespaces: affineNamespaces,
});
const preferred = (color: string) => ({
  preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: near(color, hostnameLabel) }],
});
const required = (color: string, topologyKey: string) => ({ requiredDuringSchedulingIgnoredDuringExecution: [near(color, topologyKey)] });
const onNodes = (term: corev1.NodeSelectorTerm) => ({
  nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } },
});
const spreading = (whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway') => ({
  topologySpreadConstraints: [{ maxSkew: 5, topologyKey: zoneLabel, whenUnsatisfiable, labelSelector: { matchLabels: colored('blue') } }],
});

const shapes: Readonly<
  Record<PodShape, { readonly labels?: Readonly<Record<string, string>>; readonly spec?: Omit<corev1.PodSpec, 'containers'> }>
> = {
  basic: {},
  daemon: { spec: { affinity: onNodes({ matchFields: [{ key: 'metadata.name', operator: 'In', values: [roomyNode] }] }) } },
  spread: { labels: colored('blue'), spec: spreading('DoNotSchedule') },
  'spread-preferred': { labels: colored('blue'), spec: spreading('ScheduleAnyway') },
  affine: { labels: colored('blue'), spec: { affinity: { podAffinity: required('blue', zoneLabel) } } },
  'affine-preferred': { labels: colored('red'), spec: { affinity: { podAffinity: preferred('red') } } },
  'anti-affine': {
    labels: { ...colored('green'), name: 'test' },
    spec: { affinity: { podAntiAffinity: required('green', hostnameLabel) } },
  },
  'anti-affine-preferred': { labels: colored('yellow'), spec: { affinity: { podAntiAffinity: preferred('yellow') } } },
  'node-affine': { spec: { affinity: onNodes({ matchExpressions: [{ key: zoneLabel, operator: 'In', values: ['zone1', 'zone2'] }] }) } },
  'low-priority': { spec: { terminationGracePeriodSeconds: 0 } },
  'high-priority': { spec: { priorityClassName: highPriority, terminationGracePeriodSeconds: 0 } },
  'too-large': { spec: { priorityClassName: highPriority, terminationGracePeriodSeconds: 0 } },
};
