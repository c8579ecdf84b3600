/**
 * Who a ServiceAccount token is: its signature is checked by whoever holds the keys, its claims against what exists now, so that a token ends
 * with its account and with the object that it is bound to.
 * @source kubernetes pkg/serviceaccount/jwt.go, claims.go, v1.35
 */
import { corev1Resources, goQuote, type KubeObject, type ResourceRef } from '../../api/index.ts';
import type { ApiServerHost } from '../extension.ts';
import type { Registry, StorageKey } from '../storage.ts';
import { isLegacyIssuer, legacyTokenVerdict } from './legacy-service-account-tokens.ts';
import { intersection, type TokenAuthenticator, type TokenFailure, type TokenVerdict } from './token-authenticator.ts';
import { serviceAccountUser } from './users.ts';

export interface ServiceAccountTokenOptions {
  /** `--service-account-issuer`: all are believed. */
  readonly issuers: readonly string[];
  /** `--api-audiences`: what a token is for that names nobody. */
  readonly audiences: readonly string[];
  /** The claims of a token that one of our keys signed; undefined for any other text. */
  readonly verifySignature: (token: string) => unknown;
  /** `--service-account-lookup`: whether the Secret of a token of old must still hold it. Default true. */
  readonly lookup?: boolean;
}

interface Reference {
  readonly name: string;
  readonly uid?: string;
}

interface Claims {
  readonly iss?: string;
  readonly aud?: string | readonly string[];
  readonly exp?: number;
  readonly nbf?: number;
  readonly iat?: number;
  readonly jti?: string;
  readonly 'kubernetes.io'?: {
    readonly namespace?: string;
    readonly serviceaccount?: Reference;
    readonly pod?: Reference;
    readonly node?: Reference;
    readonly secret?: Reference;
  };
}

const { nodes, pods, secrets, serviceaccounts } = corev1Resources;
/** A bound object that is being deleted keeps its tokens this long. @source go-jose jwt.DefaultLeeway */
const deletionLeewayMs = 60_000;
/** Two clocks may differ this much. */
const clockSkewMs = 60_000;
/** Why a token is refused whose object is gone; it does not say which. */
const invalidated: TokenFailure = { failure: 'service account token has been invalidated' };

export function serviceAccountTokens(options: ServiceAccountTokenOptions): (host: ApiServerHost) => TokenAuthenticator {
  const { issuers, audiences: own, verifySignature } = options;
  return (host) => (token, audiences) => {
    const issuer = claimedIssuer(token);
    if (issuer === undefined || (!issuers.includes(issuer) && !isLegacyIssuer(issuer))) return undefined;
    // Signed by us, so the shape is ours; every field is still looked at before it is used.
    const claims = verifySignature(token) as Claims | undefined;
    if (!claims) return { failure: 'invalid signature, no keys found' };
    if (claims.iss !== issuer) return undefined;
    // A token of old names nobody; it is for the API server only.
    const meant = claims.aud === undefined ? own : typeof claims.aud === 'string' ? [claims.aud] : claims.aud;
    const common = intersection(meant, audiences);
    if (common.length === 0) {
      return { failure: `token audiences ${quoteAll(meant)} is invalid for the target audiences ${quoteAll(audiences)}` };
    }
    if (isLegacyIssuer(issuer)) return legacyTokenVerdict(host, claims, { token, audiences: common, lookup: options.lookup ?? true });
    return boundTokenVerdict(host, claims, common);
  };
}

function boundTokenVerdict({ registry, clock }: ApiServerHost, claims: Claims, audiences: readonly string[]): TokenVerdict {
  const nowMs = clock.now();
  const late = timeFailure(claims, nowMs);
  if (late) return { failure: late };
  const { namespace, serviceaccount, pod, node, secret } = claims['kubernetes.io'] ?? {};
  if (!namespace || !serviceaccount?.name) return { failure: 'service account token claims could not be validated' };
  const { name, uid = '' } = serviceaccount;
  const account = registry.cached(serviceaccounts, { namespace, name });
  if (!account) return { failure: `serviceaccounts ${goQuote(name)} not found` };
  if (isLongDeleted(account, nowMs)) return { failure: `service account ${namespace}/${name} has been deleted` };
  if (account.metadata.uid !== uid) return { failure: `service account UID (${account.metadata.uid}) does not match claim (${uid})` };
  const bound = (resource: ResourceRef, key: StorageKey, reference: Reference | undefined, what: string): TokenFailure | undefined =>
    reference && boundFailure(registry, { resource, key, reference, what, nowMs });
  const failure =
    bound(secrets, { namespace, name: secret?.name ?? '' }, secret, 'secret') ??
    bound(pods, { namespace, name: pod?.name ?? '' }, pod, 'pod') ??
    // A node that a pod's token names beside the pod says where it was made; alone it is what the token is bound to.
    (pod ? undefined : bound(nodes, { namespace: '', name: node?.name ?? '' }, node, 'node'));
  return failure ?? { user: serviceAccountUser({ namespace, name, uid, extra: extraOf(claims) }), audiences };
}

/** Whether the very object (same uid) still exists, and is not long on its way out. */
function boundFailure(
  registry: Registry,
  about: {
    readonly resource: ResourceRef;
    readonly key: StorageKey;
    readonly reference: Reference;
    readonly what: string;
    readonly nowMs: number;
  },
): TokenFailure | undefined {
  const { resource, key, reference, what, nowMs } = about;
  const object = registry.cached(resource, key);
  if (!object || isLongDeleted(object, nowMs)) return invalidated;
  const { uid } = object.metadata;
  if (uid === (reference.uid ?? '')) return undefined;
  return { failure: `${what} UID (${uid}) does not match service account ${what} ref claim (${reference.uid ?? ''})` };
}

function isLongDeleted({ metadata: { deletionTimestamp } }: KubeObject, nowMs: number): boolean {
  return deletionTimestamp !== undefined && Date.parse(deletionTimestamp) < nowMs - deletionLeewayMs;
}

/** Why a token is not in force now; undefined when it is. */
function timeFailure({ exp, nbf = 0, iat = 0 }: Claims, nowMs: number): string | undefined {
  if (nowMs + clockSkewMs < nbf * 1000) return 'service account token is not valid yet';
  // None of ours is without an end.
  if (exp === undefined || nowMs - clockSkewMs > exp * 1000) return 'service account token has expired';
  if (nowMs + clockSkewMs < iat * 1000) return 'service account token is issued in the future';
  return undefined;
}

/** What reviews and audit show of a token. */
function extraOf(claims: Claims): Record<string, readonly string[]> {
  const { pod, node } = claims['kubernetes.io'] ?? {};
  const prefix = 'authentication.kubernetes.io';
  return {
    ...(claims.jti && { [`${prefix}/credential-id`]: [`JTI=${claims.jti}`] }),
    ...(pod && { [`${prefix}/pod-name`]: [pod.name], ...(pod.uid !== undefined && { [`${prefix}/pod-uid`]: [pod.uid] }) }),
    ...(node && { [`${prefix}/node-name`]: [node.name], ...(node.uid !== undefined && { [`${prefix}/node-uid`]: [node.uid] }) }),
  };
}

/** Who a token says made it, before anything of it is believed; undefined when it is no token of this shape. */
export function claimedIssuer(token: string): string | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString('utf8'));
    const { iss } = (claims ?? {}) as { readonly iss?: unknown };
    return typeof iss === 'string' ? iss : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function quoteAll(texts: readonly string[]): string {
  return `[${texts.map(goQuote).join(' ')}]`;
}
