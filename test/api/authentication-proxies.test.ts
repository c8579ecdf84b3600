/** Who comes in beside tokens: users that a front proxy names, and bootstrap tokens of new nodes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configuredAuthentication, frontProxyAuthorities } from '../../src/apiserver/index.ts';
import { createTestAuthority, type KeyPair, type TestAuthority } from './certificates.ts';
import { startTestServer, type TestServer } from './harness.ts';

let clients: TestAuthority;
let proxies: TestAuthority;
let aggregator: KeyPair;
let directory: string;
let server: TestServer;

beforeAll(async () => {
  // The authority that all servers of the harness share.
  await using probe = await startTestServer();
  clients = probe.authority;
  proxies = await createTestAuthority('front-proxy-ca');
  aggregator = await proxies.client({ name: 'aggregator', groups: [] });
  directory = mkdtempSync(join(tmpdir(), 'knarr-proxy-'));
  const caFile = join(directory, 'proxy-ca.crt');
  writeFileSync(caFile, proxies.ca);
  const tokenFile = join(directory, 'tokens.csv');
  writeFileSync(tokenFile, 'static,ann,u9,"dev,ops"\n');
  const flags = {
    'requestheader-client-ca-file': caFile,
    'requestheader-allowed-names': ['aggregator'],
    'token-auth-file': tokenFile,
  };
  const trust = { issuers: ['https://cluster.example'], audiences: ['https://cluster.example'], verifySignature: () => undefined };
  server = await startTestServer({
    authentication: configuredAuthentication(flags, trust),
    tls: { ...clients.server, clientCa: clients.ca, frontProxyCa: frontProxyAuthorities(flags) },
  });
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

async function whoIs(identity: KeyPair | undefined, headers: Record<string, string | string[]> = {}): Promise<unknown> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
  const { status, json } = await server.http('POST', path, body, { identity, headers });
  return status === 201 ? json.status.userInfo : status;
}

const named = {
  'x-remote-user': 'jane',
  'x-remote-uid': 'u1',
  'x-remote-group': ['dev', 'a, b'],
  'x-remote-extra-acme.example%2fteam': 'x',
};
const jane = { username: 'jane', uid: 'u1', groups: ['dev', 'a, b', 'system:authenticated'], extra: { 'acme.example/team': ['x'] } };

describe('a front proxy', () => {
  test('names who asks', async () => expect(await whoIs(aggregator, named)).toEqual(jane));

  test('is a stranger when it names nobody', async () => expect(await whoIs(aggregator)).toBe(401));

  test('must have one of the names', async () => {
    expect(await whoIs(await proxies.client({ name: 'other', groups: ['system:masters'] }), named)).toBe(401);
  });

  test('is nobody that another authority vouches for', async () => {
    const impostor = await clients.client({ name: 'aggregator', groups: [] });
    expect(await whoIs(impostor, named)).toMatchObject({ username: 'aggregator' });
    const stranger = await (await createTestAuthority()).client({ name: 'aggregator', groups: [] });
    expect(await whoIs(stranger, named)).toBe(401);
    expect(await whoIs(undefined, { ...named, authorization: 'Bearer static' })).toMatchObject({ username: 'ann', uid: 'u9' });
  });

  test('does not make its own certificates those of clients', async () => {
    expect(await whoIs(await proxies.client({ name: 'kubernetes-admin', groups: ['system:masters'] }))).toBe(401);
  });
});

test('a bootstrap token is believed while its Secret is there', async () => {
  const secrets = '/api/v1/namespaces/kube-system/secrets';
  await server.http('POST', '/api/v1/namespaces', { metadata: { name: 'kube-system' } });
  const secret = {
    metadata: { name: 'bootstrap-token-abcdef' },
    type: 'bootstrap.kubernetes.io/token',
    stringData: { 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-authentication': 'true' },
  };
  expect(await whoIs(undefined, { authorization: 'Bearer abcdef.0123456789abcdef' })).toBe(401);
  expect((await server.http('POST', secrets, secret)).status).toBe(201);
  expect(await whoIs(undefined, { authorization: 'Bearer abcdef.0123456789abcdef' })).toEqual({
    username: 'system:bootstrap:abcdef',
    groups: ['system:bootstrappers', 'system:authenticated'],
  });
  expect(await whoIs(undefined, { authorization: 'Bearer abcdef.0123456789abcdee' })).toBe(401);
});
