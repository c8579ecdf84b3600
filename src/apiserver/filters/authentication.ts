/** Who sends a request. Everything after it knows the user; a credential that is not valid ends the request here. */
import type { Authenticator } from '../auth/authenticator.ts';
import type { HttpCall } from '../http/http-call.ts';
import type { UserInfo } from '../request.ts';
import type { Answer } from '../verbs/answer.ts';
import type { Step } from './filter.ts';

/** @throws ApiError Unauthorized */
export function withAuthentication(authenticator: Authenticator, next: Step<HttpCall>): Step<HttpCall> {
  const goOnAs = async (call: HttpCall, authenticating: Promise<UserInfo>): Promise<Answer> => {
    call.user = await authenticating;
    return next(call);
  };
  return (call) => {
    const authenticating = authenticator.authenticate(call.exchange, call.info.path);
    if (authenticating instanceof Promise) return goOnAs(call, authenticating);
    call.user = authenticating;
    return next(call);
  };
}
