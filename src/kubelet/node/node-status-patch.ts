/** The difference between a stored node status and the true one, as a strategic merge patch. Pure. */
import { type corev1, getCondition, type JsonObject } from '../../api/index.ts';
import { sameJson } from '../status/status-patch.ts';

const replacedLists: ReadonlySet<string> = new Set(['addresses']);

/**
 * @param options.heartbeat also when only the time of the last look differs
 * @returns undefined when there is nothing to write
 */
export function nodeStatusPatch(
  stored: corev1.Node,
  status: corev1.NodeStatus,
  options: { readonly heartbeat: boolean },
): JsonObject | undefined {
  const old: corev1.NodeStatus = stored.status ?? {};
  const patch: Record<string, unknown> = {};
  const { conditions = [], ...rest } = status;
  for (const [field, value] of Object.entries(rest)) {
    if (sameJson(ownPart(old, field, value), value)) continue;
    patch[field] = replacedLists.has(field) ? [{ $patch: 'replace' }, ...(value as readonly unknown[])] : replaceMap(old, field, value);
  }
  const changed = conditions.filter((condition) => differs(getCondition(old.conditions, condition.type), condition));
  if (Object.keys(patch).length === 0 && changed.length === 0 && !options.heartbeat) return undefined;
  return { status: { ...patch, conditions } as unknown as JsonObject };
}

/**
 * What the kubelet answers for of a stored field. Extended resources (those with a domain) may be offered by others, who write them into the
 * node's status: they stay. @source pkg/kubelet/nodestatus/setters.go (MachineInfo), v1.35
 */
function ownPart(old: corev1.NodeStatus, field: string, value: unknown): unknown {
  if (field !== 'capacity' && field !== 'allocatable') return old[field as keyof corev1.NodeStatus];
  const isOwn = (name: string): boolean => !name.includes('/') || Object.hasOwn(value as object, name);
  return old[field] && Object.fromEntries(Object.entries(old[field]).filter(([name]) => isOwn(name)));
}

/** Resources that are gone are named as null; a merge would keep them. */
function replaceMap(old: corev1.NodeStatus, field: string, value: unknown): unknown {
  if (field !== 'capacity' && field !== 'allocatable') return value;
  const stored = ownPart(old, field, value) as object | undefined;
  const gone = Object.keys(stored ?? {}).filter((name) => !Object.hasOwn(value as object, name));
  return { ...(value as object), ...Object.fromEntries(gone.map((name) => [name, null])) };
}

function differs(old: corev1.NodeCondition | undefined, condition: corev1.NodeCondition): boolean {
  return old?.status !== condition.status || old.reason !== condition.reason || old.message !== condition.message;
}
