/** Secrets that hold tokens of ServiceAccounts: whose they are, and what is to stand in them. Pure. @source pkg/serviceaccount/legacy.go, v1.35 */
import type { corev1, JsonObject } from '../../api/index.ts';

export const tokenSecretType = 'kubernetes.io/service-account-token';
const nameAnnotation = 'kubernetes.io/service-account.name';
const uidAnnotation = 'kubernetes.io/service-account.uid';
const claim = 'kubernetes.io/serviceaccount';

export interface TokenOwner {
  readonly namespace: string;
  readonly name: string;
  /** Empty: any account of that name. */
  readonly uid: string;
}

/** The account that a Secret names; undefined when it is of another type or names none. */
export function ownerOf({ type, metadata: { namespace = '', annotations = {} } }: corev1.Secret): TokenOwner | undefined {
  const name = annotations[nameAnnotation] ?? '';
  return type === tokenSecretType && name !== '' ? { namespace, name, uid: annotations[uidAnnotation] ?? '' } : undefined;
}

export function isOf(owner: TokenOwner, { metadata }: corev1.ServiceAccount): boolean {
  return owner.namespace === metadata.namespace && owner.name === metadata.name && (owner.uid === '' || owner.uid === metadata.uid);
}

export interface TokenMaker {
  /** Signs claims. */
  readonly sign: (claims: JsonObject) => string;
  /** PEM; undefined: `ca.crt` is left as it is. */
  readonly rootCa?: string | undefined;
}

/** The Secret with its token, authority and namespace; undefined when nothing is missing. */
export function filled(secret: corev1.Secret, account: corev1.ServiceAccount, { sign, rootCa }: TokenMaker): corev1.Secret | undefined {
  const { namespace = '', name } = secret.metadata;
  const data: Record<string, string> = { ...secret.data };
  const wantedCa = rootCa === undefined ? undefined : base64(rootCa);
  const needsToken = !data['token'];
  if (!needsToken && data['namespace'] && (wantedCa === undefined || data['ca.crt'] === wantedCa)) return undefined;
  if (wantedCa !== undefined) data['ca.crt'] = wantedCa;
  data['namespace'] ||= base64(namespace);
  if (needsToken) data['token'] = base64(sign(claimsOf(account, name)));
  const annotations = { ...secret.metadata.annotations, [nameAnnotation]: account.metadata.name, [uidAnnotation]: account.metadata.uid };
  return { ...secret, data, metadata: { ...secret.metadata, annotations } };
}

function claimsOf({ metadata: { namespace = '', name, uid } }: corev1.ServiceAccount, secret: string): JsonObject {
  return {
    iss: 'kubernetes/serviceaccount',
    [`${claim}/namespace`]: namespace,
    [`${claim}/secret.name`]: secret,
    [`${claim}/service-account.name`]: name,
    [`${claim}/service-account.uid`]: uid,
    sub: `system:serviceaccount:${namespace}:${name}`,
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
