/**
 * What becomes of an object whose owners have been looked up. Pure.
 * @source pkg/controller/garbagecollector/garbagecollector.go attemptToDeleteItem, v1.35
 */
import type { metav1 } from '../../api/index.ts';
import { foregroundFinalizer, orphanFinalizer } from './graph.ts';

export type OwnerState =
  /** There, and to stay. */
  | 'solid'
  /** Gone, or another object under its name. */
  | 'dangling'
  /** Being deleted in the foreground: it waits for this object to go. */
  | 'waiting';

export interface LookedUpOwner {
  readonly owner: metav1.OwnerReference;
  readonly state: OwnerState;
}

export type PropagationPolicy = 'Orphan' | 'Foreground' | 'Background';

export type Decision =
  | { readonly type: 'keep' }
  /** It has another owner: only the references that are no use go. */
  | { readonly type: 'disown'; readonly uids: readonly string[] }
  | { readonly type: 'delete'; readonly policy: PropagationPolicy; readonly unblockOwners: boolean };

export interface DecisionInput {
  readonly owners: readonly LookedUpOwner[];
  readonly finalizers: readonly string[];
  readonly hasDependents: boolean;
  /** A dependent waits for its own dependents: a circle, which somebody must break. */
  readonly dependentWaits: boolean;
}

export function decide({ owners, finalizers, hasDependents, dependentWaits }: DecisionInput): Decision {
  if (owners.length === 0) return { type: 'keep' };
  const useless = owners.filter(({ state }) => state !== 'solid').map(({ owner }) => owner.uid);
  if (useless.length < owners.length) return useless.length === 0 ? { type: 'keep' } : { type: 'disown', uids: useless };
  if (owners.some(({ state }) => state === 'waiting') && hasDependents) {
    return { type: 'delete', policy: 'Foreground', unblockOwners: dependentWaits };
  }
  // The policy that was asked for before, if any.
  const policy = finalizers.includes(orphanFinalizer) ? 'Orphan' : finalizers.includes(foregroundFinalizer) ? 'Foreground' : 'Background';
  return { type: 'delete', policy, unblockOwners: false };
}

export function formatDecision(decision: Decision): string {
  if (decision.type === 'keep') return 'keep';
  if (decision.type === 'disown') return `disown ${decision.uids.join(' ')}`;
  return `delete ${decision.policy}${decision.unblockOwners ? ', unblock owners' : ''}`;
}
