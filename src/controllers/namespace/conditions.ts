/**
 * What is said in a namespace's status while its content is being deleted. Pure.
 * @source pkg/controller/namespace/deletion/status_condition_utils.go, v1.35
 */
import type { corev1 } from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';

type Condition = corev1.NamespaceCondition;

/** What one attempt came to. */
export interface DeletionFindings {
  readonly discoveryFailures: readonly { readonly groupVersion: string; readonly message: string }[];
  /** Why content could not be deleted. */
  readonly contentErrors: readonly string[];
  /** Objects left, by `plural.group`. */
  readonly remaining: ReadonlyMap<string, number>;
  /** Objects left, by the finalizer that holds them. */
  readonly finalizers: ReadonlyMap<string, number>;
}

/** Each condition in its good state, which is False. */
const good = [
  { type: 'NamespaceDeletionDiscoveryFailure', reason: 'ResourcesDiscovered', message: 'All resources successfully discovered' },
  {
    type: 'NamespaceDeletionGroupVersionParsingFailure',
    reason: 'ParsedGroupVersions',
    message: 'All legacy kube types successfully parsed',
  },
  {
    type: 'NamespaceDeletionContentFailure',
    reason: 'ContentDeleted',
    message: 'All content successfully deleted, may be waiting on finalization',
  },
  { type: 'NamespaceContentRemaining', reason: 'ContentRemoved', message: 'All content successfully removed' },
  { type: 'NamespaceFinalizersRemaining', reason: 'ContentRemoved', message: 'All content successfully removed' },
] as const;

/** The conditions after an attempt; transition times stay while a status stays. */
export function deletionConditions(old: readonly Condition[], findings: DeletionFindings, nowMs: number): Condition[] {
  const bad = badConditions(findings);
  const conditions = [...old];
  for (const normal of good) {
    const found = bad.get(normal.type);
    const wanted = found ? { type: normal.type, status: 'True', ...found } : { ...normal, status: 'False' };
    const at = conditions.findIndex(({ type }) => type === normal.type);
    const current = conditions[at];
    const lastTransitionTime = current?.status === wanted.status ? (current.lastTransitionTime ?? formatTime(nowMs)) : formatTime(nowMs);
    if (current) conditions[at] = { ...wanted, lastTransitionTime };
    else conditions.push({ ...wanted, lastTransitionTime });
  }
  return conditions;
}

function badConditions({
  discoveryFailures,
  contentErrors,
  remaining,
  finalizers,
}: DeletionFindings): Map<string, { reason: string; message: string }> {
  const bad = new Map<string, { reason: string; message: string }>();
  if (discoveryFailures.length > 0) {
    const list = discoveryFailures.map(({ groupVersion, message }) => `${groupVersion}: ${message}`).join(', ');
    const message = `Discovery failed for some groups, ${discoveryFailures.length} failing: unable to retrieve the complete list of server APIs: ${list}`;
    bad.set('NamespaceDeletionDiscoveryFailure', { reason: 'DiscoveryFailed', message });
  }
  if (contentErrors.length > 0) {
    const list = [...contentErrors].sort().join(', ');
    const message = `Failed to delete all resource types, ${contentErrors.length} remaining: ${list}`;
    bad.set('NamespaceDeletionContentFailure', { reason: 'ContentDeletionFailed', message });
  }
  const sorted = (counts: ReadonlyMap<string, number>, text: string): string =>
    [...counts]
      .map(([name, count]) => text.replace('NAME', name).replace('COUNT', String(count)))
      .sort()
      .join(', ');
  if (remaining.size > 0) {
    const message = `Some resources are remaining: ${sorted(remaining, 'NAME has COUNT resource instances')}`;
    bad.set('NamespaceContentRemaining', { reason: 'SomeResourcesRemain', message });
  }
  if (finalizers.size > 0) {
    const message = `Some content in the namespace has finalizers remaining: ${sorted(finalizers, 'NAME in COUNT resource instances')}`;
    bad.set('NamespaceFinalizersRemaining', { reason: 'SomeFinalizersRemain', message });
  }
  return bad;
}
