import { describe, expect, test } from 'vitest';
import type { UserInfo } from '../request.ts';
import { parseRequestInfo } from '../routing/request-info.ts';
import { allowed as allowedVerdict, forbiddenRequest } from '../authorization/index.ts';
import { componentAuthorizer } from './authorizer.ts';
import { anonymousUser, authenticated, loopbackUser, serviceAccountUser } from './users.ts';

const admin = authenticated({ name: 'admin', groups: ['system:masters'] });
const node = authenticated({ name: 'system:node:n1', groups: ['system:nodes'] });
const manager = authenticated({ name: 'system:kube-controller-manager', groups: [] });
const controller = serviceAccountUser({ namespace: 'kube-system', name: 'job-controller', uid: '' });
const robot = serviceAccountUser({ namespace: 'default', name: 'robot', uid: '' });
const jane = authenticated({ name: 'jane', groups: ['developers'] });

const allowed = (user: UserInfo, request: string): boolean => {
  const [method = '', target = ''] = request.split(' ');
  return componentAuthorizer(user, parseRequestInfo(method, target)) === allowedVerdict;
};

describe('everything is allowed to', () => {
  test.each([admin, node, manager, controller, loopbackUser])('$name', (user) => {
    for (const request of ['DELETE /api/v1/nodes/n1', 'GET /metrics', 'POST /apis/apps/v1/namespaces/x/deployments']) {
      expect(allowed(user, request)).toBe(true);
    }
  });
});

describe('others', () => {
  test.each<[string, UserInfo, boolean]>([
    ['GET /healthz', anonymousUser, true],
    ['GET /version', anonymousUser, true],
    ['POST /version', anonymousUser, false],
    ['GET /api', anonymousUser, false],
    ['GET /api', jane, true],
    ['GET /apis/apps/v1', jane, true],
    ['GET /openapi/v3/api/v1', jane, true],
    ['GET /openapi/v2', robot, true],
    ['GET /metrics', jane, false],
    ['GET /openid/v1/jwks', robot, true],
    ['GET /.well-known/openid-configuration', robot, true],
    ['GET /openid/v1/jwks', jane, false],
    ['GET /openid/v1/jwks', anonymousUser, false],
    ['GET /openid/v1/other', robot, false],
    ['GET /apix', jane, false],
    ['GET /api/v1/pods', jane, false],
    ['GET /api/v1/namespaces/default/pods', robot, false],
    ['POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews', jane, true],
    ['POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews', anonymousUser, false],
    ['POST /apis/authorization.k8s.io/v1/subjectaccessreviews', jane, false],
  ])('%s', (request, user, expected) => expect(allowed(user, request)).toBe(expected));

  test('a name that only looks like an account of the system is none', () => {
    for (const name of ['system:serviceaccount:kube-system', 'system:serviceaccount:kube-system:a:b', 'system:kube-scheduler2']) {
      expect(allowed(authenticated({ name, groups: [] }), 'GET /api/v1/pods')).toBe(false);
    }
  });
});

test('a refusal says who may not do what, where and why', () => {
  const refusal = (request: string, reason = ''): string => {
    const [method = '', target = ''] = request.split(' ');
    return forbiddenRequest(jane, parseRequestInfo(method, target), reason).message;
  };
  expect(refusal('PUT /apis/apps/v1/namespaces/x/deployments/d/scale')).toBe(
    'deployments.apps "d" is forbidden: User "jane" cannot update resource "deployments/scale" in API group "apps" in the namespace "x"',
  );
  expect(refusal('GET /api/v1/nodes', 'because')).toBe(
    'nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" at the cluster scope: because',
  );
  expect(refusal('GET /metrics')).toBe('forbidden: User "jane" cannot get path "/metrics"');
});
