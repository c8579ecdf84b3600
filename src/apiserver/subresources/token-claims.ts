/**
 * What a ServiceAccount token says. Pure.
 * @source kubernetes pkg/serviceaccount/claims.go; KEP-1205 (bound tokens), KEP-4193 (node and jti)
 */
import type { JsonObject } from '../../api/index.ts';

/** An object that a token lives and dies with. */
export interface BoundObject {
  readonly name: string;
  /** Undefined for a node that is named and not there. */
  readonly uid: string | undefined;
}

export interface TokenSubject {
  readonly namespace: string;
  readonly serviceAccount: BoundObject;
  readonly pod?: BoundObject;
  readonly node?: BoundObject;
  readonly secret?: BoundObject;
}

export interface TokenTerms {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly nowMs: number;
  readonly lifetimeSeconds: number;
  /** After this the token is accepted still and its use is noted; undefined: no such time. */
  readonly warnAfterSeconds?: number;
  readonly id: string;
}

export function tokenClaims(subject: TokenSubject, terms: TokenTerms): JsonObject {
  const issuedAt = Math.floor(terms.nowMs / 1000);
  return {
    aud: terms.audiences,
    exp: issuedAt + terms.lifetimeSeconds,
    iat: issuedAt,
    iss: terms.issuer,
    jti: terms.id,
    'kubernetes.io': {
      namespace: subject.namespace,
      ...(subject.node && { node: reference(subject.node) }),
      ...(subject.pod && { pod: reference(subject.pod) }),
      ...(subject.secret && { secret: reference(subject.secret) }),
      serviceaccount: reference(subject.serviceAccount),
      ...(terms.warnAfterSeconds !== undefined && { warnafter: issuedAt + terms.warnAfterSeconds }),
    },
    nbf: issuedAt,
    sub: `system:serviceaccount:${subject.namespace}:${subject.serviceAccount.name}`,
  };
}

function reference({ name, uid }: BoundObject): JsonObject {
  return { name, ...(uid !== undefined && { uid }) };
}
