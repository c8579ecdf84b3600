/** Whether the user may do what is asked. What follows relies on it. */
import { type Authorizer, refusalOf, type Verdict } from '../authorization/index.ts';
import type { Answer } from '../verbs/answer.ts';
import type { FilteredCall, Step } from './filter.ts';

/** @throws ApiError Forbidden, or InternalError when no authorizer could find out */
export function withAuthorization(authorize: Authorizer, next: Step): Step {
  const decided = (call: FilteredCall, verdict: Verdict): Answer | Promise<Answer> => {
    const isAllowed = verdict.decision === 'allow';
    // Nobody decided when nobody could find out.
    if (!isAllowed && verdict.error !== undefined) call.audit?.annotate('authorization.k8s.io/reason', 'internal error');
    else call.audit?.authorized(isAllowed ? 'allow' : 'forbid', verdict.reason);
    if (!isAllowed) throw refusalOf(call.user, call.info, verdict);
    return next(call);
  };
  return (call) => {
    const verdict = authorize(call.user, call.info);
    return verdict instanceof Promise ? verdict.then((settled) => decided(call, settled)) : decided(call, verdict);
  };
}
