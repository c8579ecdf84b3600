/** Role-based access control as an authorizer: allows what a rule allows and has no opinion on the rest. */
import type { Authorizer } from '../authorizer.ts';
import { noOpinion } from '../authorizer.ts';
import { joinedErrors, type RuleLister } from '../rules.ts';
import type { PolicyIndex } from './policy-index.ts';

export function rbacAuthorizer(index: PolicyIndex): Authorizer {
  return (user, access) => {
    const found = index.find(user, access);
    if (found) return found;
    const errors = index.errorsFor(user, access.namespace);
    return errors.length === 0 ? noOpinion : { decision: 'no-opinion', reason: `RBAC: ${joinedErrors(errors)}` };
  };
}

export function rbacRules(index: PolicyIndex): RuleLister {
  return (user, namespace) => {
    const { rules, errors } = index.rulesFor(user, namespace);
    return {
      resourceRules: rules
        .filter(({ resources = [] }) => resources.length > 0)
        .map(({ verbs, apiGroups, resources, resourceNames }) => ({
          verbs,
          ...(apiGroups && { apiGroups }),
          ...(resources && { resources }),
          ...(resourceNames && { resourceNames }),
        })),
      nonResourceRules: rules
        .filter(({ nonResourceURLs = [] }) => nonResourceURLs.length > 0)
        .map(({ verbs, nonResourceURLs }) => ({ verbs, ...(nonResourceURLs && { nonResourceURLs }) })),
      incomplete: false,
      errors,
    };
  };
}
