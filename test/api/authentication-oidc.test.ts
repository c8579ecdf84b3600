/** ID tokens of an issuer that runs on this machine over HTTPS: by flags and by a configuration file that changes. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { configuredAuthentication } from '../../src/apiserver/index.ts';
import type { FlagValues } from '../../src/apiserver/flags/index.ts';
import { createTestAuthority, type TestAuthority } from './certificates.ts';
import { startTestServer, type TestServer } from './harness.ts';
import { startIssuer, type TestIssuer } from './local-https.ts';

const trust = { issuers: ['https://cluster.example'], audiences: ['https://cluster.example'], verifySignature: () => undefined };
const patience = { timeout: 15_000 };
let authority: TestAuthority;
let directory: string;
let caFile: string;

beforeAll(async () => {
  authority = await createTestAuthority();
  directory = mkdtempSync(join(tmpdir(), 'knarr-oidc-'));
  caFile = join(directory, 'ca.crt');
  writeFileSync(caFile, authority.ca);
});
afterAll(() => rmSync(directory, { recursive: true }));

const start = (flags: FlagValues): Promise<TestServer> => startTestServer({ authentication: configuredAuthentication(flags, trust) });

/** Who the server says one is; the code when it does not let one in. */
async function whoIs(server: TestServer, token: string): Promise<unknown> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const options = { identity: undefined, headers: { authorization: `Bearer ${token}` } };
  const { status, json } = await server.http('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', body, options);
  return status === 201 ? json.status.userInfo : status;
}

/** What a review says is wrong with a token. */
async function whyNot(server: TestServer, token: string): Promise<unknown> {
  const { json } = await server.http('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    spec: { token },
  });
  return json.status.error;
}

