/**
 * From the list of authorizers to one. Whoever is in `system:masters` may do everything, whatever the list says.
 * @source pkg/kubeapiserver/authorizer/config.go, reload.go, v1.35
 */
import { mastersGroup } from '../auth/users.ts';
import type { ApiServerHost } from '../extension.ts';
import { FlagValueError } from '../../api/flags/index.ts';
import { readWebhookConfig, WebhookClient } from '../outgoing/index.ts';
import type { Authorizer } from './authorizer.ts';
import { alwaysAllow, alwaysDeny, chainOf, privilegedGroups } from './chain.ts';
import type { ConfiguredAuthorizer, ConfiguredWebhook } from './configuration/authorizers.ts';
import { nodeAuthorizer, nodeRuleLister } from './node/node-authorizer.ts';
import type { NodeRelations } from './node/node-relations.ts';
import type { PolicyIndex } from './rbac/policy-index.ts';
import { rbacAuthorizer, rbacRules } from './rbac/rbac-authorizer.ts';
import { cannotListRules, joinedRules, noRules, type RuleLister } from './rules.ts';
import { WebhookAuthorizer } from './webhook/webhook-authorizer.ts';

export interface AuthorizerMeans {
  readonly policy: PolicyIndex;
  /** The same ones each time. */
  readonly relations: () => NodeRelations;
  readonly host: Pick<ApiServerHost, 'clock' | 'random' | 'log' | 'signal'>;
}

interface Part {
  readonly authorize: Authorizer;
  readonly listRules: RuleLister;
  readonly close?: () => void;
}

export interface AuthorizerChain extends Part {
  /** Nobody asks it any more, but for those who wait for its answer. */
  readonly close: () => void;
}

/** @throws FlagValueError for a mode that is unknown or not built; what a webhook's kubeconfig file has wrong */
export function authorizerChain(authorizers: readonly ConfiguredAuthorizer[], means: AuthorizerMeans): AuthorizerChain {
  const parts = authorizers.map((authorizer) => partOf(authorizer, means));
  return {
    authorize: chainOf([privilegedGroups(mastersGroup), ...parts.map(({ authorize }) => authorize)]),
    listRules: joinedRules(parts.map(({ listRules }) => listRules)),
    close: () => {
      for (const part of parts) part.close?.();
    },
  };
}

const allRules: RuleLister = () => ({
  ...noRules,
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
});

function partOf({ type, webhook }: ConfiguredAuthorizer, { policy, relations, host }: AuthorizerMeans): Part {
  switch (type) {
    case 'Node':
      return { authorize: nodeAuthorizer(relations()), listRules: nodeRuleLister };
    case 'RBAC':
      return { authorize: rbacAuthorizer(policy), listRules: rbacRules(policy) };
    case 'AlwaysAllow':
      return { authorize: alwaysAllow, listRules: allRules };
    case 'AlwaysDeny':
      return { authorize: alwaysDeny, listRules: () => noRules };
    case 'Webhook':
      if (webhook) return webhookPart(webhook, host);
      break;
    default:
  }
  throw new FlagValueError(`authorization-mode ${JSON.stringify(type)} is not supported`);
}

function webhookPart(webhook: ConfiguredWebhook, host: AuthorizerMeans['host']): Part {
  const client = new WebhookClient(readWebhookConfig(webhook.kubeconfigFile), host, webhook.timeoutMs);
  const asked = new WebhookAuthorizer(webhook, { client, clock: host.clock, log: host.log, signal: host.signal });
  return { authorize: asked.authorize, listRules: () => cannotListRules('webhook'), close: () => asked.close() };
}
