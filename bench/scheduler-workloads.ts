/**
 * The named workloads of upstream's scheduler benchmark, as data: which nodes there are, which pods are on them before, which are measured,
 * and what happens beside.
 * @source test/integration/scheduler_perf (misc, affinity, topology_spreading), v1.35
 */
import type { PodShape } from './scheduler-objects.ts';

export interface PodGroup {
  readonly count: number;
  readonly shape: PodShape;
  /** Default `default`. */
  readonly namespace?: string;
}

/** What goes on beside the measured pods, over and over. */
export interface Churn {
  readonly everyMs: number;
  readonly shapes: readonly (PodShape | 'node' | 'service')[];
  /** Each round takes away what the one before has made. */
  readonly recreate?: true;
}

export interface SchedulerWorkload {
  readonly name: string;
  readonly nodes: number;
  /** Values of the nodes' zone label, in turn; left out: nodes have none. */
  readonly zones?: readonly string[];
  /** One more node by this name, with room for very many pods. */
  readonly roomyNode?: string;
  /** On their nodes before anything is measured. */
  readonly before: readonly PodGroup[];
  readonly measured: PodGroup;
  readonly churn?: Churn;
  /** Pods a second. */
  readonly goal?: number;
  /** What upstream's own benchmark demands of bigger machines. */
  readonly gate?: number;
}

const moons = ['moon-1', 'moon-2', 'moon-3'];
const oneZone = ['zone1'];
const [first, second] = ['sched-0', 'sched-1'];
/** Whom DaemonSet's pods are for. */
export const roomyNode = 'scheduler-perf-node';

export const schedulerWorkloads: readonly SchedulerWorkload[] = [
  {
    name: 'SchedulingBasic/5000Nodes_10000Pods',
    nodes: 5000,
    before: [{ count: 1000, shape: 'basic' }],
    measured: { count: 10_000, shape: 'basic' },
    goal: 1500,
    gate: 680,
  },
  {
    name: 'SchedulingDaemonset/15000Nodes',
    nodes: 15_000,
    roomyNode,
    before: [],
    measured: { count: 30_000, shape: 'daemon' },
    goal: 1500,
    gate: 1100,
  },
  {
    name: 'TopologySpreading/5000Nodes_5000Pods',
    nodes: 5000,
    zones: moons,
    before: [{ count: 5000, shape: 'basic' }],
    measured: { count: 5000, shape: 'spread' },
    goal: 700,
    gate: 460,
  },
  {
    name: 'PreferredTopologySpreading/5000Nodes_5000Pods',
    nodes: 5000,
    zones: moons,
    before: [{ count: 5000, shape: 'basic' }],
    measured: { count: 5000, shape: 'spread-preferred' },
    goal: 500,
    gate: 340,
  },
  {
    name: 'SchedulingPodAntiAffinity/5000Nodes_2000Pods',
    nodes: 5000,
    before: [{ count: 1000, shape: 'anti-affine', namespace: first }],
    measured: { count: 2000, shape: 'anti-affine', namespace: second },
    goal: 120,
    gate: 60,
  },
  {
    name: 'SchedulingPodAffinity/5000Nodes_5000Pods',
    nodes: 5000,
    zones: oneZone,
    before: [{ count: 5000, shape: 'affine', namespace: first }],
    measured: { count: 5000, shape: 'affine', namespace: second },
    goal: 100,
    gate: 35,
  },
  {
    name: 'SchedulingPreferredPodAffinity/5000Nodes_5000Pods',
    nodes: 5000,
    before: [{ count: 5000, shape: 'affine-preferred', namespace: first }],
    measured: { count: 5000, shape: 'affine-preferred', namespace: second },
    gate: 90,
  },
  {
    name: 'SchedulingPreferredPodAntiAffinity/5000Nodes_5000Pods',
    nodes: 5000,
    before: [{ count: 5000, shape: 'anti-affine-preferred', namespace: first }],
    measured: { count: 5000, shape: 'anti-affine-preferred', namespace: second },
    gate: 90,
  },
  {
    name: 'SchedulingNodeAffinity/5000Nodes_10000Pods',
    nodes: 5000,
    zones: oneZone,
    before: [{ count: 5000, shape: 'node-affine' }],
    measured: { count: 10_000, shape: 'node-affine' },
    goal: 600,
    gate: 220,
  },
  {
    name: 'MixedSchedulingBasePod/5000Nodes_5000Pods',
    nodes: 5000,
    zones: oneZone,
    before: (['basic', 'affine', 'anti-affine', 'affine-preferred', 'anti-affine-preferred'] as const).map((shape) => ({
      count: 2000,
      shape,
      namespace: first,
    })),
    measured: { count: 5000, shape: 'basic' },
    gate: 140,
  },
  {
    name: 'PreemptionBasic/1000Nodes',
    nodes: 1000,
    before: [{ count: 4000, shape: 'low-priority' }],
    measured: { count: 1000, shape: 'high-priority' },
  },
  {
    name: 'PreemptionAsync/5000Nodes',
    nodes: 5000,
    before: [{ count: 20_000, shape: 'low-priority' }],
    measured: { count: 5000, shape: 'basic' },
    churn: { everyMs: 200, shapes: ['high-priority'] },
    goal: 700,
    gate: 570,
  },
  {
    name: 'SchedulingWithMixedChurn/5000Nodes_10000Pods',
    nodes: 5000,
    before: [],
    measured: { count: 10_000, shape: 'basic' },
    churn: { everyMs: 1000, shapes: ['node', 'too-large', 'service'], recreate: true },
    goal: 900,
    gate: 710,
  },
  {
    name: 'Unschedulable/5kNodes_20kInit_10kPods',
    nodes: 5000,
    before: [{ count: 20_000, shape: 'basic' }],
    measured: { count: 10_000, shape: 'basic' },
    churn: { everyMs: 200, shapes: ['too-large'] },
    goal: 900,
    gate: 600,
  },
];
