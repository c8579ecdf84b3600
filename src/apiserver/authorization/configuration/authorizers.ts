/** The authorizers that a server is told to ask, in their order: by the flags of old or by a file. */
import type { FlagValues } from '../../flags/index.ts';
import type { WebhookPolicy } from '../webhook/webhook-authorizer.ts';

/** What a cluster has when nothing else is said; upstream's own default, AlwaysAllow, is what every installer changes. */
const defaultModes: readonly string[] = ['Node', 'RBAC'];

/** @source kubernetes pkg/kubeapiserver/options/authorization.go, v1.35 */
const flagDefaults = { version: 'v1beta1', authorizedMs: 300_000, unauthorizedMs: 30_000, timeoutMs: 30_000 } as const;

export interface ConfiguredWebhook extends WebhookPolicy {
  readonly kubeconfigFile: string;
  /** For one try. */
  readonly timeoutMs: number;
}

export interface ConfiguredAuthorizer {
  /** One of the modes. */
  readonly type: string;
  /** Unlike that of every other. */
  readonly name: string;
  /** Of the type `Webhook`. */
  readonly webhook?: ConfiguredWebhook;
}

/** The name that an authorizer of a mode has, unless it is a webhook. */
export function nameOfMode(mode: string): string {
  return mode.toLowerCase();
}

export function authorizersOfFlags(flags: FlagValues): ConfiguredAuthorizer[] {
  return (flags['authorization-mode'] ?? defaultModes).map((type) => {
    if (type !== 'Webhook') return { type, name: nameOfMode(type) };
    const webhook: ConfiguredWebhook = {
      kubeconfigFile: flags['authorization-webhook-config-file'] ?? '',
      version: flags['authorization-webhook-version'] ?? flagDefaults.version,
      authorizedMs: flags['authorization-webhook-cache-authorized-ttl'] ?? flagDefaults.authorizedMs,
      unauthorizedMs: flags['authorization-webhook-cache-unauthorized-ttl'] ?? flagDefaults.unauthorizedMs,
      timeoutMs: flagDefaults.timeoutMs,
      onFailure: 'no-opinion',
    };
    return { type, name: 'default', webhook };
  });
}
