/** Which ServiceAccount tokens are believed, and why others are not. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { corev1Resources } from '../../src/api/index.ts';
import { serviceAccountTokens, type TokenAuthenticator, type TokenVerdict } from '../../src/apiserver/index.ts';
import { startTestServer, type TestServer } from './harness.ts';

const issuer = 'https://kubernetes.default.svc.cluster.local';
const { signal } = new AbortController();
let cluster: TestServer;
let verify: TokenAuthenticator;
let uid: string;
let secretUid: string;
let nodeUid: string;
let podUid: string;

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
/** The signature is the key holder's business: here every token is signed but one that says it is not. */
const tokenOf = (claims: object, signature = 'signed'): string => `${base64url({ alg: 'RS256' })}.${base64url(claims)}.${signature}`;

beforeAll(async () => {
  cluster = await startTestServer();
  verify = serviceAccountTokens({
    issuers: [issuer, 'https://former.example'],
    audiences: [issuer],
    verifySignature: (token) => {
      const [, claims = '', signature] = token.split('.');
      return signature === 'signed' ? (JSON.parse(Buffer.from(claims, 'base64url').toString()) as unknown) : undefined;
    },
  })(cluster.server.host);
  const { client } = cluster;
  const inDefault = (name: string) => ({ metadata: { name, namespace: 'default' } });
  uid = (await client.create(corev1Resources.serviceaccounts, inDefault('robot') as never, { signal })).metadata.uid;
  secretUid = (await client.create(corev1Resources.secrets, inDefault('s') as never, { signal })).metadata.uid;
  nodeUid = (await client.create(corev1Resources.nodes, { metadata: { name: 'n' } } as never, { signal })).metadata.uid;
  const pod = { ...inDefault('p'), spec: { containers: [{ name: 'c', image: 'i' }], serviceAccountName: 'robot' } };
  podUid = (await client.create(corev1Resources.pods, pod as never, { signal })).metadata.uid;
});
afterAll(() => cluster.close());

const nowSeconds = Math.floor(Date.now() / 1000);

interface Changes {
  readonly claims?: object;
  readonly inside?: object;
  readonly signature?: string;
  readonly audiences?: readonly string[];
}

async function verdictOn({ claims = {}, inside = {}, signature, audiences = [issuer] }: Changes = {}): Promise<TokenVerdict> {
  const token = tokenOf(
    {
      iss: issuer,
      aud: [issuer],
      exp: nowSeconds + 600,
      nbf: nowSeconds,
      iat: nowSeconds,
      'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'robot', uid }, ...inside },
      ...claims,
    },
    signature,
  );
  return await verify(token, audiences);
}

const robot = { name: 'system:serviceaccount:default:robot' };

