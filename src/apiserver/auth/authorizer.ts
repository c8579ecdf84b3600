/**
 * Who may do what, until roles are enforced: administrators and the cluster's own components may do everything; everyone who is
 * authenticated may read discovery; everyone may read health and version. Nobody else may do anything.
 * @source upstream's default roles system:discovery, system:public-info-viewer
 */
import { ApiError } from '../../api/index.ts';
import type { RequestInfo, UserInfo } from '../request.ts';
import { authenticatedGroup, mastersGroup, serviceAccountsGroup, parseServiceAccountUser } from './users.ts';

/** Returns the reason when it is refused beyond "no rule allows it", an empty string when there is none, undefined when it is allowed. */
export type Authorizer = (user: UserInfo, info: RequestInfo) => string | undefined;

const trustedUsers = new Set(['system:apiserver', 'system:kube-controller-manager', 'system:kube-scheduler', 'system:kube-proxy']);
const trustedGroups = new Set([mastersGroup, 'system:nodes']);

/** Open to everyone. @source ClusterRole system:public-info-viewer */
const publicPaths = new Set(['/healthz', '/livez', '/readyz', '/version', '/version/']);

/** Open to everyone who is authenticated. @source ClusterRole system:discovery */
const discoveryPaths = new Set(['/api', '/apis', '/openapi', '/healthz', '/livez', '/readyz', '/version', '/version/']);
const discoveryPrefixes = ['/api/', '/apis/', '/openapi/'];

/** Open to every ServiceAccount, which may want to check its peers' tokens. @source ClusterRole system:service-account-issuer-discovery */
const issuerPaths = new Set([
  '/.well-known/openid-configuration',
  '/.well-known/openid-configuration/',
  '/openid/v1/jwks',
  '/openid/v1/jwks/',
]);

/** Resources that every authenticated user may create to ask about itself. @source ClusterRole system:basic-user */
const selfReviews = new Set(['selfsubjectaccessreviews', 'selfsubjectrulesreviews', 'selfsubjectreviews']);

export const componentAuthorizer: Authorizer = (user, info) => {
  if (isTrusted(user)) return undefined;
  if (!info.isResourceRequest) return mayReadPath(user, info) ? undefined : '';
  const { verb, resource, apiGroup } = info;
  const isSelfReview = verb === 'create' && selfReviews.has(resource) && /^(authorization|authentication)\.k8s\.io$/.test(apiGroup);
  return isSelfReview && user.groups.includes(authenticatedGroup) ? undefined : '';
};

const trusted = new WeakMap<UserInfo, boolean>();

function isTrusted(user: UserInfo): boolean {
  let known = trusted.get(user);
  if (known === undefined) {
    known =
      trustedUsers.has(user.name) ||
      user.groups.some((group) => trustedGroups.has(group)) ||
      parseServiceAccountUser(user.name)?.namespace === 'kube-system';
    trusted.set(user, known);
  }
  return known;
}

function mayReadPath(user: UserInfo, { verb, path }: RequestInfo): boolean {
  if (verb !== 'get' && verb !== 'head') return false;
  if (publicPaths.has(path)) return true;
  if (!user.groups.includes(authenticatedGroup)) return false;
  if (issuerPaths.has(path)) return user.groups.includes(serviceAccountsGroup);
  return discoveryPaths.has(path) || discoveryPrefixes.some((prefix) => path.startsWith(prefix));
}

/** The refusal in upstream's words. @source apiserver responsewriters/errors.go */
export function forbiddenRequest(user: UserInfo, info: RequestInfo, reason: string): ApiError {
  const who = `User ${JSON.stringify(user.name)} cannot ${info.verb}`;
  const why = reason === '' ? '' : `: ${reason}`;
  if (!info.isResourceRequest) {
    return new ApiError({
      code: 403,
      reason: 'Forbidden',
      message: `forbidden: ${who} path ${JSON.stringify(info.path)}${why}`,
      details: {},
    });
  }
  const { apiGroup, resource, subresource, namespace, name } = info;
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  const qualified = apiGroup === '' ? resource : `${resource}.${apiGroup}`;
  const subject = name === '' ? qualified : `${qualified} ${JSON.stringify(name)}`;
  return new ApiError({
    code: 403,
    reason: 'Forbidden',
    message: `${subject} is forbidden: ${who} resource ${JSON.stringify(what)} in API group ${JSON.stringify(apiGroup)} ${where}${why}`,
    details: { ...(name !== '' && { name }), ...(apiGroup !== '' && { group: apiGroup }), kind: resource },
  });
}
