/** Decisions that a webhook is asked for, over HTTPS on this machine: by plain flags and by a file of authorizers. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { FlagValues } from '../../src/apiserver/flags/index.ts';
import { createTestAuthority, type KeyPair, type TestAuthority } from './certificates.ts';
import { startTestServer, testExtensions, type TestServer } from './harness.ts';
import { startHttps, webhookKubeconfig } from './local-https.ts';

interface Asked {
  readonly kind: string;
  readonly apiVersion: string;
  readonly spec: {
    readonly user?: string;
    readonly groups?: readonly string[];
    readonly group?: readonly string[];
    readonly resourceAttributes?: Record<string, unknown>;
    readonly nonResourceAttributes?: Record<string, unknown>;
  };
}

type Reply = { readonly status?: number; readonly headers?: Record<string, string>; readonly body?: unknown } | 'silence' | 'trickle';

let authority: TestAuthority;
let directory: string;
let webhook: Awaited<ReturnType<typeof startHttps>>;
let server: TestServer;
let kubeconfigFile: string;
let asked: Asked[] = [];
let answer: (review: Asked, n: number) => Reply;
const identities = new Map<string, KeyPair>();
const silent: (() => void)[] = [];

beforeAll(async () => {
  authority = await createTestAuthority();
  directory = mkdtempSync(join(tmpdir(), 'knarr-authorizer-'));
  webhook = await startHttps(authority, (request, body, response) => {
    const review = JSON.parse(body) as Asked;
    asked.push(review);
    const known = request.headers.authorization === 'Bearer the-server';
    const reply: Reply = known ? answer(review, asked.length) : { status: 401, body: '' };
    if (reply === 'silence') {
      silent.push(() => response.destroy());
      return;
    }
    if (reply === 'trickle') {
      response.writeHead(200);
      const drip = setInterval(() => response.write(' '), 20);
      response.once('close', () => clearInterval(drip));
      return;
    }
    const { status = 200, headers = {}, body: text } = reply;
    response.writeHead(status, headers).end(typeof text === 'string' ? text : JSON.stringify(text));
  });
  kubeconfigFile = join(directory, 'webhook.kubeconfig');
  writeFileSync(kubeconfigFile, webhookKubeconfig(authority, `${webhook.url}/authorize`));
  server = await startWith(plain);
});
afterAll(async () => {
  await server.close();
  await webhook.close();
  rmSync(directory, { recursive: true });
});
beforeEach(() => {
  asked = [];
  for (const end of silent.splice(0)) end();
});

const plain = {
  'authorization-mode': ['Node', 'RBAC', 'Webhook'],
  'authorization-webhook-version': 'v1',
  'authorization-webhook-cache-authorized-ttl': 300_000,
  'authorization-webhook-cache-unauthorized-ttl': 30_000,
} as const satisfies FlagValues;

function startWith(flags: FlagValues): Promise<TestServer> {
  const file = flags['authorization-mode']?.includes('Webhook') ? { 'authorization-webhook-config-file': kubeconfigFile } : {};
  return startTestServer({
    extensions: testExtensions({
      flags: { ...file, ...flags },
    }),
  });
}

async function as(user: string, at = server): Promise<(method: string, path: string, body?: unknown) => ReturnType<TestServer['http']>> {
  const identity = identities.get(user) ?? (await at.authority.client({ name: user, groups: ['dev'] }));
  identities.set(user, identity);
  return (method, path, body) => at.http(method, path, body, { identity });
}

const get = async (user: string, path: string, at = server): ReturnType<TestServer['http']> => (await as(user, at))('GET', path);

const review = (status: object, version = 'v1'): Reply => ({
  body: { apiVersion: `authorization.k8s.io/${version}`, kind: 'SubjectAccessReview', status },
});
const secrets = '/api/v1/namespaces/default/secrets';

describe('a webhook', () => {
  test('is asked about everything that the others have no opinion on, and lets in', async () => {
    answer = () => review({ allowed: true, reason: 'jane may' });
    const path = `${secrets}?fieldSelector=type%3Da&labelSelector=${encodeURIComponent('a=b,c notin (d,e),!f,g')}`;
    expect((await get('jane', path)).status).toBe(200);
    expect(asked).toEqual([
      {
        kind: 'SubjectAccessReview',
        apiVersion: 'authorization.k8s.io/v1',
        metadata: {},
        spec: {
          resourceAttributes: {
            namespace: 'default',
            verb: 'list',
            version: 'v1',
            resource: 'secrets',
            fieldSelector: { requirements: [{ key: 'type', operator: 'In', values: ['a'] }] },
            labelSelector: {
              requirements: [
                { key: 'a', operator: 'In', values: ['b'] },
                { key: 'c', operator: 'NotIn', values: ['d', 'e'] },
                { key: 'f', operator: 'DoesNotExist' },
                { key: 'g', operator: 'Exists' },
              ],
            },
          },
          user: 'jane',
          groups: ['dev', 'system:authenticated'],
          extra: { 'authentication.kubernetes.io/credential-id': [expect.stringMatching(/^X509SHA256=/)] },
        },
        status: { allowed: false },
      },
    ]);
  });

  test('is told of subresources, groups of the API and paths', async () => {
    answer = () => review({ allowed: false });
    const jane = await as('paths');
    await jane('PUT', '/apis/apps/v1/namespaces/default/deployments/d/scale', {});
    await jane('GET', '/metrics');
    expect(asked.map(({ spec }) => spec.resourceAttributes ?? spec.nonResourceAttributes)).toEqual([
      { namespace: 'default', verb: 'update', group: 'apps', version: 'v1', resource: 'deployments', subresource: 'scale', name: 'd' },
      { path: '/metrics', verb: 'get' },
    ]);
  });

  test('is told of the uid and extra values of who is asked about', async () => {
    answer = () => review({ allowed: false });
    const spec = {
      user: 'joe',
      uid: '7',
      groups: ['g'],
      extra: { team: ['x', 'y'] },
      resourceAttributes: { verb: 'get', resource: 'pods', name: 'p' },
    };
    await server.http('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec,
    });
    expect(asked.map((one) => one.spec)).toEqual([{ ...spec, resourceAttributes: { ...spec.resourceAttributes, version: '*' } }]);
  });

  test('is not asked when those before it allow: discovery, and everything of administrators', async () => {
    answer = () => review({ allowed: false, denied: true });
    expect((await get('jane', '/version')).status).toBe(200);
    expect((await server.http('GET', secrets)).status).toBe(200);
    expect(asked).toEqual([]);
  });

  test('is believed for a while', async () => {
    answer = ({ spec }) => review({ allowed: spec.user === 'allowed' });
    for (const status of [200, 200]) expect((await get('allowed', secrets)).status).toBe(status);
    for (const status of [403, 403]) expect((await get('refused', secrets)).status).toBe(status);
    expect(asked).toHaveLength(2);
  });

  test('is asked once by many at a time', async () => {
    answer = () => review({ allowed: true });
    const many = await as('many');
    const statuses = await Promise.all(Array.from({ length: 8 }, async () => (await many('GET', secrets)).status));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(asked).toHaveLength(1);
  });

  test('tells why it refuses', async () => {
    answer = () => review({ allowed: false, reason: 'not on Sundays' });
    expect((await get('sunday', secrets)).json.message).toBe(
      'secrets is forbidden: User "sunday" cannot list resource "secrets" in API group "" in the namespace "default": not on Sundays',
    );
  });

  test('that is busy is asked again', async () => {
    answer = (_, n) => (n < 3 ? { status: n === 1 ? 503 : 429, body: '' } : review({ allowed: true }));
    expect((await get('later', secrets)).status).toBe(200);
    expect(asked).toHaveLength(3);
  });

  test('may speak v1beta1, whose groups have another name', async () => {
    answer = () => review({ allowed: true }, 'v1beta1');
    const { 'authorization-webhook-version': _version, ...flags } = plain;
    await using old = await startWith(flags);
    expect((await get('old', secrets, old)).status).toBe(200);
    expect(asked).toMatchObject([{ apiVersion: 'authorization.k8s.io/v1beta1', spec: { group: ['dev', 'system:authenticated'] } }]);
    expect(asked[0]!.spec).not.toHaveProperty('groups');
  });

  test('is asked each time when nothing is to be believed', async () => {
    answer = ({ spec }) => review({ allowed: spec.user === 'allowed' });
    await using forgetful = await startWith({
      ...plain,
      'authorization-webhook-cache-authorized-ttl': 0,
      'authorization-webhook-cache-unauthorized-ttl': 0,
    });
    for (const user of ['allowed', 'allowed', 'refused', 'refused']) await get(user, secrets, forgetful);
    expect(asked).toHaveLength(4);
  });
});

describe('a webhook that misbehaves allows nothing', () => {
  test.each<[string, Reply, string]>([
    ['redirects', { status: 302, headers: { location: 'https://127.0.0.1:1/' }, body: '' }, 'answered 302'],
    ['refuses', { status: 403, body: '' }, 'answered 403'],
    ['answers nonsense', { body: 'nonsense' }, 'did not answer with an object'],
    ['answers a list', { body: '[]' }, 'did not answer with an object'],
    ['answers too much', { body: `"${'x'.repeat(3 * 1024 * 1024)}"` }, 'the answer is longer than'],
    ['answers another kind', { body: { kind: 'TokenReview', apiVersion: 'authorization.k8s.io/v1' } }, 'did not answer with a SubjectAcc'],
    ['answers another version', review({ allowed: true }, 'v1beta1'), 'SubjectAccessReview of authorization.k8s.io/v1'],
    ['allows with a word', review({ allowed: 'true' }), 'status.allowed of the review is not a boolean'],
    ['denies with a number', review({ allowed: true, denied: 0 }), 'status.denied of the review is not a boolean'],
    ['gives a list of reasons', review({ allowed: true, reason: ['x'] }), 'status.reason of the review is not a string'],
    ['answers without a status', { body: { kind: 'SubjectAccessReview', apiVersion: 'authorization.k8s.io/v1', status: [] } }, 'no status'],
    ['allows and denies', review({ allowed: true, denied: true }), 'returned both allow and deny response'],
  ])('when it %s', async (what, reply, why) => {
    answer = () => reply;
    const refused = await get(`who ${what}`, secrets);
    expect(refused.status).toBe(500);
    expect(refused.json.message).toContain(`Internal Server Error: "${secrets}": `);
    expect(refused.json.message).toContain(why);
    expect(asked).toHaveLength(1);
    // Nothing is remembered of it.
    answer = () => review({ allowed: true });
    expect((await get(`who ${what}`, secrets)).status).toBe(200);
  });

  test('a webhook that says nothing more than "denied" is the last word', async () => {
    answer = () => review({ allowed: false, denied: true, reason: 'never' });
    await using first = await startWith({ ...plain, 'authorization-mode': ['Webhook', 'AlwaysAllow'] });
    expect((await get('denied', secrets, first)).status).toBe(403);
    answer = () => review({ allowed: false });
    expect((await get('undecided', secrets, first)).status).toBe(200);
  });
});

test('a webhook is asked who may act as whom; without an answer nobody may', async () => {
  const jane = await server.authority.client({ name: 'actor', groups: ['dev'] });
  const actAs = (user: string): ReturnType<TestServer['http']> =>
    server.http('GET', secrets, undefined, { identity: jane, headers: { 'impersonate-user': user } });
  answer = () => review({ allowed: true });
  expect((await actAs('joe')).status).toBe(200);
  expect(asked.map(({ spec }) => [spec.user, spec.resourceAttributes?.['verb']])).toEqual([
    ['actor', 'impersonate'],
    ['joe', 'list'],
  ]);
  answer = () => ({ status: 400, body: '' });
  const refused = await actAs('jill');
  expect([refused.status, refused.json.message]).toEqual([
    403,
    'users "jill" is forbidden: User "actor" cannot impersonate resource "users" in API group "" at the cluster scope',
  ]);
});

describe('reviews with a webhook in the chain', () => {
  const mayI = async (user: string): Promise<unknown> => {
    const body = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { verb: 'list', resource: 'secrets', namespace: 'default' } },
    };
    return (await (await as(user))('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', body)).json.status;
  };

  test('say what it says', async () => {
    answer = () => review({ allowed: true, reason: 'yes' });
    expect(await mayI('may')).toEqual({ allowed: true, reason: 'yes' });
    answer = () => review({ allowed: false, denied: true, reason: 'no' });
    expect(await mayI('may-not')).toEqual({ allowed: false, denied: true, reason: 'no' });
    answer = () => ({ status: 400, body: '' });
    expect(await mayI('unknown')).toEqual({
      allowed: false,
      evaluationError: expect.stringContaining('answered 400') as string,
    });
  });

  test('of rules are incomplete and say why', async () => {
    answer = () => review({ allowed: true });
    const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace: 'default' } };
    const { json } = await (await as('rules'))('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', body);
    expect(json.status).toMatchObject({
      incomplete: true,
      evaluationError: 'webhook authorizer does not support user rule resolution',
      nonResourceRules: expect.arrayContaining([expect.objectContaining({ nonResourceURLs: expect.any(Array) as unknown })]) as unknown,
    });
  });
});

describe('a file of authorizers', () => {
  const webhookEntry = (name: string, more: object = {}): object => ({
    type: 'Webhook',
    name,
    webhook: {
      timeout: '3s',
      subjectAccessReviewVersion: 'v1',
      failurePolicy: 'Deny',
      connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: kubeconfigFile },
      ...more,
    },
  });
  const fileOf = (authorizers: readonly object[]): string =>
    JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthorizationConfiguration', authorizers });
  const node = { type: 'Node', name: 'node' };
  const rbac = { type: 'RBAC', name: 'rbac' };
  const allow = { type: 'AlwaysAllow', name: 'alwaysallow' };

  async function startFrom(authorizers: readonly object[]): Promise<{ readonly at: TestServer; readonly path: string }> {
    const path = join(directory, `authorizers-${Math.random()}.yaml`);
    writeFileSync(path, fileOf(authorizers));
    return { at: await startWith({ 'authorization-config': path }), path };
  }

  test('asks several webhooks in turn', async () => {
    const { at } = await startFrom([webhookEntry('first'), node, rbac, webhookEntry('second')]);
    await using _closed = at;
    answer = (_, n) => review({ allowed: n === 2 });
    expect((await get('turns', secrets, at)).status).toBe(200);
    expect(asked).toHaveLength(2);
  });

  test('decides what a webhook without an answer means', async () => {
    answer = () => ({ status: 400, body: '' });
    const { at } = await startFrom([webhookEntry('first'), allow]);
    await using _denying = at;
    expect((await get('jane', secrets, at)).status).toBe(500);
    const { at: open } = await startFrom([webhookEntry('first', { failurePolicy: 'NoOpinion' }), allow]);
    await using _open = open;
    expect((await get('jane', secrets, open)).status).toBe(200);
  });

  test.each(['silence', 'trickle'] as const)('says how long a webhook may take, be it %s', async (reply) => {
    answer = () => reply;
    const { at } = await startFrom([webhookEntry('first', { timeout: '200ms' })]);
    await using _closed = at;
    const refused = await get('slow', secrets, at);
    expect(refused.status).toBe(500);
    expect(refused.json.message).toContain('context deadline exceeded');
  });

  test('says what is believed', async () => {
    const { at } = await startFrom([webhookEntry('first', { cacheAuthorizedRequests: false })]);
    await using _closed = at;
    answer = ({ spec }) => review({ allowed: spec.user === 'allowed' });
    for (const user of ['allowed', 'allowed', 'refused', 'refused']) await get(user, secrets, at);
    expect(asked).toHaveLength(3);
  });

  test('takes effect when it changes, and a bad one does not', async () => {
    const { at, path } = await startFrom([rbac]);
    await using _closed = at;
    const replace = (text: string): void => {
      writeFileSync(`${path}.new`, text);
      renameSync(`${path}.new`, path);
    };
    answer = () => review({ allowed: true });
    expect((await get('jane', secrets, at)).status).toBe(403);
    replace(fileOf([rbac, webhookEntry('later')]));
    await vi.waitFor(async () => expect((await get('jane', secrets, at)).status).toBe(200), 20_000);
    // A node authorizer cannot be had later, a type that there is not never, and no file is no reason to forget.
    for (const bad of [fileOf([node]), fileOf([{ type: 'Oracle', name: 'o' }]), 'authorizers: [', '']) replace(bad);
    replace(fileOf([allow, { ...rbac, name: 'other' }]));
    rmSync(path);
    expect((await get('jane', secrets, at)).status).toBe(200);
    replace(fileOf([{ type: 'AlwaysDeny', name: 'alwaysdeny' }]));
    await vi.waitFor(async () => expect((await get('jane', secrets, at)).status).toBe(403), 20_000);
  });

  test('that is bad lets no server start', async () => {
    await expect(startFrom([])).rejects.toThrow('authorizers: Required value: at least one authorization mode must be defined');
  });
});
