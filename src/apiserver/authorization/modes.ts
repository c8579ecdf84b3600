/**
 * From the list of modes to one authorizer. Whoever is in `system:masters` may do everything, whatever the list says.
 * @source pkg/kubeapiserver/authorizer/config.go, reload.go, v1.35
 */
import { assertNever } from '../../base/index.ts';
import { mastersGroup } from '../auth/users.ts';
import type { Authorizer } from './authorizer.ts';
import { alwaysAllow, alwaysDeny, chainOf, privilegedGroups } from './chain.ts';
import { nodeAuthorizer, nodeRuleLister } from './node/node-authorizer.ts';
import type { NodeRelations } from './node/node-relations.ts';
import type { PolicyIndex } from './rbac/policy-index.ts';
import { rbacAuthorizer, rbacRules } from './rbac/rbac-authorizer.ts';
import { cannotListRules, joinedRules, noRules, type RuleLister } from './rules.ts';

/** One authorizer of the chain, as flags or the configuration file name it. */
export type AuthorizerEntry =
  | { readonly type: 'Node' | 'RBAC' | 'AlwaysAllow' | 'AlwaysDeny' }
  | { readonly type: 'Webhook'; readonly authorize: Authorizer };

/** What a cluster has when nothing else is said; upstream's own default, AlwaysAllow, is what every installer changes. */
export const defaultAuthorizers: readonly AuthorizerEntry[] = [{ type: 'Node' }, { type: 'RBAC' }];

export interface AuthorizerMeans {
  readonly policy: PolicyIndex;
  readonly relations: () => NodeRelations;
}

export interface AuthorizerChain {
  readonly authorize: Authorizer;
  readonly listRules: RuleLister;
}

export function authorizerChain(entries: readonly AuthorizerEntry[], means: AuthorizerMeans): AuthorizerChain {
  const parts = entries.map((entry) => partOf(entry, means));
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

function partOf(entry: AuthorizerEntry, { policy, relations }: AuthorizerMeans): AuthorizerChain {
  switch (entry.type) {
    case 'Node':
      return { authorize: nodeAuthorizer(relations()), listRules: nodeRuleLister };
    case 'RBAC':
      return { authorize: rbacAuthorizer(policy), listRules: rbacRules(policy) };
    case 'AlwaysAllow':
      return { authorize: alwaysAllow, listRules: allRules };
    case 'AlwaysDeny':
      return { authorize: alwaysDeny, listRules: () => noRules };
    case 'Webhook':
      return { authorize: entry.authorize, listRules: () => cannotListRules('webhook') };
    default:
      return assertNever(entry);
  }
}
