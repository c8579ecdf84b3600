/** The status that a quota should have, from what is there. Pure. @source apiserver pkg/quota/v1/resources.go CalculateUsage, v1.35 */
import { type corev1, type KubeObject, type ResourceAmounts, zeroQuantity } from '../../api/index.ts';
import { addAmounts, isInScopes, pickAmounts, type QuotaEvaluator, readAmounts, scopesOf } from '../../api/quota/index.ts';

/** Everything of one resource in the quota's namespace. */
export interface Counted {
  readonly evaluator: QuotaEvaluator;
  readonly objects: readonly KubeObject[];
}

/**
 * Names that nothing here can count keep what was counted for them before.
 * @returns amounts of the names in `spec.hard`
 */
export function countUsage({ spec, status }: corev1.ResourceQuota, counted: readonly Counted[], nowMs: number): ResourceAmounts {
  const hard = readAmounts(spec.hard);
  const scopes = scopesOf(spec);
  let used = pickAmounts(readAmounts(status.used), hard);
  for (const { evaluator, objects } of counted) {
    const names = new Set([...hard.keys()].filter((name) => evaluator.matchesResource(name)));
    let usage: ResourceAmounts = new Map([...names].map((name) => [name, zeroQuantity]));
    for (const object of objects) {
      if (isInScopes(evaluator, scopes, object)) usage = addAmounts(usage, pickAmounts(evaluator.usage(object, nowMs), names));
    }
    used = new Map([...used, ...usage]);
  }
  return used;
}

/** Whether something is less in `now` than it was. */
export function isLower(now: ResourceAmounts, before: ResourceAmounts): boolean {
  return [...now].some(([name, amount]) => amount.compare(before.get(name) ?? zeroQuantity) < 0);
}
