/**
 * Whether an Indexed Job's `successPolicy` is met by the indexes that succeeded. Pure.
 * @source pkg/controller/job/success_policy.go, v1.35
 */
import type { batchv1 } from '../../api/index.ts';
import { Indexes } from './indexes.ts';

/** The message of the condition, naming the first rule that is met; undefined when none is. */
export function matchSuccessPolicy(
  policy: batchv1.SuccessPolicy | undefined,
  succeeded: { readonly indexes: Indexes; readonly completions: number },
): string | undefined {
  if (!policy || succeeded.indexes.total === 0) return undefined;
  const met = policy.rules.findIndex((rule) => isMet(rule, succeeded));
  return met < 0 ? undefined : `Matched rules at index ${met}`;
}

function isMet(
  { succeededIndexes, succeededCount }: batchv1.SuccessPolicyRule,
  { indexes, completions }: { readonly indexes: Indexes; readonly completions: number },
): boolean {
  if (succeededIndexes === undefined) return succeededCount !== undefined && indexes.total >= succeededCount;
  const required = Indexes.parse(succeededIndexes, completions);
  if (required.total === 0) return false;
  const count = required.overlap(indexes);
  return count === required.total || (succeededCount !== undefined && count >= succeededCount);
}
