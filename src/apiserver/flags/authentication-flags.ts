/** Flags that say who a request may come from. @source kubernetes pkg/kubeapiserver/options/authentication.go, v1.35 */
import type { FlagValues } from './flag-table.ts';
import { boolean, choice, durationMs, file, files, list, singlePairs, text, texts } from '../../api/flags/index.ts';

export const authenticationFlags = {
  'anonymous-auth': boolean,
  'api-audiences': list,
  'authentication-config': file,
  'authentication-token-webhook-cache-ttl': durationMs,
  'authentication-token-webhook-config-file': file,
  'authentication-token-webhook-version': choice('v1', 'v1beta1'),
  'enable-bootstrap-token-auth': boolean,
  'oidc-ca-file': file,
  'oidc-client-id': text,
  'oidc-groups-claim': text,
  'oidc-groups-prefix': text,
  'oidc-issuer-url': text,
  'oidc-required-claim': singlePairs,
  'oidc-signing-algs': list,
  'oidc-username-claim': text,
  'oidc-username-prefix': text,
  'requestheader-allowed-names': list,
  'requestheader-client-ca-file': file,
  'requestheader-extra-headers-prefix': list,
  'requestheader-group-headers': list,
  'requestheader-uid-headers': list,
  'requestheader-username-headers': list,
  'service-account-extend-token-expiration': boolean,
  'service-account-issuer': texts,
  'service-account-jwks-uri': text,
  'service-account-key-file': files,
  'service-account-lookup': boolean,
  'service-account-max-token-expiration': durationMs,
  'service-account-signing-key-file': file,
  'token-auth-file': file,
} as const;

const hourMs = 3_600_000;
const maxExpirationMs = 2 ** 32 * 1000;

/** Values that do not fit the server or one another. */
export function authenticationFlagFaults(flags: FlagValues): string[] {
  return [...serviceAccountFaults(flags), ...oidcFaults(flags)];
}

function serviceAccountFaults(flags: FlagValues): string[] {
  const faults: string[] = [];
  const seen = new Set<string>();
  for (const issuer of flags['service-account-issuer'] ?? []) {
    if (seen.has(issuer)) faults.push(`service-account-issuer ${JSON.stringify(issuer)} is already specified`);
    seen.add(issuer);
    if (issuer === '') faults.push('service-account-issuer should not be an empty string');
    if (issuer.includes(':') && !URL.canParse(issuer)) faults.push("service-account-issuer contained a ':' but was not a valid URL");
  }
  const jwks = flags['service-account-jwks-uri'];
  if (jwks !== undefined && !URL.canParse(jwks)) faults.push(`service-account-jwks-uri must be a valid URL: ${jwks}`);
  else if (jwks !== undefined && !jwks.startsWith('https:')) {
    faults.push(`service-account-jwks-uri requires https scheme, parsed as: ${jwks}`);
  }
  const longestMs = flags['service-account-max-token-expiration'];
  if (longestMs !== undefined && (longestMs < hourMs || longestMs > maxExpirationMs)) {
    faults.push('the service-account-max-token-expiration must be between 1 hour and 2^32 seconds');
  }
  return faults;
}

/** @source apiserver plugin/pkg/authenticator/token/oidc (allowedSigningAlgs) */
const signingAlgorithms = ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'];

function oidcFaults(flags: FlagValues): string[] {
  const issuer = flags['oidc-issuer-url'];
  const given = Object.keys(flags).some((name) => name.startsWith('oidc-'));
  if (!given) return [];
  if (flags['authentication-config']) return ['authentication-config file and oidc-* flags are mutually exclusive'];
  if (!issuer || !flags['oidc-client-id']) {
    return ['oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set'];
  }
  const unknown = (flags['oidc-signing-algs'] ?? []).filter((name) => !signingAlgorithms.includes(name));
  return [
    ...(URL.parse(issuer)?.protocol === 'https:' ? [] : [`oidc-issuer-url ${JSON.stringify(issuer)}: URL scheme must be https`]),
    ...unknown.map((name) => `oidc: unsupported signing alg: ${JSON.stringify(name)}`),
  ];
}