describe('a ServiceAccount token', () => {
  test('is its account', async () => {
    expect(await verdictOn({ claims: { jti: 'x1' } })).toMatchObject({
      user: {
        ...robot,
        groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
        extra: { 'authentication.kubernetes.io/credential-id': ['JTI=x1'] },
      },
      audiences: [issuer],
    });
  });

  test('of a former issuer is believed too', async () => {
    expect(await verdictOn({ claims: { iss: 'https://former.example' } })).toMatchObject({ user: robot });
  });

  test('that names nobody is for the API server', async () => {
    expect(await verdictOn({ claims: { aud: undefined } })).toMatchObject({ user: robot, audiences: [issuer] });
  });

  test('may be asked about for somebody else', async () => {
    expect(await verdictOn({ claims: { aud: ['vault', 'db'] }, audiences: ['db', 'x'] })).toMatchObject({ audiences: ['db'] });
  });

  test('is still believed a minute after its end, when clocks differ', async () => {
    expect(await verdictOn({ claims: { exp: nowSeconds - 30 } })).toMatchObject({ user: robot });
  });

  test('tells the pod and the node that it is bound to', async () => {
    const verdict = await verdictOn({ inside: { pod: { name: 'p', uid: podUid }, node: { name: 'elsewhere', uid: 'u' } } });
    expect(verdict).toMatchObject({
      user: {
        extra: {
          'authentication.kubernetes.io/pod-name': ['p'],
          'authentication.kubernetes.io/pod-uid': [podUid],
          'authentication.kubernetes.io/node-name': ['elsewhere'],
          'authentication.kubernetes.io/node-uid': ['u'],
        },
      },
    });
    expect(await verdictOn({ inside: { node: { name: 'n', uid: nodeUid } } })).toMatchObject({ user: robot });
    expect(await verdictOn({ inside: { secret: { name: 's', uid: secretUid } } })).toMatchObject({ user: robot });
  });

  test.each<[string, Changes, string]>([
    ['has run out', { claims: { exp: nowSeconds - 120 } }, 'service account token has expired'],
    ['has no end', { claims: { exp: undefined } }, 'service account token has expired'],
    ['is not valid yet', { claims: { nbf: nowSeconds + 3600 } }, 'service account token is not valid yet'],
    ['was made in the future', { claims: { iat: nowSeconds + 3600 } }, 'service account token is issued in the future'],
    ['is for somebody else', { claims: { aud: ['vault'] } }, `token audiences ["vault"] is invalid for the target audiences ["${issuer}"]`],
    ['nobody signed', { signature: 'forged' }, 'invalid signature, no keys found'],
    ['is for an account that is gone', { inside: { serviceaccount: { name: 'nobody', uid: 'x' } } }, 'serviceaccounts "nobody" not found'],
    ['is bound to a pod that is gone', { inside: { pod: { name: 'q', uid: 'x' } } }, 'service account token has been invalidated'],
    ['is bound to a secret that is gone', { inside: { secret: { name: 't', uid: 'x' } } }, 'service account token has been invalidated'],
    ['is bound to a node that is gone', { inside: { node: { name: 'm', uid: 'x' } } }, 'service account token has been invalidated'],
    ['says nothing of an account', { claims: { 'kubernetes.io': {} } }, 'service account token claims could not be validated'],
  ])('that %s is refused', async (_name, changes, failure) => {
    expect(await verdictOn(changes)).toEqual({ failure });
  });

  test('for something made anew under the same name is refused', async () => {
    const anew = { name: 'robot', uid: 'other' };
    expect(await verdictOn({ inside: { serviceaccount: anew } })).toEqual({
      failure: `service account UID (${uid}) does not match claim (other)`,
    });
    expect(await verdictOn({ inside: { pod: { name: 'p', uid: 'other' } } })).toEqual({
      failure: `pod UID (${podUid}) does not match service account pod ref claim (other)`,
    });
  });

  test.each(['', 'a.b', 'a.b.c', 'nonsense', `${base64url({})}.${base64url(null)}.x`])('%j is none', async (token) => {
    expect(await verify(token, [issuer])).toBeUndefined();
  });

  test('of another issuer is not ours to judge', async () => {
    expect(await verdictOn({ claims: { iss: 'https://evil.example' } })).toBeUndefined();
  });
});

describe('a token of old, kept in a Secret', () => {
  const claims = {
    iss: 'kubernetes/serviceaccount',
    sub: 'system:serviceaccount:default:robot',
    'kubernetes.io/serviceaccount/namespace': 'default',
    'kubernetes.io/serviceaccount/secret.name': 'old',
    'kubernetes.io/serviceaccount/service-account.name': 'robot',
  };
  const legacy = (changes: object = {}): string =>
    tokenOf({ ...claims, 'kubernetes.io/serviceaccount/service-account.uid': uid, ...changes });

  test('is believed while its Secret holds it, and the use is noted there', async () => {
    expect(await verify(legacy(), [issuer])).toEqual({ failure: 'Token has been invalidated' });
    const annotations = { 'kubernetes.io/service-account.name': 'robot' };
    await cluster.client.create(
      corev1Resources.secrets,
      {
        metadata: { name: 'old', namespace: 'default', annotations },
        type: 'kubernetes.io/service-account-token',
        stringData: { token: legacy() },
      } as never,
      { signal },
    );
    expect(await verify(legacy(), [issuer])).toMatchObject({ user: robot, audiences: [issuer] });
    const secret = await cluster.client.get(corev1Resources.secrets, { namespace: 'default', name: 'old' }, { signal });
    expect(secret.metadata.labels?.['kubernetes.io/legacy-token-last-used']).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(await verify(legacy(), ['vault'])).toMatchObject({ failure: expect.stringContaining('token audiences') as string });
    expect(await verify(legacy({ more: 1 }), [issuer])).toEqual({ failure: "Token does not match server's copy" });
    expect(await verify(legacy({ sub: 'system:serviceaccount:default:other' }), [issuer])).toEqual({ failure: 'sub claim is invalid' });
  });
});
