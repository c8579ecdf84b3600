/** Flags that say who a request may come from. @source kubernetes pkg/kubeapiserver/options/authentication.go, v1.35 */
import type { FlagValues } from './flag-table.ts';
import { boolean, durationMs, file, list, text, texts } from './syntax.ts';

export const authenticationFlags = {
  'anonymous-auth': boolean,
  'api-audiences': list,
  'enable-bootstrap-token-auth': boolean,
  'requestheader-allowed-names': list,
  'requestheader-client-ca-file': file,
  'requestheader-extra-headers-prefix': list,
  'requestheader-group-headers': list,
  'requestheader-uid-headers': list,
  'requestheader-username-headers': list,
  'service-account-extend-token-expiration': boolean,
  'service-account-issuer': texts,
  'service-account-jwks-uri': text,
  'service-account-lookup': boolean,
  'service-account-max-token-expiration': durationMs,
  'token-auth-file': file,
} as const;

const hourMs = 3_600_000;
const maxExpirationMs = 2 ** 32 * 1000;

/** Values that do not fit the server or one another. */
export function authenticationFlagFaults(flags: FlagValues): string[] {
  return [...serviceAccountFaults(flags)];
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
