/**
 * The user that claims name, after the token was found good. Pure.
 * @source apiserver plugin/pkg/authenticator/token/oidc, v1.35
 */
import { goQuote } from '../../../api/index.ts';
import type { UserInfo } from '../../request.ts';
import type { TokenFailure } from '../token-authenticator.ts';
import type { JwtAuthenticator } from './jwt-authenticator.ts';

export type Claims = Readonly<Record<string, unknown>>;

export function userOfClaims(claims: Claims, config: JwtAuthenticator): UserInfo | TokenFailure {
  const { username, groups, uidClaim, requiredClaims } = config;
  const name = claimOf(claims, username.claim);
  if (typeof name !== 'string') return { failure: `oidc: parse username claims ${goQuote(username.claim)}: ${faultOf(name, 'string')}` };
  const unverified = username.claim === 'email' ? emailFailure(claimOf(claims, 'email_verified')) : undefined;
  if (unverified) return unverified;
  const inGroups = groups ? groupsOf(claimOf(claims, groups.claim)) : [];
  if (!inGroups) return { failure: `oidc: parse groups claim ${goQuote(groups!.claim)}: ${faultOf({}, 'string')}` };
  const uid = uidClaim === undefined ? '' : claimOf(claims, uidClaim);
  if (typeof uid !== 'string') return { failure: `oidc: parse uid claim ${goQuote(uidClaim!)}: ${faultOf(uid, 'string')}` };
  const missing = requiredFailure(claims, requiredClaims);
  if (missing) return missing;
  const id = claimOf(claims, 'jti');
  return {
    name: `${username.prefix}${name}`,
    ...(uid !== '' && { uid }),
    groups: inGroups.map((group) => `${groups!.prefix}${group}`),
    ...(typeof id === 'string' && id !== '' && { extra: { 'authentication.kubernetes.io/credential-id': [`JTI=${id}`] } }),
  };
}

function emailFailure(verified: unknown): TokenFailure | undefined {
  if (verified === undefined || verified === true) return undefined;
  if (verified === false) return { failure: 'oidc: email not verified' };
  return { failure: `oidc: parse 'email_verified' claim: ${faultOf(verified, 'bool')}` };
}

/** One text or a list of them; undefined when it is neither. */
function groupsOf(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return [];
  if (typeof value === 'string') return [value];
  return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : undefined;
}

function requiredFailure(claims: Claims, required: ReadonlyMap<string, string>): TokenFailure | undefined {
  for (const [claim, wanted] of required) {
    const value = claimOf(claims, claim);
    if (value === undefined) return { failure: `oidc: required claim ${claim} not present in ID token` };
    if (typeof value !== 'string') return { failure: `oidc: parse claim ${claim}: ${faultOf(value, 'string')}` };
    if (value !== wanted) return { failure: `oidc: required claim ${claim} value does not match. Got = ${value}, want = ${wanted}` };
  }
  return undefined;
}

function claimOf(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

/** Why a claim is not of the type it should be, as Go's JSON library says it. */
function faultOf(value: unknown, type: string): string {
  if (value === undefined) return 'claim not present';
  const found = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value === 'boolean' ? 'bool' : typeof value;
  return `json: cannot unmarshal ${found} into Go value of type ${type}`;
}
