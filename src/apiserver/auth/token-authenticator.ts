/**
 * The seam of bearer tokens: what every kind of token (static, ServiceAccount, bootstrap, OIDC, webhook) is asked and answers, and how they
 * stand in a row. An answer comes at once where nothing has to be asked over the network.
 * @source apiserver pkg/authentication/authenticator, token/union, v1.35
 */
import type { UserInfo } from '../request.ts';

/** Whose token it is. */
export interface TokenIdentity {
  readonly user: UserInfo;
  /** Those of the audiences that were asked for which the token is good. */
  readonly audiences: readonly string[];
}

/** A token of this kind that is not valid; the reason is for reviews, not for who sent it. */
export interface TokenFailure {
  readonly failure: string;
}

/** Undefined: no token of this kind, somebody else may know it. */
export type TokenVerdict = TokenIdentity | TokenFailure | undefined;

/** @param audiences never empty: who the token must be meant for, one of them. Must not throw; a promise must not reject. */
export type TokenAuthenticator = (token: string, audiences: readonly string[]) => TokenVerdict | Promise<TokenVerdict>;

/** The first that knows the token decides; when none does, the failures of all are told. */
export function tokenUnion(authenticators: readonly TokenAuthenticator[]): TokenAuthenticator {
  return (token, audiences) => ask(authenticators, 0, [], { token, audiences });
}

function ask(
  authenticators: readonly TokenAuthenticator[],
  from: number,
  failures: readonly string[],
  about: { readonly token: string; readonly audiences: readonly string[] },
): TokenVerdict | Promise<TokenVerdict> {
  const failed = [...failures];
  for (let at = from; at < authenticators.length; at++) {
    const verdict = authenticators[at]!(about.token, about.audiences);
    if (verdict instanceof Promise) {
      return verdict.then((settled) => {
        if (settled && 'user' in settled) return settled;
        return ask(authenticators, at + 1, settled ? [...failed, settled.failure] : failed, about);
      });
    }
    if (verdict && 'user' in verdict) return verdict;
    if (verdict) failed.push(verdict.failure);
  }
  return failed.length > 0 ? { failure: joinFailures(failed) } : undefined;
}

/** As Go's aggregate of errors reads. */
function joinFailures(failures: readonly string[]): string {
  const distinct = [...new Set(failures)];
  return distinct.length === 1 ? distinct[0]! : `[${distinct.join(', ')}]`;
}

/** For tokens that say nothing of audiences: they are good for the API server's own. */
export function forOwnAudiences(
  own: readonly string[],
  userOf: (token: string) => UserInfo | TokenFailure | undefined,
): TokenAuthenticator {
  return (token, audiences) => {
    const meant = intersection(own, audiences);
    if (meant.length === 0) return undefined;
    const found = userOf(token);
    return found && 'name' in found ? { user: found, audiences: meant } : found;
  };
}

export function intersection(a: readonly string[], b: readonly string[]): string[] {
  return a.filter((each) => b.includes(each));
}
