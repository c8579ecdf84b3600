/** The taints that a node's conditions call for. Pure. @source pkg/controller/nodelifecycle, v1.35 */
import { type corev1, isSameTaint } from '../../api/index.ts';

type Taint = corev1.Taint;
type Node = corev1.Node;

export const notReadyTaint = { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' } as const;
export const unreachableTaint = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' } as const;
const unschedulableKey = 'node.kubernetes.io/unschedulable';

/** Condition type and status, and the key of the taint that says the same. */
const keysByCondition: readonly (readonly [type: string, status: string, key: string])[] = [
  ['Ready', 'False', notReadyTaint.key],
  ['Ready', 'Unknown', unreachableTaint.key],
  ['MemoryPressure', 'True', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'True', 'node.kubernetes.io/disk-pressure'],
  ['NetworkUnavailable', 'True', 'node.kubernetes.io/network-unavailable'],
  ['PIDPressure', 'True', 'node.kubernetes.io/pid-pressure'],
];
const ownKeys = new Set([unschedulableKey, ...keysByCondition.map(([, , key]) => key)]);

/** The node's taints with the NoSchedule ones that its conditions call for; undefined when they are right already. */
export function withConditionTaints({ spec, status }: Node, now: string): Taint[] | undefined {
  const taints = spec.taints ?? [];
  const wanted = new Set(
    keysByCondition
      .filter(([type, value]) => (status.conditions ?? []).some((condition) => condition.type === type && condition.status === value))
      .map(([, , key]) => key),
  );
  if (spec.unschedulable) wanted.add(unschedulableKey);
  const isOwn = ({ key, effect }: Taint): boolean => effect === 'NoSchedule' && ownKeys.has(key);
  const present = new Set(taints.filter(isOwn).map(({ key }) => key));
  if (wanted.size === present.size && [...wanted].every((key) => present.has(key))) return undefined;
  const kept = taints.filter((taint) => !isOwn(taint) || wanted.has(taint.key));
  const added = [...wanted].filter((key) => !present.has(key)).map((key): Taint => ({ key, effect: 'NoSchedule', timeAdded: now }));
  return [...kept, ...added];
}

/** The node's taints with one of the evicting two instead of the other; with neither when `taint` is undefined. Undefined: no change. */
export function withEvictionTaint(
  { spec }: Node,
  taint: typeof notReadyTaint | typeof unreachableTaint | undefined,
  now: () => string,
): Taint[] | undefined {
  const taints = spec.taints ?? [];
  const stale = [notReadyTaint, unreachableTaint].filter((own) => own !== taint && taints.some((one) => isSameTaint(one, own)));
  const missing = taint && !taints.some((one) => isSameTaint(one, taint));
  if (stale.length === 0 && !missing) return undefined;
  const kept = taints.filter((one) => !stale.some((own) => isSameTaint(one, own)));
  return missing ? [...kept, { ...taint, timeAdded: now() }] : kept;
}

export function hasTaint({ spec }: Node, taint: Taint): boolean {
  return (spec.taints ?? []).some((one) => isSameTaint(one, taint));
}
