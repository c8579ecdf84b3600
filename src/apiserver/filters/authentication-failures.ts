/** Tells the audit log of requests whose credential was refused: they get no further than authentication. */
import type { Auditor } from '../audit/index.ts';
import { isApiError } from '../../api/index.ts';
import type { HttpCall } from '../http/http-call.ts';
import type { Answer } from '../verbs/answer.ts';
import type { Step } from './filter.ts';

/** @param auditor undefined: nobody wants to know */
export function withAuthenticationFailures(auditor: Auditor | undefined, next: Step<HttpCall>): Step<HttpCall> {
  if (!auditor) return next;
  const failed = (call: HttpCall, error: unknown): never => {
    // What failed later, has been audited as the request of a user.
    if (!call.audit && isApiError(error, 'Unauthorized')) auditor.unauthenticated(call, error);
    throw error;
  };
  return (call) => {
    let answer: Answer | Promise<Answer>;
    try {
      answer = next(call);
    } catch (error) {
      return failed(call, error);
    }
    return answer instanceof Promise ? answer.catch((error: unknown) => failed(call, error)) : answer;
  };
}
