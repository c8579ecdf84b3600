/** How others check ServiceAccount tokens by themselves: the issuer's configuration and its public keys. */
import { createPublicKey, type JsonWebKeyInput, verify } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serviceAccountTokens, standardExtensions } from '../../src/apiserver/index.ts';
import { generateServiceAccountKey, ServiceAccountKeys } from '../../src/pki/index.ts';
import { startTestServer, type TestServer } from './harness.ts';

const issuer = 'https://kubernetes.default.svc.cluster.local';
let server: TestServer;
let token: string;

beforeAll(async () => {
  const keys = new ServiceAccountKeys({ signingKey: await generateServiceAccountKey() });
  const signer = { issuer, audiences: [issuer], sign: (claims: object) => keys.sign(claims), publicKeys: keys };
  server = await startTestServer({
    authentication: (host) => ({
      audiences: [issuer],
      tokens: [serviceAccountTokens({ issuers: [issuer], audiences: [issuer], verifySignature: (text) => keys.verify(text) })(host)],
    }),
    extensions: standardExtensions({
      serverAddress: () => '10.0.0.1:6443',
      version: { knarrVersion: '0.0.0-test' },
      admission: { disabled: ['ServiceAccount'] },
      subresources: { kubeletTls: () => ({ ca: '' }), signer },
    }),
  });
  await server.http('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'robot' } });
  const answer = await server.http('POST', '/api/v1/namespaces/default/serviceaccounts/robot/token', { spec: {} });
  token = answer.json.status.token;
});
afterAll(() => server.close());

const asRobot = (path: string) =>
  server.http('GET', path, undefined, { identity: undefined, headers: { authorization: `Bearer ${token}` } });

test('a ServiceAccount finds the keys, and they verify its own token', async () => {
  const configuration = (await asRobot('/.well-known/openid-configuration')).json;
  expect(configuration).toEqual({
    issuer,
    jwks_uri: 'https://10.0.0.1:6443/openid/v1/jwks',
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  });
  const { headers, json } = await asRobot(new URL(configuration.jwks_uri).pathname);
  expect([headers['content-type'], headers['cache-control']]).toEqual(['application/jwk-set+json', 'public, max-age=3600']);
  const [header, claims, signature] = token.split('.') as [string, string, string];
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string };
  const key = (json.keys as (JsonWebKeyInput['key'] & { kid: string })[]).find((one) => one.kid === kid)!;
  expect(Object.keys(key).toSorted()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
  const publicKey = createPublicKey({ key, format: 'jwk' });
  expect(verify('sha256', Buffer.from(`${header}.${claims}`), publicKey, Buffer.from(signature, 'base64url'))).toBe(true);
});

test('nobody else but administrators does', async () => {
  const jane = await server.authority.client({ name: 'jane', groups: ['developers'] });
  for (const path of ['/.well-known/openid-configuration', '/openid/v1/jwks']) {
    const statuses = await Promise.all(
      [jane, undefined, server.admin].map(async (identity) => (await server.http('GET', path, undefined, { identity })).status),
    );
    expect(statuses).toEqual([403, 403, 200]);
  }
});
