/**
 * Acting as somebody else, for those who may: a user or ServiceAccount, its groups, its uid and extra values. Each piece is asked for on its
 * own, so a role can give leave for one group and no other.
 * @source apiserver endpoints/filters/impersonation.go, v1.35
 */
import { badRequest } from '../../api/index.ts';
import type { UserInfo } from '../request.ts';
import { type Access, type Authorizer, resourceAccess, whenAllowed } from '../authorization/index.ts';
import { type HeaderSource, unescapeExtraKey, valuesOf } from './header-values.ts';
import { anonymousUser, authenticatedGroup, parseServiceAccountUser, serviceAccountUser, unauthenticatedGroup } from './users.ts';

const extraPrefix = 'impersonate-extra-';
const authenticationGroup = 'authentication.k8s.io';

/** Whether a request says anything about acting as somebody else. Runs for every request. */
export function impersonates(request: HeaderSource): boolean {
  return (
    request.header('impersonate-user') !== undefined ||
    request.header('impersonate-group') !== undefined ||
    request.header('impersonate-uid') !== undefined ||
    hasExtra(request.headerLines())
  );
}

function hasExtra(lines: readonly string[]): boolean {
  for (let at = 0; at < lines.length; at += 2) if (isExtra(lines[at]!)) return true;
  return false;
}

function isExtra(name: string): boolean {
  return name.length > extraPrefix.length && (name[0] === 'i' || name[0] === 'I') && name.toLowerCase().startsWith(extraPrefix);
}

interface Wanted {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid: string;
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/**
 * The user that the request acts as; at once, unless a webhook has to be asked.
 * @throws ApiError Forbidden when `user` may not, BadRequest for groups, extra values or a uid without a user
 */
export function impersonated(user: UserInfo, request: HeaderSource, authorize: Authorizer): UserInfo | Promise<UserInfo> {
  const wanted = readWanted(request);
  const isMore = wanted.groups.length > 0 || wanted.uid !== '' || Object.keys(wanted.extra).length > 0;
  if (wanted.name === '') {
    if (!isMore) return user;
    throw badRequest(`requested ${describe(wanted)} without impersonating a user`);
  }
  const asked: Promise<void>[] = [];
  for (const access of accessesFor(wanted)) {
    const allowed = whenAllowed(authorize, user, access, () => {});
    if (!allowed) continue;
    // Seen by whoever awaits all of them, unless one that answered at once refuses before.
    allowed.catch(() => {});
    asked.push(allowed);
  }
  const acting = actingUser(wanted);
  return asked.length > 0 ? Promise.all(asked).then(() => acting) : acting;
}

function readWanted(request: HeaderSource): Wanted {
  return {
    name: valuesOf(request, 'impersonate-user')[0] ?? '',
    groups: valuesOf(request, 'impersonate-group'),
    uid: valuesOf(request, 'impersonate-uid')[0] ?? '',
    extra: readExtra(request.headerLines()),
  };
}

function readExtra(lines: readonly string[]): Record<string, readonly string[]> {
  const extra = new Map<string, string[]>();
  for (let at = 0; at < lines.length; at += 2) {
    if (!isExtra(lines[at]!)) continue;
    const key = unescapeExtraKey(lines[at]!.toLowerCase().slice(extraPrefix.length));
    const values = extra.get(key);
    if (values) values.push(lines[at + 1]!);
    else extra.set(key, [lines[at + 1]!]);
  }
  return Object.fromEntries(extra);
}

/** What has to be allowed, piece by piece. */
function accessesFor({ name, groups, uid, extra }: Wanted): Access[] {
  const account = parseServiceAccountUser(name);
  const access = (resource: string, target: string, more: Partial<Access> = {}): Access =>
    resourceAccess({ verb: 'impersonate', version: 'v1', resource, name: target, ...more });
  return [
    account ? access('serviceaccounts', account.name, { namespace: account.namespace }) : access('users', name),
    ...groups.map((group) => access('groups', group)),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.map((value) => access('userextras', value, { subresource: key, apiGroup: authenticationGroup })),
    ),
    ...(uid === '' ? [] : [access('uids', uid, { apiGroup: authenticationGroup })]),
  ];
}

function actingUser({ name, groups, uid, extra }: Wanted): UserInfo {
  const account = parseServiceAccountUser(name);
  const named = account && groups.length === 0 ? serviceAccountUser({ ...account, uid }).groups : groups;
  return {
    name,
    ...(uid !== '' && { uid }),
    groups: withOwnGroup(name, named),
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}

/** Whoever is impersonated counts as authenticated, or not, unless the groups say which. */
function withOwnGroup(name: string, groups: readonly string[]): readonly string[] {
  const isAnonymous = name === anonymousUser.name;
  const said = isAnonymous ? [unauthenticatedGroup] : [authenticatedGroup, unauthenticatedGroup];
  if (groups.some((group) => said.includes(group))) return groups;
  return [...groups, isAnonymous ? unauthenticatedGroup : authenticatedGroup];
}

/** What was asked for, as upstream prints references to it. */
function describe({ groups, uid, extra }: Wanted): string {
  const reference = (kind: string, name: string, apiVersion = '', fieldPath = ''): string =>
    `{${kind}  ${name}  ${apiVersion}  ${fieldPath}}`;
  const references = [
    ...groups.map((group) => reference('Group', group)),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.map((value) => reference('UserExtra', value, `${authenticationGroup}/v1`, key)),
    ),
    ...(uid === '' ? [] : [reference('UID', uid, `${authenticationGroup}/v1`)]),
  ];
  return `[${references.join(' ')}]`;
}
