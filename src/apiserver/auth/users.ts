/** Names of users and groups that the API server itself knows. @source apiserver pkg/authentication/user */
import type { UserInfo } from '../request.ts';

export const authenticatedGroup = 'system:authenticated';
export const unauthenticatedGroup = 'system:unauthenticated';
export const mastersGroup = 'system:masters';
export const serviceAccountsGroup = 'system:serviceaccounts';

export const anonymousUser: UserInfo = { name: 'system:anonymous', groups: [unauthenticatedGroup] };

/** The API server as a client of itself. */
export const loopbackUser: UserInfo = { name: 'system:apiserver', groups: [mastersGroup, authenticatedGroup] };

/** Everyone who proved who they are is in one more group. */
export function authenticated(user: UserInfo): UserInfo {
  return user.groups.includes(authenticatedGroup) ? user : { ...user, groups: [...user.groups, authenticatedGroup] };
}

const serviceAccountPrefix = 'system:serviceaccount:';

/** The user that a ServiceAccount is. */
export function serviceAccountUser(account: {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}): UserInfo {
  return {
    name: `${serviceAccountPrefix}${account.namespace}:${account.name}`,
    uid: account.uid,
    groups: [serviceAccountsGroup, `${serviceAccountsGroup}:${account.namespace}`, authenticatedGroup],
    ...(account.extra && { extra: account.extra }),
  };
}

/** Namespace and name of a ServiceAccount user, undefined for anyone else. */
export function parseServiceAccountUser(userName: string): { readonly namespace: string; readonly name: string } | undefined {
  if (!userName.startsWith(serviceAccountPrefix)) return undefined;
  const [namespace, name, ...more] = userName.slice(serviceAccountPrefix.length).split(':');
  return namespace && name && more.length === 0 ? { namespace, name } : undefined;
}
