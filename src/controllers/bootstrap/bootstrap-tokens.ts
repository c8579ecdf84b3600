/**
 * Bootstrap tokens as they stand in Secrets: which sign the cluster's information, when they end, and the signature itself. Pure.
 * @source cluster-bootstrap token/util, token/jws, pkg/controller/bootstrap/{util,jws}.go, v1.35
 */
import { createHmac } from 'node:crypto';
import type { corev1 } from '../../api/index.ts';

export const bootstrapTokenType = 'bootstrap.kubernetes.io/token';
const namePrefix = 'bootstrap-token-';

export interface SigningToken {
  readonly id: string;
  readonly secret: string;
}

/** The token of a Secret that may sign now; undefined when it may not. */
export function signingToken(object: corev1.Secret, nowMs: number): SigningToken | undefined {
  const { name } = object.metadata;
  const [id, secret] = [textOf(object, 'token-id'), textOf(object, 'token-secret')];
  if (object.type !== bootstrapTokenType || id === '' || secret === '' || name !== `${namePrefix}${id}`) return undefined;
  if (textOf(object, 'usage-bootstrap-signing') !== 'true') return undefined;
  const endMs = expirationMs(object);
  return endMs !== undefined && endMs <= nowMs ? undefined : { id, secret };
}

/** When the token ends; undefined: never. One whose time cannot be read has ended. */
export function expirationMs(object: corev1.Secret): number | undefined {
  const text = textOf(object, 'expiration');
  if (text === '') return undefined;
  const readable = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[-+]\d\d:\d\d)$/.test(text);
  return readable && !Number.isNaN(Date.parse(text)) ? Date.parse(text) : -Infinity;
}

/** A detached JWS by HMAC: header and signature, the content between them left out. */
export function detachedSignature(content: string, { id, secret }: SigningToken): string {
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid: id })).toString('base64url');
  const payload = Buffer.from(content).toString('base64url');
  const signature = createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url');
  return `${header}..${signature}`;
}

function textOf({ data = {} }: corev1.Secret, key: string): string {
  return Buffer.from(data[key] ?? '', 'base64').toString();
}
