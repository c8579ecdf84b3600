/**
 * Puts authentication together from flags, in upstream's order of token kinds. Files that flags name are read here, at the start; the one
 * with issuers of tokens also later, when it changes.
 * @source kubernetes pkg/kubeapiserver/authenticator/config.go, v1.35
 */
import { readFileSync } from 'node:fs';
import type { ApiServerHost } from '../extension.ts';
import { FlagValueError } from '../../api/flags/index.ts';
import type { FlagValues } from '../flags/index.ts';
import { readWebhookConfig, WebhookClient } from '../outgoing/index.ts';
import type { AnonymousRule, AuthenticationOptions } from './authenticator.ts';
import { bootstrapTokens } from './bootstrap-tokens.ts';
import { followFile } from '../configuration/index.ts';
import type { FrontProxyOptions } from './front-proxy.ts';
import { type AuthenticationConfig, AuthenticationConfigError, readAuthenticationConfig } from './oidc/authentication-config.ts';
import { Issuers } from './oidc/issuers.ts';
import { jwtAuthenticatorOfFlags } from './oidc/oidc-flags.ts';
import { serviceAccountTokens } from './service-account-tokens.ts';
import type { TokenAuthenticator } from './token-authenticator.ts';
import { fileTokens, readTokenFile } from './token-file.ts';
import { webhookTokens } from './webhook-tokens.ts';

/** What a cluster brings along for its ServiceAccounts. */
export interface ServiceAccountTrust {
  /** The first signs; all are believed. */
  readonly issuers: readonly string[];
  readonly audiences: readonly string[];
  /** The claims of a token that one of our keys signed; undefined for any other text. */
  readonly verifySignature: (token: string) => unknown;
}

/** `--authentication-token-webhook-cache-ttl` */
const defaultWebhookCacheMs = 120_000;

/** The function throws what a file that a flag names has wrong. */
export function configuredAuthentication(flags: FlagValues, trust: ServiceAccountTrust): (host: ApiServerHost) => AuthenticationOptions {
  return (host) => {
    const config = readConfig(flags, trust);
    const frontProxy = frontProxyOptions(flags);
    return {
      audiences: trust.audiences,
      tokens: tokenAuthenticators(flags, { trust, host, config }),
      anonymous: anonymousRule(flags, config),
      ...(frontProxy && { frontProxy }),
    };
  };
}

function readConfig(flags: FlagValues, trust: ServiceAccountTrust): AuthenticationConfig | undefined {
  const path = flags['authentication-config'];
  if (!path) return undefined;
  const config = readAuthenticationConfig(readFileSync(path, 'utf8'), trust.issuers);
  if (config.anonymous && flags['anonymous-auth'] !== undefined) {
    throw new FlagValueError('--anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file');
  }
  return config;
}

function anonymousRule(flags: FlagValues, config: AuthenticationConfig | undefined): AnonymousRule {
  const enabled = config?.anonymous?.enabled ?? flags['anonymous-auth'] ?? true;
  const paths = new Set(config?.anonymous?.paths);
  return paths.size > 0 ? (path) => enabled && paths.has(path) : () => enabled;
}

interface Around {
  readonly trust: ServiceAccountTrust;
  readonly host: ApiServerHost;
  readonly config: AuthenticationConfig | undefined;
}

/** In the order in which they are asked: those that need nobody first. */
function tokenAuthenticators(flags: FlagValues, { trust, host, config }: Around): TokenAuthenticator[] {
  const { audiences } = trust;
  const tokenFile = flags['token-auth-file'];
  const lookup = flags['service-account-lookup'];
  const issuers = configuredIssuers(flags, { trust, host, config });
  const webhookFile = flags['authentication-token-webhook-config-file'];
  return [
    ...(tokenFile ? [fileTokens(readTokenFile(readFileSync(tokenFile, 'utf8'), tokenFile), audiences)] : []),
    serviceAccountTokens({ ...trust, ...(lookup !== undefined && { lookup }) })(host),
    ...((flags['enable-bootstrap-token-auth'] ?? true) ? [bootstrapTokens(host, audiences)] : []),
    ...(issuers ? [issuers.authenticate] : []),
    ...(webhookFile ? [configuredWebhook(webhookFile, flags, { host, audiences })] : []),
  ];
}

/** Undefined when no flag speaks of issuers. */
function configuredIssuers(flags: FlagValues, { trust, host, config }: Around): Issuers | undefined {
  const byFlags = jwtAuthenticatorOfFlags(flags);
  const path = flags['authentication-config'];
  if (!byFlags && !config) return undefined;
  const { clock, log, signal } = host;
  const issuers = new Issuers({ clock, log, signal, audiences: trust.audiences });
  issuers.replace(config?.jwt ?? [byFlags!]);
  if (path) {
    followFile(path, { clock, signal }, (text) => {
      try {
        issuers.replace(readAuthenticationConfig(text, trust.issuers).jwt);
        log.info('reloaded authentication config', { path });
      } catch (error) {
        if (!(error instanceof AuthenticationConfigError)) throw error;
        // What was good before is better than nothing.
        log.error('failed to validate authentication config', { err: error, path });
      }
    });
  }
  return issuers;
}

function configuredWebhook(
  path: string,
  flags: FlagValues,
  { host, audiences }: { readonly host: ApiServerHost; readonly audiences: readonly string[] },
): TokenAuthenticator {
  const client = new WebhookClient(readWebhookConfig(path), host);
  host.signal.addEventListener('abort', () => client.close(), { once: true });
  return webhookTokens(host, {
    client,
    audiences,
    version: flags['authentication-token-webhook-version'] ?? 'v1beta1',
    cacheMs: flags['authentication-token-webhook-cache-ttl'] ?? defaultWebhookCacheMs,
  });
}

/** PEM of the authorities of front proxies; undefined when there are none. */
export function frontProxyAuthorities(flags: FlagValues): string | undefined {
  const path = flags['requestheader-client-ca-file'];
  return path ? readFileSync(path, 'utf8') : undefined;
}

function frontProxyOptions(flags: FlagValues): FrontProxyOptions | undefined {
  if (!flags['requestheader-client-ca-file']) return undefined;
  const lower = (names: readonly string[]): string[] => names.map((name) => name.toLowerCase());
  return {
    allowedNames: flags['requestheader-allowed-names'] ?? [],
    usernameHeaders: lower(flags['requestheader-username-headers'] ?? ['x-remote-user']),
    uidHeaders: lower(flags['requestheader-uid-headers'] ?? ['x-remote-uid']),
    groupHeaders: lower(flags['requestheader-group-headers'] ?? ['x-remote-group']),
    extraPrefixes: lower(flags['requestheader-extra-headers-prefix'] ?? ['x-remote-extra-']),
  };
}
