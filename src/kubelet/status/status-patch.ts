/**
 * The difference between a pod's stored status and the one that is true, as a strategic merge patch that touches only what the kubelet
 * owns. Pure.
 */
import { type corev1, getCondition, type JsonObject } from '../../api/index.ts';
import { ownedConditions } from './conditions.ts';

/** Fields of the status that the kubelet writes; the others (nominatedNodeName, resource claims) have other owners. */
const ownedFields = [
  'observedGeneration',
  'phase',
  'message',
  'reason',
  'hostIP',
  'hostIPs',
  'podIP',
  'podIPs',
  'startTime',
  'initContainerStatuses',
  'containerStatuses',
  'ephemeralContainerStatuses',
  'qosClass',
] as const;

/** Lists that a strategic merge patch would merge by key; they are replaced as a whole. */
const mergedLists: ReadonlySet<string> = new Set(['hostIPs', 'podIPs']);

/** @returns undefined when the stored status says the same */
export function statusPatch(stored: corev1.Pod, status: corev1.PodStatus): JsonObject | undefined {
  const patch: Record<string, unknown> = {};
  const old: Partial<corev1.PodStatus> = stored.status ?? {};
  for (const field of ownedFields) {
    const value = status[field];
    if (sameJson(old[field], value)) continue;
    if (value === undefined) patch[field] = null;
    else if (mergedLists.has(field)) patch[field] = [{ $patch: 'replace' }, ...(value as readonly unknown[])];
    else patch[field] = value;
  }
  const conditions = changedConditions(old.conditions, status.conditions);
  if (conditions.length > 0) patch['conditions'] = conditions;
  if (Object.keys(patch).length === 0) return undefined;
  return { metadata: { uid: stored.metadata.uid }, status: patch as JsonObject };
}

/** Conditions that are there only while they hold. */
const passingConditions: ReadonlySet<string> = new Set(['PodResizePending', 'PodResizeInProgress']);

function changedConditions(
  stored: readonly corev1.PodCondition[] | undefined,
  wanted: readonly corev1.PodCondition[] | undefined,
): Record<string, unknown>[] {
  const changes: Record<string, unknown>[] = [];
  for (const condition of wanted ?? []) {
    if (!ownedConditions.has(condition.type)) continue;
    const old = getCondition(stored, condition.type);
    if (old && sameCondition(old, condition)) continue;
    // A merge keeps fields that are not named: what is gone is named as null.
    const gone = old ? (['reason', 'message'] as const).filter((field) => old[field] !== undefined && condition[field] === undefined) : [];
    changes.push({ ...condition, ...Object.fromEntries(gone.map((field) => [field, null])) });
  }
  for (const { type } of stored ?? []) {
    if (passingConditions.has(type) && !getCondition(wanted, type)) changes.push({ type, $patch: 'delete' });
  }
  return changes;
}

function sameCondition(a: corev1.PodCondition, b: corev1.PodCondition): boolean {
  return (
    a.status === b.status &&
    (a.reason ?? '') === (b.reason ?? '') &&
    (a.message ?? '') === (b.message ?? '') &&
    a.observedGeneration === b.observedGeneration
  );
}

/** Equal as JSON, whatever the order of fields and whether empty fields are left out. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (isEmpty(a) && isEmpty(b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((each, i) => sameJson(each, b[i]));
  }
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) if (!sameJson(left[key], right[key])) return false;
  return true;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
