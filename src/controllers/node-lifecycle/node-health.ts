/**
 * What a node's heartbeats say. The node's own clock is not trusted: what counts is when this process saw a heartbeat change. Pure.
 * @source pkg/controller/nodelifecycle/node_lifecycle_controller.go tryUpdateNodeHealth, v1.35
 */
import { type coordinationv1, type corev1, getCondition } from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';

type Node = corev1.Node;
type Condition = corev1.NodeCondition;

/** What is remembered of a node between two looks. */
export interface NodeHealth {
  /** When a heartbeat was last seen to change. */
  readonly probeMs: number;
  readonly ready: Condition | undefined;
  readonly renewTime: string | undefined;
}

export interface HealthInput {
  readonly lease: coordinationv1.Lease | undefined;
  readonly last: NodeHealth | undefined;
  readonly nowMs: number;
  /** Time without a heartbeat after which the node's state is unknown. */
  readonly graceMs: number;
  /** The same, for nodes that never said anything. */
  readonly startupGraceMs: number;
}

export interface HealthFindings {
  readonly health: NodeHealth;
  /** The Ready status before this look; taints follow it. */
  readonly observed: string;
  /** The Ready status after it; undefined for a node that never said. */
  readonly current: string | undefined;
  /** The conditions to write, when the node has gone silent. */
  readonly conditions: readonly Condition[] | undefined;
}

const silenced = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'] as const;

export function observeNode(node: Node, input: HealthInput): HealthFindings {
  const { lease, last, nowMs } = input;
  const ready = getCondition(node.status.conditions, 'Ready');
  const health = nextHealth(node, { ready, lease, last, nowMs });
  const observed = ready?.status ?? 'Unknown';
  const graceMs = ready ? input.graceMs : input.startupGraceMs;
  if (nowMs <= health.probeMs + graceMs) return { health, observed, current: ready?.status, conditions: undefined };
  const conditions = silencedConditions(node, nowMs);
  const changed = ready?.status !== 'Unknown';
  return {
    health: { ...health, ready: getCondition(conditions, 'Ready') },
    observed,
    current: 'Unknown',
    conditions: changed ? conditions : undefined,
  };
}

function nextHealth(
  node: Node,
  { ready, lease, last, nowMs }: Pick<HealthInput, 'lease' | 'last' | 'nowMs'> & { readonly ready: Condition | undefined },
): NodeHealth {
  const renewTime = lease?.spec.renewTime;
  const renewed = renewTime !== undefined && (last?.renewTime === undefined || renewTime > last.renewTime);
  const kept = last?.renewTime !== undefined && !renewed ? last.renewTime : renewTime;
  const seen = (probeMs: number): NodeHealth => ({ probeMs: renewed ? nowMs : probeMs, ready, renewTime: kept });
  // A node that never posted its status counts from its making.
  if (!last) return seen(ready ? nowMs : Date.parse(node.metadata.creationTimestamp));
  if ((last.ready === undefined) !== (ready === undefined)) return seen(nowMs);
  return seen(last.ready?.lastHeartbeatTime === ready?.lastHeartbeatTime ? last.probeMs : nowMs);
}

function silencedConditions(node: Node, nowMs: number): Condition[] {
  const now = formatTime(nowMs);
  const conditions: Condition[] = (node.status.conditions ?? []).map((condition) =>
    silenced.some((type) => type === condition.type) && condition.status !== 'Unknown'
      ? {
          ...condition,
          status: 'Unknown',
          reason: 'NodeStatusUnknown',
          message: 'Kubelet stopped posting node status.',
          lastTransitionTime: now,
        }
      : condition,
  );
  for (const type of silenced) {
    if (getCondition(conditions, type)) continue;
    conditions.push({
      type,
      status: 'Unknown',
      reason: 'NodeStatusNeverUpdated',
      message: 'Kubelet never posted node status.',
      lastHeartbeatTime: node.metadata.creationTimestamp,
      lastTransitionTime: now,
    });
  }
  return conditions;
}
