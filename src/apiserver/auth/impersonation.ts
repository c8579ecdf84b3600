/** Acting as somebody else, for those who may. @source apiserver endpoints/filters/impersonation.go */
import { badRequest } from '../../api/index.ts';
import type { RequestInfo, UserInfo } from '../request.ts';
import { emptyQuery } from '../routing/query.ts';
import { type Authorizer, forbiddenRequest } from './authorizer.ts';
import { anonymousUser, authenticated, parseServiceAccountUser, serviceAccountUser } from './users.ts';

interface Headers {
  header(name: string): string | undefined;
}

/**
 * The user that the request acts as.
 * @throws ApiError Forbidden when `user` may not, BadRequest for groups without a user
 */
export function impersonated(user: UserInfo, request: Headers, authorize: Authorizer): UserInfo {
  const name = request.header('impersonate-user');
  const groups = (request.header('impersonate-group') ?? '')
    .split(',')
    .map((group) => group.trim())
    .filter((group) => group !== '');
  if (!name) throw badRequest('requested [{Group}] without impersonating a user');
  const account = parseServiceAccountUser(name);
  check(user, account ? 'serviceaccounts' : 'users', account?.name ?? name, account?.namespace ?? '', authorize);
  for (const group of groups) check(user, 'groups', group, '', authorize);
  const uid = request.header('impersonate-uid');
  if (uid) check(user, 'uids', uid, '', authorize, 'authentication.k8s.io');
  if (account && groups.length === 0) return serviceAccountUser({ ...account, uid: uid ?? '' });
  if (name === anonymousUser.name) return anonymousUser;
  return authenticated({ name, groups, ...(uid && { uid }) });
}

function check(user: UserInfo, resource: string, name: string, namespace: string, authorize: Authorizer, apiGroup = ''): void {
  const info: RequestInfo = {
    isResourceRequest: true,
    verb: 'impersonate',
    path: '',
    apiGroup,
    version: 'v1',
    resource,
    subresource: '',
    subpath: '',
    namespace,
    name,
    query: emptyQuery,
  };
  const refusal = authorize(user, info);
  if (refusal !== undefined) throw forbiddenRequest(user, info, refusal);
}
