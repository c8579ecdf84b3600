/** Tokens that a webhook is asked about, over HTTPS on this machine. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { configuredAuthentication } from '../../src/apiserver/index.ts';
import { createTestAuthority, type TestAuthority } from './certificates.ts';
import { startTestServer, type TestServer } from './harness.ts';
import { startHttps, webhookKubeconfig } from './local-https.ts';

interface Asked {
  readonly apiVersion: string;
  readonly spec: { readonly token: string; readonly audiences: readonly string[] };
}

const audience = 'https://cluster.example';
let authority: TestAuthority;
let directory: string;
let webhook: Awaited<ReturnType<typeof startHttps>>;
let server: TestServer;
let asked: Asked[] = [];
/** Answers the n-th question of a test. */
let answer: (review: Asked, n: number) => { readonly status?: number; readonly headers?: Record<string, string>; readonly body?: unknown };

beforeAll(async () => {
  authority = await createTestAuthority();
  directory = mkdtempSync(join(tmpdir(), 'knarr-webhook-'));
  webhook = await startHttps(authority, (request, body, response) => {
    const review = JSON.parse(body) as Asked;
    asked.push(review);
    const known = request.headers.authorization === 'Bearer the-server';
    const { status = 200, headers = {}, body: text } = known ? answer(review, asked.length) : { status: 403, body: '' };
    response.writeHead(status, headers).end(typeof text === 'string' ? text : JSON.stringify(text));
  });
  server = await startWith(webhookKubeconfig(authority, `${webhook.url}/review`), {});
});
afterAll(async () => {
  await server.close();
  await webhook.close();
  rmSync(directory, { recursive: true });
});
beforeEach(() => {
  asked = [];
});

function startWith(config: string, flags: object): Promise<TestServer> {
  const path = join(directory, 'webhook.yaml');
  writeFileSync(path, config);
  const trust = { issuers: [audience], audiences: [audience], verifySignature: () => undefined };
  return startTestServer({
    authentication: configuredAuthentication(
      { 'authentication-token-webhook-config-file': path, 'authentication-token-webhook-version': 'v1', ...flags },
      trust,
    ),
  });
}

async function whoIs(token: string, at = server): Promise<unknown> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const options = { identity: undefined, headers: { authorization: `Bearer ${token}` } };
  const { status, json } = await at.http('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', body, options);
  return status === 201 ? json.status.userInfo : status;
}

async function whyNot(token: string, audiences: string[] = []): Promise<unknown> {
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences } };
  return (await server.http('POST', '/apis/authentication.k8s.io/v1/tokenreviews', review)).json.status.error;
}

const status = (value: object): { body: unknown } => ({
  body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', status: value },
});
const jane = { username: 'jane', uid: '7', groups: ['dev'], extra: { team: ['x'] } };

describe('a webhook', () => {
  test('names the user of a token, and is asked once', async () => {
    answer = () => status({ authenticated: true, user: jane });
    expect(await whoIs('good')).toEqual({ ...jane, groups: ['dev', 'system:authenticated'] });
    expect(await whoIs('good')).toMatchObject({ username: 'jane' });
    expect(asked).toMatchObject([{ apiVersion: 'authentication.k8s.io/v1', spec: { token: 'good', audiences: [audience] } }]);
  });

  test('that does not know a token is not asked again for a while', async () => {
    answer = () => status({ authenticated: false });
    expect([await whoIs('unknown'), await whoIs('unknown')]).toEqual([401, 401]);
    expect(asked).toHaveLength(1);
  });

  test('tells why, and for whom a token is', async () => {
    answer = () => status({ authenticated: false, error: 'revoked' });
    expect(await whyNot('revoked')).toBe('[invalid bearer token, revoked]');
    answer = () => status({ authenticated: true, user: jane, audiences: ['vault'] });
    expect(await whoIs('for-vault')).toBe(401);
    expect(await whyNot('for-vault', ['vault'])).toBeUndefined();
  });

  test('that is busy is asked again', async () => {
    answer = (_, n) => (n < 3 ? { status: n === 1 ? 503 : 429, body: '' } : status({ authenticated: true, user: jane }));
    expect(await whoIs('later')).toMatchObject({ username: 'jane' });
    expect(asked).toHaveLength(3);
  });

  test.each<[string, ReturnType<typeof answer>, string]>([
    ['redirects', { status: 302, headers: { location: 'https://127.0.0.1:1/' }, body: '' }, 'answered 302'],
    ['refuses', { status: 403, body: '' }, 'answered 403'],
    ['answers nonsense', { body: 'nonsense' }, 'did not answer with an object'],
    ['answers a list', { body: '[]' }, 'did not answer with an object'],
    ['answers too much', { body: `"${'x'.repeat(3 * 1024 * 1024)}"` }, 'the answer is longer than'],
  ])('that %s lets nobody in', async (what, reply, why) => {
    answer = () => reply;
    expect(await whyNot(`token of who ${what}`)).toContain(why);
    expect(await whoIs(`token-of-who-${what.replaceAll(' ', '-')}`)).toBe(401);
    expect(asked).toHaveLength(2);
  });

  test('whose answer has other types than it should lets nobody in under a wrong name', async () => {
    answer = () => status({ authenticated: 'true', user: jane });
    expect(await whoIs('odd')).toBe(401);
    answer = () => status({ authenticated: true, user: { username: 'joe', groups: 'x', extra: ['a'], uid: 7 } });
    expect(await whoIs('odd2')).toEqual({ username: 'joe', groups: ['system:authenticated'] });
  });

  test('may speak v1beta1', async () => {
    answer = () => status({ authenticated: true, user: jane });
    await using old = await startWith(webhookKubeconfig(authority, webhook.url), { 'authentication-token-webhook-version': 'v1beta1' });
    expect(await whoIs('good', old)).toMatchObject({ username: 'jane' });
    expect(asked[0]).toMatchObject({ apiVersion: 'authentication.k8s.io/v1beta1' });
  });

  test.each([
    ['http://127.0.0.1:1', 'the server is not an https URL'],
    ['ftp://x', 'the server is not an https URL'],
  ])('at %s is refused at the start', async (url, why) => {
    await expect(startWith(webhookKubeconfig(authority, url), {})).rejects.toThrow(why);
  });
});
