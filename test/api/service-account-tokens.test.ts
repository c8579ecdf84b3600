import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { corev1Resources } from '../../src/api/index.ts';
import { serviceAccountTokenVerifier, type TokenVerifier, type UserInfo } from '../../src/apiserver/index.ts';
import { startTestServer, type TestServer } from './harness.ts';

const issuer = 'https://kubernetes.default.svc.cluster.local';
const { signal } = new AbortController();
let cluster: TestServer;
let verify: TokenVerifier;
let uid: string;

beforeAll(async () => {
  cluster = await startTestServer();
  // The signature is the key holder's business: here a token is its claims.
  verify = serviceAccountTokenVerifier({ issuer, audiences: [issuer], verifySignature: (token) => JSON.parse(token) as unknown })(
    cluster.server.host,
  );
  const account = await cluster.client.create(
    corev1Resources.serviceaccounts,
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot', namespace: 'default' } } as never,
    { signal },
  );
  uid = account.metadata.uid;
});
afterAll(() => cluster.close());

const nowSeconds = Math.floor(Date.now() / 1000);

async function userOf(changes: object = {}, inside: object = {}): Promise<string | undefined> {
  const claims = {
    iss: issuer,
    aud: [issuer],
    exp: nowSeconds + 600,
    nbf: nowSeconds,
    'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'robot', uid }, ...inside },
    ...changes,
  };
  const user: UserInfo | undefined = await verify(JSON.stringify(claims));
  return user?.name;
}

describe('a ServiceAccount token', () => {
  test('is its account', async () => {
    expect(await userOf()).toBe('system:serviceaccount:default:robot');
  });

  test.each<[string, object, object]>([
    ['has run out', { exp: nowSeconds - 1 }, {}],
    ['is not valid yet', { nbf: nowSeconds + 3600 }, {}],
    ['is for somebody else', { aud: ['vault'] }, {}],
    ['comes from another issuer', { iss: 'https://evil.example' }, {}],
    ['is for an account made anew under the same name', {}, { serviceaccount: { name: 'robot', uid: 'other' } }],
    ['is for an account that is gone', {}, { serviceaccount: { name: 'nobody', uid: 'x' } }],
    ['is bound to a pod that is gone', {}, { pod: { name: 'p', uid: 'x' } }],
    ['is bound to a secret that is gone', {}, { secret: { name: 's', uid: 'x' } }],
    ['is bound to a node that is gone', {}, { node: { name: 'n', uid: 'x' } }],
    ['says nothing of an account', { 'kubernetes.io': {} }, {}],
  ])('that %s is nobody', async (_name, changes, inside) => {
    expect(await userOf(changes, inside)).toBeUndefined();
  });
});
