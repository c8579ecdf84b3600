/** One issuer by flags: what `--oidc-*` say, in the form of the configuration file. @source kubernetes pkg/kubeapiserver/options/authentication.go */
import { readFileSync } from 'node:fs';
import type { FlagValues } from '../../flags/index.ts';
import type { JwtAuthenticator } from './jwt-authenticator.ts';

/** Undefined: the flags name no issuer. */
export function jwtAuthenticatorOfFlags(flags: FlagValues): JwtAuthenticator | undefined {
  const issuerUrl = flags['oidc-issuer-url'];
  const clientId = flags['oidc-client-id'];
  if (!issuerUrl || !clientId) return undefined;
  const claim = flags['oidc-username-claim'] ?? 'sub';
  const groupsClaim = flags['oidc-groups-claim'];
  const caFile = flags['oidc-ca-file'];
  return {
    issuerUrl,
    audiences: [clientId],
    ...(caFile && { certificateAuthority: readFileSync(caFile, 'utf8') }),
    username: { claim, prefix: usernamePrefix(flags['oidc-username-prefix'] ?? '', claim, issuerUrl) },
    ...(groupsClaim && { groups: { claim: groupsClaim, prefix: flags['oidc-groups-prefix'] ?? '' } }),
    requiredClaims: flags['oidc-required-claim'] ?? new Map(),
    signingAlgorithms: flags['oidc-signing-algs'] ?? ['RS256'],
  };
}

/** Names of several issuers must not meet, so they begin with the issuer unless told otherwise; `-` is nothing. */
function usernamePrefix(given: string, claim: string, issuerUrl: string): string {
  if (given === '-') return '';
  return given === '' && claim !== 'email' ? `${issuerUrl}#` : given;
}
