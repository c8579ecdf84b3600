/**
 * Who may do what, until roles are enforced: administrators and the cluster's own components may do everything; everyone who is
 * authenticated may read discovery; everyone may read health and version. Nobody else may do anything.
 * @source upstream's default roles system:discovery, system:public-info-viewer
 */
import { type Access, allowed, type Authorizer, noOpinion } from '../authorization/index.ts';
import type { UserInfo } from '../request.ts';
import { authenticatedGroup, mastersGroup, serviceAccountsGroup, parseServiceAccountUser } from './users.ts';

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
  if (isTrusted(user)) return allowed;
  if (!info.isResourceRequest) return mayReadPath(user, info) ? allowed : noOpinion;
  const { verb, resource, apiGroup } = info;
  const isSelfReview = verb === 'create' && selfReviews.has(resource) && /^(authorization|authentication)\.k8s\.io$/.test(apiGroup);
  return isSelfReview && user.groups.includes(authenticatedGroup) ? allowed : noOpinion;
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

function mayReadPath(user: UserInfo, { verb, path }: Access): boolean {
  if (verb !== 'get' && verb !== 'head') return false;
  if (publicPaths.has(path)) return true;
  if (!user.groups.includes(authenticatedGroup)) return false;
  if (issuerPaths.has(path)) return user.groups.includes(serviceAccountsGroup);
  return discoveryPaths.has(path) || discoveryPrefixes.some((prefix) => path.startsWith(prefix));
}
