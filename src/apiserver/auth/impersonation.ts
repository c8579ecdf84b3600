/** Acting as somebody else, for those who may. @source apiserver endpoints/filters/impersonation.go */
import { badRequest } from '../../api/index.ts';
import type { RequestInfo, UserInfo } from '../request.ts';
import { emptyQuery } from '../routing/query.ts';
import { type Authorizer, whenAllowed } from '../authorization/index.ts';
import { anonymousUser, authenticated, parseServiceAccountUser, serviceAccountUser } from './users.ts';

interface Headers {
  header(name: string): string | undefined;
  headers(): Readonly<Record<string, string | readonly string[] | undefined>>;
}

const extraPrefix = 'impersonate-extra-';

/** Whether a request says anything about acting as somebody else. */
export function impersonates(request: Headers): boolean {
  return (
    request.header('impersonate-user') !== undefined ||
    request.header('impersonate-group') !== undefined ||
    request.header('impersonate-uid') !== undefined
  );
}

/**
 * The user that the request acts as; at once, unless a webhook has to be asked.
 * @throws ApiError Forbidden when `user` may not, BadRequest for groups or a uid without a user
 */
export function impersonated(user: UserInfo, request: Headers, authorize: Authorizer): UserInfo | Promise<UserInfo> {
  const name = request.header('impersonate-user');
  const groups = listOf(request.header('impersonate-group'));
  const uid = request.header('impersonate-uid');
  if (!name) throw badRequest('requested impersonation of groups, uid or extra values without impersonating a user');
  const asked: Promise<void>[] = [];
  const may = (resource: string, target: string, more: Partial<RequestInfo> = {}): void => {
    const info: RequestInfo = { ...impersonation, resource, name: target, ...more };
    const allowed = whenAllowed(authorize, user, info, () => {});
    if (!allowed) return;
    // Seen by whoever awaits all of them, unless one that answered at once refuses before.
    allowed.catch(() => {});
    asked.push(allowed);
  };
  const account = parseServiceAccountUser(name);
  if (account) may('serviceaccounts', account.name, { namespace: account.namespace });
  else may('users', name);
  for (const group of groups) may('groups', group);
  if (uid) may('uids', uid, { apiGroup: 'authentication.k8s.io' });
  const extra = extraOf(request);
  for (const [key, values] of Object.entries(extra)) {
    for (const value of values) may('userextras', value, { subresource: key, apiGroup: 'authentication.k8s.io' });
  }
  const details = { ...(uid && { uid }), ...(Object.keys(extra).length > 0 && { extra }) };
  const acting = actingUser(name, groups, details);
  return asked.length > 0 ? Promise.all(asked).then(() => acting) : acting;
}

function actingUser(name: string, groups: readonly string[], details: Pick<UserInfo, 'uid' | 'extra'>): UserInfo {
  const account = parseServiceAccountUser(name);
  if (account && groups.length === 0) return { ...serviceAccountUser({ ...account, uid: details.uid ?? '' }), ...details };
  if (name === anonymousUser.name) return { ...anonymousUser, ...details };
  return authenticated({ name, groups, ...details });
}

const impersonation: RequestInfo = {
  isResourceRequest: true,
  verb: 'impersonate',
  path: '',
  apiGroup: '',
  version: 'v1',
  resource: '',
  subresource: '',
  subpath: '',
  namespace: '',
  name: '',
  query: emptyQuery,
};

/** Keys of extra values come percent-encoded, since header names allow little. */
function extraOf(request: Headers): Readonly<Record<string, readonly string[]>> {
  const extra: Record<string, readonly string[]> = {};
  for (const [header, value] of Object.entries(request.headers())) {
    if (!header.startsWith(extraPrefix)) continue;
    const key = header.slice(extraPrefix.length);
    extra[/%[0-9a-f]{2}/i.test(key) ? unescape(key) : key] = typeof value === 'string' ? listOf(value) : (value ?? []);
  }
  return extra;
}

function unescape(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch (error) {
    if (error instanceof URIError) return key;
    throw error;
  }
}

function listOf(header: string | undefined): string[] {
  return (header ?? '')
    .split(',')
    .map((value) => value.trim())
    .filter((value) => value !== '');
}
