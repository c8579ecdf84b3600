/** Who gets in, and what the others are told. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { forOwnAudiences, serviceAccountUser } from '../../src/apiserver/index.ts';
import { createTestAuthority, type KeyPair } from './certificates.ts';
import { startTestServer, type TestServer } from './harness.ts';

let server: TestServer;
let jane: KeyPair;
beforeAll(async () => {
  server = await startTestServer({
    authentication: () => ({
      audiences: ['api'],
      tokens: [
        forOwnAudiences(['api'], (token) => {
          if (token === 'good') return serviceAccountUser({ namespace: 'default', name: 'robot', uid: 'u' });
          return token === 'controller' ? serviceAccountUser({ namespace: 'kube-system', name: 'job-controller', uid: 'u' }) : undefined;
        }),
      ],
    }),
  });
  jane = await server.authority.client({ name: 'jane', groups: ['developers'] });
});
afterAll(() => server.close());

const pods = '/api/v1/namespaces/default/pods';
const bearer = (token: string): { headers: Record<string, string>; identity: undefined } => ({
  headers: { authorization: `Bearer ${token}` },
  identity: undefined,
});

describe('without a credential', () => {
  test.each(['/healthz', '/livez', '/readyz', '/version'])('%s is open', async (path) => {
    expect((await server.http('GET', path, undefined, { identity: undefined })).status).toBe(200);
  });

  test.each([
    ['/api', 'forbidden: User "system:anonymous" cannot get path "/api"'],
    [pods, 'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in the namespace "default"'],
    ['/nowhere', 'forbidden: User "system:anonymous" cannot get path "/nowhere"'],
  ])('%s is not', async (path, message) => {
    const answer = await server.http('GET', path, undefined, { identity: undefined });
    expect(answer.json).toMatchObject({ kind: 'Status', code: 403, reason: 'Forbidden', message });
  });
});

describe('with a credential that is not valid', () => {
  test('a token that nobody signed is 401', async () => {
    const answer = await server.http('GET', pods, undefined, bearer('bad'));
    expect(answer.json).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'Unauthorized',
      reason: 'Unauthorized',
      code: 401,
    });
  });

  test('a certificate of another authority is 401, even where everyone may read', async () => {
    const stranger = await (await createTestAuthority()).client({ name: 'kubernetes-admin', groups: ['system:masters'] });
    expect((await server.http('GET', '/version', undefined, { identity: stranger })).status).toBe(401);
  });
});

describe('a person who is no administrator', () => {
  test('may read discovery', async () => {
    for (const path of ['/api', '/apis', '/api/v1', '/apis/apps/v1']) {
      expect((await server.http('GET', path, undefined, { identity: jane })).status).toBe(200);
    }
  });

  test.each([
    ['GET', pods, 'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"'],
    ['GET', '/api/v1/nodes/n1', 'nodes "n1" is forbidden: User "jane" cannot get resource "nodes" in API group "" at the cluster scope'],
    [
      'POST',
      '/apis/apps/v1/namespaces/default/deployments',
      'deployments.apps is forbidden: User "jane" cannot create resource "deployments" in API group "apps" in the namespace "default"',
    ],
    [
      'GET',
      `${pods}/p/log`,
      'pods "p" is forbidden: User "jane" cannot get resource "pods/log" in API group "" in the namespace "default"',
    ],
    ['GET', `${pods}?watch=1`, 'pods is forbidden: User "jane" cannot watch resource "pods" in API group "" in the namespace "default"'],
  ])('%s %s is refused', async (method, path, message) => {
    const answer = await server.http(method, path, undefined, { identity: jane });
    expect(answer.json).toMatchObject({ code: 403, reason: 'Forbidden', message });
  });

  test('may not act as somebody else', async () => {
    const answer = await server.http('GET', pods, undefined, { identity: jane, headers: { 'impersonate-user': 'bob' } });
    expect(answer.json.message).toBe(
      'users "bob" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope',
    );
  });
});

describe('accounts and administrators', () => {
  test('a ServiceAccount is known by its token', async () => {
    const answer = await server.http('GET', pods, undefined, bearer('good'));
    expect(answer.json.message).toContain('User "system:serviceaccount:default:robot" cannot list');
  });

  test('an account of kube-system works for the cluster', async () => {
    expect((await server.http('GET', pods, undefined, bearer('controller'))).status).toBe(200);
  });

  test('an administrator may act as somebody else, and is then no administrator', async () => {
    const answer = await server.http('GET', pods, undefined, { headers: { 'impersonate-user': 'bob', 'impersonate-group': 'developers' } });
    expect(answer.json.message).toContain('User "bob" cannot list');
  });
});
