/**
 * Status conditions: reading one by type, and writing one so that its transition time changes only with its status. Any list whose
 * entries have `type` and `status` will do (pods, nodes, deployments, meta/v1 conditions).
 */

export interface ConditionLike {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime?: string;
}

export function getCondition<C extends ConditionLike>(conditions: readonly C[] | undefined, type: string): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function isConditionTrue(conditions: readonly ConditionLike[] | undefined, type: string): boolean {
  return getCondition(conditions, type)?.status === 'True';
}

/**
 * A new list with `condition` in its place (at the end when it is new). The old transition time stays when the status stays.
 * @param condition.lastTransitionTime the time of the write
 */
export function setCondition<C extends ConditionLike>(conditions: readonly C[] | undefined, condition: C): C[] {
  const old = getCondition(conditions, condition.type);
  const written =
    old && old.status === condition.status && old.lastTransitionTime !== undefined
      ? { ...condition, lastTransitionTime: old.lastTransitionTime }
      : condition;
  return old ? conditions!.map((one) => (one === old ? written : one)) : [...(conditions ?? []), written];
}
