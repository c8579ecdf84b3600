/**
 * From the list of modes to one authorizer. Whoever is in `system:masters` may do everything, whatever the list says.
 * @source pkg/kubeapiserver/authorizer/config.go, reload.go, v1.35
 */
import { mastersGroup } from '../auth/users.ts';
import { FlagValueError } from '../flags/index.ts';
import type { Authorizer } from './authorizer.ts';
import { alwaysAllow, alwaysDeny, chainOf, privilegedGroups } from './chain.ts';
import { nodeAuthorizer, nodeRuleLister } from './node/node-authorizer.ts';
import type { NodeRelations } from './node/node-relations.ts';
import type { PolicyIndex } from './rbac/policy-index.ts';
import { rbacAuthorizer, rbacRules } from './rbac/rbac-authorizer.ts';
import { joinedRules, noRules, type RuleLister } from './rules.ts';

/** What a cluster has when nothing else is said; upstream's own default, AlwaysAllow, is what every installer changes. */
export const defaultModes: readonly string[] = ['Node', 'RBAC'];

export interface AuthorizerMeans {
  readonly policy: PolicyIndex;
  readonly relations: () => NodeRelations;
}

export interface AuthorizerChain {
  readonly authorize: Authorizer;
  readonly listRules: RuleLister;
}

/** @throws FlagValueError for a mode that is unknown or not built */
export function authorizerChain(modes: readonly string[], means: AuthorizerMeans): AuthorizerChain {
  const parts = modes.map((mode) => partOf(mode, means));
  return {
    authorize: chainOf([privilegedGroups(mastersGroup), ...parts.map(({ authorize }) => authorize)]),
    listRules: joinedRules(parts.map(({ listRules }) => listRules)),
  };
}

const allRules: RuleLister = () => ({
  ...noRules,
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
});

function partOf(mode: string, { policy, relations }: AuthorizerMeans): AuthorizerChain {
  switch (mode) {
    case 'Node':
      return { authorize: nodeAuthorizer(relations()), listRules: nodeRuleLister };
    case 'RBAC':
      return { authorize: rbacAuthorizer(policy), listRules: rbacRules(policy) };
    case 'AlwaysAllow':
      return { authorize: alwaysAllow, listRules: allRules };
    case 'AlwaysDeny':
      return { authorize: alwaysDeny, listRules: () => noRules };
    default:
      throw new FlagValueError(`authorization-mode ${JSON.stringify(mode)} is not supported`);
  }
}
