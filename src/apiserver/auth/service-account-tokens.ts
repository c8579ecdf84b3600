/**
 * Who a ServiceAccount token is: its signature is checked by whoever holds the keys, its claims against what exists now, so that a token ends
 * with its account and with the object that it is bound to.
 * @source kubernetes pkg/serviceaccount/claims.go (Validate)
 */
import { corev1Resources, type ResourceRef } from '../../api/index.ts';
import type { ApiServerHost } from '../extension.ts';
import type { StorageKey } from '../storage.ts';
import type { TokenVerifier } from './authenticator.ts';
import { serviceAccountUser } from './users.ts';

export interface ServiceAccountTokenOptions {
  readonly issuer: string;
  /** A token must be for one of these. */
  readonly audiences: readonly string[];
  /** The claims of a token that one of our keys signed; undefined for any other text. */
  readonly verifySignature: (token: string) => unknown;
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
/** A bound object that is being deleted keeps its tokens this long. */
const deletionLeewayMs = 60_000;
/** Two clocks may differ this much. */
const clockSkewMs = 60_000;

export function serviceAccountTokenVerifier(options: ServiceAccountTokenOptions): (host: ApiServerHost) => TokenVerifier {
  return ({ registry, clock }) => {
    /** Whether the very object (same uid) still exists, and is not long on its way out. */
    const exists = (resource: ResourceRef, key: StorageKey, uid: string | undefined): boolean => {
      const object = registry.cached(resource, key);
      if (!object || (uid !== undefined && object.metadata.uid !== uid)) return false;
      const { deletionTimestamp } = object.metadata;
      return deletionTimestamp === undefined || clock.now() < Date.parse(deletionTimestamp) + deletionLeewayMs;
    };
    return (token) => {
      // Signed by us, so the shape is ours; every field is still looked at before it is used.
      const claims = options.verifySignature(token) as Claims | undefined;
      if (!claims || !isInForce(claims, options, clock.now())) return undefined;
      const { namespace, serviceaccount, pod, node, secret } = claims['kubernetes.io'] ?? {};
      if (!namespace || !serviceaccount?.uid) return undefined;
      if (!exists(serviceaccounts, { namespace, name: serviceaccount.name }, serviceaccount.uid)) return undefined;
      if (secret && !exists(secrets, { namespace, name: secret.name }, secret.uid)) return undefined;
      if (pod && !exists(pods, { namespace, name: pod.name }, pod.uid)) return undefined;
      // A node that a pod's token names beside the pod says where it was made; alone it is what the token is bound to.
      if (node && !pod && !exists(nodes, { namespace: '', name: node.name }, node.uid)) return undefined;
      return serviceAccountUser({ namespace, name: serviceaccount.name, uid: serviceaccount.uid, extra: extraOf(claims) });
    };
  };
}

function isInForce({ iss, aud, exp = 0, nbf = 0 }: Claims, { issuer, audiences }: ServiceAccountTokenOptions, nowMs: number): boolean {
  const meant = typeof aud === 'string' ? [aud] : (aud ?? []);
  return (
    iss === issuer && meant.some((audience) => audiences.includes(audience)) && nowMs < exp * 1000 && nowMs >= nbf * 1000 - clockSkewMs
  );
}

/** What reviews and audit show of a token. */
function extraOf(claims: Claims): Record<string, readonly string[]> {
  const { pod, node } = claims['kubernetes.io'] ?? {};
  const prefix = 'authentication.kubernetes.io';
  return {
    ...(claims.jti !== undefined && { [`${prefix}/credential-id`]: [`JTI=${claims.jti}`] }),
    ...(pod && { [`${prefix}/pod-name`]: [pod.name], ...(pod.uid !== undefined && { [`${prefix}/pod-uid`]: [pod.uid] }) }),
    ...(node && { [`${prefix}/node-name`]: [node.name], ...(node.uid !== undefined && { [`${prefix}/node-uid`]: [node.uid] }) }),
  };
}
