/** What somebody may do, listed: for `kubectl auth can-i --list`. Not every authorizer can tell. */
import type { authorizationv1 } from '../../api/index.ts';
import type { UserInfo } from '../request.ts';

export interface ListedRules {
  readonly resourceRules: readonly authorizationv1.ResourceRule[];
  readonly nonResourceRules: readonly authorizationv1.NonResourceRule[];
  /** The user may be allowed more than what is listed. */
  readonly incomplete: boolean;
  readonly errors: readonly string[];
}

export type RuleLister = (user: UserInfo, namespace: string) => ListedRules;

export const noRules: ListedRules = { resourceRules: [], nonResourceRules: [], incomplete: false, errors: [] };

/** For an authorizer that decides one access at a time. */
export function cannotListRules(authorizer: string): ListedRules {
  return { ...noRules, incomplete: true, errors: [`${authorizer} authorizer does not support user rule resolution`] };
}

/** What all of them list. */
export function joinedRules(listers: readonly RuleLister[]): RuleLister {
  return (user, namespace) => {
    const lists = listers.map((list) => list(user, namespace));
    return {
      resourceRules: lists.flatMap(({ resourceRules }) => resourceRules),
      nonResourceRules: lists.flatMap(({ nonResourceRules }) => nonResourceRules),
      incomplete: lists.some(({ incomplete }) => incomplete),
      errors: lists.flatMap(({ errors }) => errors),
    };
  };
}

/** Several messages as upstream joins them: each once, in brackets when there are several. @source apimachinery util/errors Aggregate */
export function joinedErrors(errors: readonly string[]): string {
  const distinct = [...new Set(errors)];
  return distinct.length === 1 ? distinct[0]! : `[${distinct.join(', ')}]`;
}
