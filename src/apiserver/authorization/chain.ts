/**
 * Several authorizers as one: the first that allows or denies decides; when none has an opinion it is refused, with what each had
 * to say. Goes on at once from one to the next; only behind a webhook does anybody wait.
 * @source apiserver pkg/authorization/union/union.go, authorizerfactory/builtin.go, v1.35
 */
import type { UserInfo } from '../request.ts';
import { type Access, allowed, type Authorizer, noOpinion, type Verdict } from './authorizer.ts';
import { joinedErrors } from './rules.ts';

export function chainOf(authorizers: readonly Authorizer[]): Authorizer {
  return (user, access) => decide(authorizers, 0, user, access, undefined);
}

/** What those said who had no opinion. */
interface Said {
  readonly reasons: string[];
  readonly errors: string[];
}

function decide(
  authorizers: readonly Authorizer[],
  from: number,
  user: UserInfo,
  access: Access,
  before: Said | undefined,
): Verdict | Promise<Verdict> {
  let said = before;
  for (let i = from; i < authorizers.length; i++) {
    const verdict = authorizers[i]!(user, access);
    if (verdict instanceof Promise) {
      return verdict.then((settled) => {
        if (settled.decision !== 'no-opinion') return settled;
        return decide(authorizers, i + 1, user, access, alsoSaid(said, settled));
      });
    }
    if (verdict.decision !== 'no-opinion') return verdict;
    said = alsoSaid(said, verdict);
  }
  if (!said) return noOpinion;
  const { reasons, errors } = said;
  return { decision: 'no-opinion', reason: reasons.join('\n'), ...(errors.length > 0 && { error: joinedErrors(errors) }) };
}

function alsoSaid(said: Said | undefined, { reason, error }: Verdict): Said | undefined {
  if (reason === '' && error === undefined) return said;
  const all = said ?? { reasons: [], errors: [] };
  return {
    reasons: reason === '' ? all.reasons : [...all.reasons, reason],
    errors: error === undefined ? all.errors : [...all.errors, error],
  };
}

/** Whoever is in one of the groups may do everything. */
export function privilegedGroups(...groups: readonly string[]): Authorizer {
  return (user) => (groups.some((group) => user.groups.includes(group)) ? allowed : noOpinion);
}

const everythingForbidden: Verdict = { decision: 'no-opinion', reason: 'Everything is forbidden.' };

export const alwaysAllow: Authorizer = () => allowed;
export const alwaysDeny: Authorizer = () => everythingForbidden;
