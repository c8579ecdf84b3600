import { describe, expect, test } from 'vitest';
import type { UserInfo } from '../request.ts';
import { parseRequestInfo } from '../routing/request-info.ts';
import {
  type Access,
  allowed,
  type Authorizer,
  forbiddenRequest,
  noOpinion,
  resourceAccess,
  type Verdict,
  whenAllowed,
} from './authorizer.ts';
import { alwaysAllow, alwaysDeny, chainOf, privilegedGroups } from './chain.ts';
import { selectorsOf } from './selectors.ts';

const jane: UserInfo = { name: 'jane', groups: ['developers', 'system:authenticated'] };
const access = (request: string): Access => {
  const [method = '', target = ''] = request.split(' ');
  return parseRequestInfo(method, target);
};
const says =
  (decision: Verdict['decision'], reason: string, error?: string): Authorizer =>
  () => ({
    decision,
    reason,
    ...(error !== undefined && { error }),
  });
const later =
  (authorizer: Authorizer): Authorizer =>
  (user, asked) =>
    Promise.resolve(authorizer(user, asked));

test.each([
  [
    'PUT /apis/apps/v1/namespaces/x/deployments/d/scale',
    '',
    'deployments.apps "d" is forbidden: User "jane" cannot update resource "deployments/scale" in API group "apps" in the namespace "x"',
  ],
  [
    'GET /api/v1/nodes',
    'because',
    'nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" at the cluster scope: because',
  ],
  ['GET /metrics', '', 'forbidden: User "jane" cannot get path "/metrics"'],
])('a refusal of %s says who may not do what, where and why', (request, reason, message) => {
  expect(forbiddenRequest(jane, access(request), reason).message).toBe(message);
});

describe('a chain', () => {
  const asked = resourceAccess({ verb: 'get', resource: 'pods' });
  test.each<[string, Authorizer[], Verdict]>([
    ['of nobody has no opinion', [], noOpinion],
    ['goes on behind those without an opinion', [says('no-opinion', 'a'), alwaysAllow], allowed],
    ['ends at the first that denies', [says('deny', 'no'), alwaysAllow], { decision: 'deny', reason: 'no' }],
    [
      'says what all had to say',
      [says('no-opinion', 'a'), says('no-opinion', ''), says('no-opinion', 'b')],
      { decision: 'no-opinion', reason: 'a\nb' },
    ],
    [
      'tells one error',
      [says('no-opinion', '', 'x'), alwaysDeny],
      { decision: 'no-opinion', reason: 'Everything is forbidden.', error: 'x' },
    ],
    [
      'tells several errors, each once',
      [says('no-opinion', '', 'x'), says('no-opinion', '', 'y'), says('no-opinion', '', 'x')],
      { decision: 'no-opinion', reason: '', error: '[x, y]' },
    ],
    ['lets the group of masters do everything', [privilegedGroups('developers'), says('deny', 'no')], allowed],
  ])('%s', async (_name, authorizers, verdict) => {
    const atOnce = chainOf(authorizers)(jane, asked);
    expect(atOnce).not.toBeInstanceOf(Promise);
    expect(atOnce).toEqual(verdict);
    expect(await chainOf(authorizers.map(later))(jane, asked)).toEqual(verdict);
  });
});

describe('who is allowed goes on', () => {
  const asked = resourceAccess({ verb: 'get', resource: 'pods', namespace: 'x', name: 'p' });
  test('at once when nobody has to be waited for', async () => {
    expect(whenAllowed(alwaysAllow, jane, asked, () => 1)).toBe(1);
    expect(await whenAllowed(later(alwaysAllow), jane, asked, () => 1)).toBe(1);
  });

  test('who is not is refused, also when nobody could find out', async () => {
    expect(() => whenAllowed(alwaysDeny, jane, asked, () => 1)).toThrow(
      'cannot get resource "pods" in API group "" in the namespace "x": Everything',
    );
    await expect(whenAllowed(later(says('no-opinion', '', 'no answer')), jane, asked, () => 1)).rejects.toMatchObject({ code: 403 });
  });
});

test.each([
  ['GET /api/v1/pods?fieldSelector=spec.nodeName%3Dn&labelSelector=a%3Db', ['spec.nodeName=n'], ['a=b']],
  ['GET /api/v1/pods?fieldSelector=nothing&labelSelector=a%20near%20b', [], []],
  ['GET /api/v1/watch/pods?fieldSelector=spec.nodeName%3Dn', [], []],
  ['DELETE /api/v1/namespaces/x/pods?fieldSelector=a!%3Db', ['a!=b'], []],
  ['GET /api/v1/namespaces/x/pods/p?fieldSelector=a%3Db', [], []],
])('%s is narrowed by its selectors', (request, fields, labels) => {
  const selectors = selectorsOf(access(request));
  expect(selectors.fields.map(({ field, operator, value }) => `${field}${operator}${value}`)).toEqual(fields);
  expect(selectors.labels.map(String)).toEqual(labels);
});
