/** Whose a token is, and who one is: TokenReview and SelfSubjectReview. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { forOwnAudiences } from '../../src/apiserver/index.ts';
import { startTestServer, type TestServer } from './harness.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    authentication: () => ({
      audiences: ['api', 'api2'],
      tokens: [
        forOwnAudiences(['api', 'api2'], (token) => {
          if (token === 'robot') return { name: 'robot', uid: 'u1', groups: ['machines'], extra: { scope: ['a'] } };
          return token === 'old' ? { failure: 'it is old' } : undefined;
        }),
        (token) => (token === 'old' ? { failure: 'x' } : undefined),
      ],
    }),
  });
});
afterAll(() => server.close());

const tokenReviews = '/apis/authentication.k8s.io/v1/tokenreviews';
const selfReviews = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const review = async (spec: object): Promise<unknown> => {
  const { status, json } = await server.http('POST', tokenReviews, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec });
  return status === 201 ? json.status : json;
};
const robot = { username: 'robot', uid: 'u1', groups: ['machines', 'system:authenticated'], extra: { scope: ['a'] } };

describe('a TokenReview', () => {
  test('tells whose a token is, and for whom', async () => {
    expect(await review({ token: 'robot' })).toEqual({ authenticated: true, user: robot, audiences: ['api', 'api2'] });
    expect(await review({ token: 'robot', audiences: ['api2', 'vault'] })).toEqual({
      authenticated: true,
      user: robot,
      audiences: ['api2'],
    });
  });

  test('says of other tokens that they are not valid, and why', async () => {
    expect(await review({ token: 'nobody' })).toEqual({ error: 'invalid bearer token', user: {} });
    expect(await review({ token: 'robot', audiences: ['vault'] })).toEqual({ error: 'invalid bearer token', user: {} });
    expect(await review({ token: 'old' })).toEqual({ error: '[invalid bearer token, it is old, x]', user: {} });
  });

  test('needs a token', async () => {
    expect(await review({})).toMatchObject({
      code: 400,
      reason: 'BadRequest',
      message: 'token is required for TokenReview in authentication',
    });
  });

  test.each(['GET', 'DELETE', 'PUT', 'PATCH'])('is only created: %s', async (method) => {
    const { status } = await server.http(method, tokenReviews, method === 'GET' ? undefined : '{}');
    expect(status).toBe(405);
  });
});

describe('a SelfSubjectReview', () => {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };

  test('tells who one is', async () => {
    const identity = { identity: undefined, headers: { authorization: 'Bearer robot' } };
    // Roles give everyone leave to ask about oneself; what is sent as status does not count.
    const { status, json } = await server.http('POST', selfReviews, { ...body, status: { userInfo: { username: 'x' } } }, identity);
    expect([status, json.kind, json.status]).toEqual([201, 'SelfSubjectReview', { userInfo: robot }]);
    expect(json.metadata).toEqual({ creationTimestamp: expect.stringMatching(/^\d{4}-.*Z$/) as string });
  });

  test('tells as whom one acts', async () => {
    const headers = { 'impersonate-user': 'system:serviceaccount:a:b', 'impersonate-extra-scope': 'view' };
    const { json } = await server.http('POST', selfReviews, body, { headers: { ...headers, 'impersonate-group': 'system:masters' } });
    expect(json.status.userInfo).toEqual({
      username: 'system:serviceaccount:a:b',
      groups: ['system:masters', 'system:authenticated'],
      extra: { scope: ['view'] },
    });
  });

  test('knows certificates', async () => {
    const { json } = await server.http('POST', selfReviews, body);
    expect(json.status.userInfo).toMatchObject({
      username: 'kubernetes-admin',
      groups: ['system:masters', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': [expect.stringMatching(/^X509SHA256=[0-9a-f]{64}$/)] },
    });
  });
});