describe('an issuer named by flags', () => {
  let issuer: TestIssuer;
  let server: TestServer;
  beforeAll(async () => {
    issuer = await startIssuer(authority, 'kubernetes');
    server = await start({
      'oidc-issuer-url': issuer.url,
      'oidc-client-id': 'kubernetes',
      'oidc-ca-file': caFile,
      'oidc-groups-claim': 'roles',
      'oidc-groups-prefix': 'oidc:',
      'oidc-required-claim': new Map([['tenant', 'acme']]),
    });
    await vi.waitFor(async () => expect(await whoIs(server, await issuer.token({ tenant: 'acme' }))).toMatchObject({}), patience);
  });
  afterAll(async () => {
    await server.close();
    await issuer.close();
  });

  test('vouches for a user and groups', async () => {
    const user = await whoIs(server, await issuer.token({ tenant: 'acme', roles: ['dev', 'ops'], jti: 'id1' }));
    expect(user).toEqual({
      username: `${issuer.url}#jane`,
      groups: ['oidc:dev', 'oidc:ops', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': ['JTI=id1'] },
    });
    const one = await whoIs(server, await issuer.token({ tenant: 'acme', roles: 'dev', aud: ['x', 'kubernetes'] }));
    expect(one).toMatchObject({ groups: ['oidc:dev', 'system:authenticated'] });
  });

  test.each<[string, object, string]>([
    ['has run out', { exp: 1 }, 'oidc: verify token: oidc: token is expired (Token Expiry: 1970-01-01T00:00:01.000Z)'],
    ['is for somebody else', { aud: 'vault' }, 'oidc: verify token: oidc: expected audience "kubernetes" got ["vault"]'],
    ['is not valid yet', { nbf: 32_503_680_000 }, 'before the nbf (not before) time'],
    ['lacks a claim that is required', { tenant: undefined }, 'oidc: required claim tenant not present in ID token'],
    ['has another value there', { tenant: 'evil' }, 'oidc: required claim tenant value does not match. Got = evil, want = acme'],
    ['has no name', { sub: undefined }, 'oidc: parse username claims "sub": claim not present'],
    ['has a name that is no text', { sub: 7 }, 'oidc: parse username claims "sub": json: cannot unmarshal number'],
    ['has groups that are no texts', { roles: [7] }, 'oidc: parse groups claim "roles": json: cannot unmarshal'],
  ])('a token that %s is refused', async (_, claims, why) => {
    const token = await issuer.token({ tenant: 'acme', ...claims });
    expect(await whoIs(server, token)).toBe(401);
    expect(await whyNot(server, token)).toContain(why);
  });

  test('a token that another key signed is refused', async () => {
    const { privateKey } = await generateKeyPair('RS256');
    const forged = await issuer.token({ tenant: 'acme' }, { key: privateKey });
    expect(await whoIs(server, forged)).toBe(401);
    expect(await whyNot(server, forged)).toContain('failed to verify id token signature');
    const { privateKey: elliptic } = await generateKeyPair('ES256');
    expect(await whyNot(server, await issuer.token({}, { alg: 'ES256', key: elliptic }))).toContain('unsupported algorithm');
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${(await issuer.token()).split('.')[1]}.`;
    expect(await whoIs(server, unsigned)).toBe(401);
  });

  test('may change its keys', async () => {
    const old = await issuer.token({ tenant: 'acme' });
    await issuer.rotate();
    // Keys are not asked for more than once a second, so that nobody can make the server ask.
    const token = await issuer.token({ tenant: 'acme', sub: 'joe' });
    await vi.waitFor(async () => expect(await whoIs(server, token)).toMatchObject({ username: `${issuer.url}#joe` }), patience);
    const fetches = issuer.fetches;
    expect(await whoIs(server, token)).toMatchObject({ username: `${issuer.url}#joe` });
    expect(issuer.fetches).toBe(fetches);
    expect(await whoIs(server, old.replace(/\.[^.]+$/, '.AAAA'))).toBe(401);
  });

  test('a token without the name of its key is tried with all', async () => {
    expect(await whoIs(server, await issuer.token({ tenant: 'acme', sub: 'kim' }, { kid: undefined }))).toMatchObject({
      username: `${issuer.url}#kim`,
    });
  });
});

describe('issuers of a configuration file', () => {
  const configOf = (jwt: object[], more: object = {}): string =>
    JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration', jwt, ...more });

  test('are believed, and exchanged when the file changes', async () => {
    const issuers = [await startIssuer(authority, 'a'), await startIssuer(authority, 'b')] as const;
    const path = join(directory, 'authentication.yaml');
    const jwt = (issuer: TestIssuer, audiences: string[]): object => ({
      issuer: { url: issuer.url, audiences, audienceMatchPolicy: 'MatchAny', certificateAuthority: authority.ca },
      claimMappings: { username: { claim: 'email', prefix: '' }, groups: { claim: 'g', prefix: '' }, uid: { claim: 'sub' } },
      claimValidationRules: [{ claim: 'hd', requiredValue: 'acme.example' }],
    });
    const elsewhere = { ...jwt(issuers[0], ['a', 'x']) } as { issuer: object };
    elsewhere.issuer = { ...elsewhere.issuer, discoveryURL: `${issuers[0].url}/elsewhere` };
    writeFileSync(path, configOf([elsewhere], { anonymous: { enabled: true, conditions: [{ path: '/livez' }] } }));
    await using server = await start({ 'authentication-config': path });
    const claims = { email: 'jane@acme.example', email_verified: true, hd: 'acme.example', g: ['dev'] };
    const first = await issuers[0].token(claims);
    const jane = { username: 'jane@acme.example', uid: 'jane', groups: ['dev', 'system:authenticated'] };
    await vi.waitFor(async () => expect(await whoIs(server, first)).toEqual(jane), patience);
    expect(await whyNot(server, await issuers[0].token({ ...claims, email_verified: false }))).toContain('oidc: email not verified');
    const second = await issuers[1].token(claims);
    expect(await whyNot(server, second)).toBe('invalid bearer token');

    // Nonsense changes nothing; a good file does.
    writeFileSync(path, 'jwt: [');
    const next = join(directory, 'next.yaml');
    writeFileSync(next, configOf([jwt(issuers[1], ['b'])]));
    renameSync(next, path);
    await vi.waitFor(async () => expect(await whoIs(server, second)).toEqual(jane), patience);
    expect(await whyNot(server, await issuers[0].token({ ...claims, more: 1 }))).toBe('invalid bearer token');

    const anonymous = (where: string) => server.http('GET', where, undefined, { identity: undefined });
    expect((await anonymous('/livez')).status).toBe(200);
    expect((await anonymous('/readyz')).status).toBe(401);
    for (const issuer of issuers) await issuer.close();
  });

  test('a file that cannot be used stops the server', async () => {
    const path = join(directory, 'broken.yaml');
    writeFileSync(path, configOf([{ issuer: { url: 'http://x', audiences: ['a'] } }]));
    await expect(start({ 'authentication-config': path })).rejects.toThrow('jwt[0].issuer.url');
    writeFileSync(path, configOf([], { anonymous: { enabled: false } }));
    await expect(start({ 'authentication-config': path, 'anonymous-auth': true })).rejects.toThrow('--anonymous-auth flag cannot be set');
  });
});
