/**
 * Tokens with which a new node asks for its first certificate: Secrets of their own type in `kube-system`. A token that does not match, has
 * run out or is not for this is nobody's; it is never told why.
 * @source kubernetes plugin/pkg/auth/authenticator/token/bootstrap; cluster-bootstrap/token, v1.35
 */
import { timingSafeEqual } from 'node:crypto';
import { type corev1, corev1Resources } from '../../api/index.ts';
import type { ApiServerHost } from '../extension.ts';
import type { UserInfo } from '../request.ts';
import { forOwnAudiences, type TokenAuthenticator } from './token-authenticator.ts';

const tokenPattern = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const groupPattern = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;
const secretType = 'bootstrap.kubernetes.io/token';
const defaultGroup = 'system:bootstrappers';

export function bootstrapTokens({ registry, clock }: ApiServerHost, audiences: readonly string[]): TokenAuthenticator {
  return forOwnAudiences(audiences, (token) => {
    const [, id, secret] = tokenPattern.exec(token) ?? [];
    if (id === undefined || secret === undefined) return undefined;
    const found = registry.cached(corev1Resources.secrets, { namespace: 'kube-system', name: `bootstrap-token-${id}` });
    return found && bootstrapUser(found, { id, secret }, clock.now());
  });
}

/** The user of a token; undefined when the Secret does not vouch for it. Pure. */
export function bootstrapUser(
  found: corev1.Secret,
  token: { readonly id: string; readonly secret: string },
  nowMs: number,
): UserInfo | undefined {
  if (found.metadata.deletionTimestamp !== undefined || found.type !== secretType) return undefined;
  const data = (key: string): string => Buffer.from(found.data?.[key] ?? '', 'base64').toString('utf8');
  if (!areEqual(data('token-secret'), token.secret) || data('token-id') !== token.id) return undefined;
  const expiration = data('expiration');
  // A time that cannot be read counts as past.
  if (expiration !== '' && !(nowMs < rfc3339Ms(expiration))) return undefined;
  if (data('usage-bootstrap-authentication') !== 'true') return undefined;
  const extra = data('auth-extra-groups');
  const groups = extra === '' ? [] : extra.split(',');
  if (!groups.every((group) => groupPattern.test(group))) return undefined;
  return { name: `system:bootstrap:${token.id}`, groups: [...new Set([...groups, defaultGroup])].toSorted() };
}

/** In a time that does not tell how much of it was right. */
function areEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function rfc3339Ms(text: string): number {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
}
