/**
 * Puts authentication together from flags, in upstream's order of token kinds. Files that flags name are read here, at the start.
 * @source kubernetes pkg/kubeapiserver/authenticator/config.go, v1.35
 */
import { readFileSync } from 'node:fs';
import type { ApiServerHost } from '../extension.ts';
import type { FlagValues } from '../flags/index.ts';
import type { AuthenticationOptions } from './authenticator.ts';
import { bootstrapTokens } from './bootstrap-tokens.ts';
import type { FrontProxyOptions } from './front-proxy.ts';
import { serviceAccountTokens } from './service-account-tokens.ts';
import type { TokenAuthenticator } from './token-authenticator.ts';
import { fileTokens, readTokenFile } from './token-file.ts';

/** What a cluster brings along for its ServiceAccounts. */
export interface ServiceAccountTrust {
  /** The first signs; all are believed. */
  readonly issuers: readonly string[];
  readonly audiences: readonly string[];
  /** The claims of a token that one of our keys signed; undefined for any other text. */
  readonly verifySignature: (token: string) => unknown;
}

/** `--service-account-issuer` and `--api-audiences`, which is what tokens are made with and believed by. */
export function serviceAccountTerms(flags: FlagValues, defaultIssuer: string): Pick<ServiceAccountTrust, 'issuers' | 'audiences'> {
  const issuers = flags['service-account-issuer'] ?? [defaultIssuer];
  return { issuers, audiences: flags['api-audiences'] ?? issuers };
}

export function configuredAuthentication(
  flags: FlagValues,
  trust: ServiceAccountTrust,
): (host: ApiServerHost) => Promise<AuthenticationOptions> {
  return async (host) => {
    const frontProxy = frontProxyOptions(flags);
    return {
      audiences: trust.audiences,
      tokens: await tokenAuthenticators(flags, trust, host),
      anonymous: () => flags['anonymous-auth'] ?? true,
      ...(frontProxy && { frontProxy }),
    };
  };
}

function tokenAuthenticators(flags: FlagValues, trust: ServiceAccountTrust, host: ApiServerHost): Promise<readonly TokenAuthenticator[]> {
  const { audiences } = trust;
  const tokenFile = flags['token-auth-file'];
  const lookup = flags['service-account-lookup'];
  const tokens: TokenAuthenticator[] = [];
  if (tokenFile) tokens.push(fileTokens(readTokenFile(readFileSync(tokenFile, 'utf8'), tokenFile), audiences));
  tokens.push(serviceAccountTokens({ ...trust, ...(lookup !== undefined && { lookup }) })(host));
  if (flags['enable-bootstrap-token-auth'] ?? true) tokens.push(bootstrapTokens(host, audiences));
  return Promise.resolve(tokens);
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
