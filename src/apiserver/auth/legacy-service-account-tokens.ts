/**
 * ServiceAccount tokens of old: without an end, kept in a Secret, and void when the Secret is gone, holds another token or is marked. Each day
 * of use is noted on the Secret, so that unused ones can be told.
 * @source kubernetes pkg/serviceaccount/legacy.go, v1.35
 */
import { type corev1, corev1Resources } from '../../api/index.ts';
import type { ApiServerHost } from '../extension.ts';
import type { Operation } from '../storage.ts';
import type { TokenVerdict } from './token-authenticator.ts';
import { loopbackUser, serviceAccountUser } from './users.ts';

const prefix = 'kubernetes.io/serviceaccount';
const lastUsedLabel = 'kubernetes.io/legacy-token-last-used';
const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since';
const { secrets, serviceaccounts } = corev1Resources;

export function isLegacyIssuer(issuer: string): boolean {
  return issuer === 'kubernetes/serviceaccount';
}

/** @param claims signed by one of our keys */
export function legacyTokenVerdict(
  host: ApiServerHost,
  claims: object,
  about: { readonly token: string; readonly audiences: readonly string[]; readonly lookup: boolean },
): TokenVerdict | Promise<TokenVerdict> {
  const claim = (name: string): string => {
    const value = (claims as Readonly<Record<string, unknown>>)[`${prefix}/${name}`];
    return typeof value === 'string' ? value : '';
  };
  const [namespace, secretName] = [claim('namespace'), claim('secret.name')];
  const [name, uid] = [claim('service-account.name'), claim('service-account.uid')];
  if (namespace === '') return { failure: 'namespace claim is missing' };
  if (secretName === '') return { failure: 'secretName claim is missing' };
  if (name === '') return { failure: 'serviceAccountName claim is missing' };
  if (uid === '') return { failure: 'serviceAccountUID claim is missing' };
  const identity: TokenVerdict = { user: serviceAccountUser({ namespace, name, uid }), audiences: about.audiences };
  const { sub } = claims as { readonly sub?: unknown };
  if (sub !== identity.user.name) return { failure: 'sub claim is invalid' };
  if (!about.lookup) return identity;
  const secret = host.registry.cached(secrets, { namespace, name: secretName });
  if (!secret) return { failure: `Token has been invalidated` };
  if (secret.metadata.deletionTimestamp !== undefined) return { failure: 'Token has been invalidated' };
  if (Buffer.from(secret.data?.['token'] ?? '', 'base64').toString('utf8') !== about.token) {
    return { failure: "Token does not match server's copy" };
  }
  const account = host.registry.cached(serviceaccounts, { namespace, name });
  if (!account) return { failure: `serviceaccounts ${JSON.stringify(name)} not found` };
  if (account.metadata.deletionTimestamp !== undefined) return { failure: `ServiceAccount ${namespace}/${name} has been deleted` };
  if (account.metadata.uid !== uid) return { failure: `ServiceAccount UID (${account.metadata.uid}) does not match claim (${uid})` };
  const since = secret.metadata.labels?.[invalidSinceLabel];
  if (since) return { failure: markedInvalid(secret, name) };
  const today = new Date(host.clock.now()).toISOString().slice(0, 'YYYY-MM-DD'.length);
  if (secret.metadata.labels?.[lastUsedLabel] === today) return identity;
  return noteUse(host, secret, today).then(() => identity);
}

function markedInvalid({ metadata }: corev1.Secret, account: string): string {
  const which = `the token in secret ${metadata.namespace}/${metadata.name} for service account ${metadata.namespace}/${account}`;
  const instead = 'Use tokens from the TokenRequest API or manually created secret-based tokens';
  return `${which} has been marked invalid. ${instead}, or remove the '${invalidSinceLabel}' label from the secret to temporarily allow use of this token`;
}

/** A use that cannot be noted is no reason to refuse the token. */
async function noteUse({ registry, signal, log }: ApiServerHost, { metadata }: corev1.Secret, today: string): Promise<void> {
  const op: Operation = { user: loopbackUser, signal, warn: () => {} };
  const note = (draft: { metadata: { labels?: Record<string, string> } }): void => {
    draft.metadata.labels = { ...draft.metadata.labels, [lastUsedLabel]: today };
  };
  try {
    const key = { namespace: metadata.namespace ?? '', name: metadata.name };
    await registry.storage(secrets).guaranteedUpdate(key, note, {}, op);
  } catch (error) {
    log.warn('the use of a token could not be noted', { err: error, secret: `${metadata.namespace}/${metadata.name}` });
  }
}
