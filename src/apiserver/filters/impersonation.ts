/** Whoever may act as somebody else does from here on. */
import { impersonated, impersonates } from '../auth/impersonation.ts';
import type { Authorizer } from '../authorization/index.ts';
import type { HttpCall } from '../http/http-call.ts';
import type { UserInfo } from '../request.ts';
import type { Answer } from '../verbs/answer.ts';
import type { Step } from './filter.ts';

/** @throws ApiError Forbidden, BadRequest */
export function withImpersonation(authorize: Authorizer, next: Step<HttpCall>): Step<HttpCall> {
  const goOnAs = (call: HttpCall, user: UserInfo): Answer | Promise<Answer> => {
    call.user = user;
    call.audit?.impersonating(user);
    return next(call);
  };
  return (call) => {
    if (!impersonates(call.exchange)) return next(call);
    const acting = impersonated(call.user, call.exchange, authorize);
    return acting instanceof Promise ? acting.then((user) => goOnAs(call, user)) : goOnAs(call, acting);
  };
}
