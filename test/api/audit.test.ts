/** The audit log against the running server. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { corev1Resources } from '../../src/api/index.ts';
import { startTestServer, testExtensions, type TestServer } from './harness.ts';
import type { Json } from './raw-http.ts';

const directory = mkdtempSync(join(tmpdir(), 'kn-audit-api-'));
const path = join(directory, 'audit.log');
const policyFile = join(directory, 'policy.yaml');
let server: TestServer;

const policy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitManagedFields: true
rules:
- level: Metadata
  resources: [{group: "", resources: [secrets]}]
- level: RequestResponse
  namespaces: [default]
  omitStages: [RequestReceived]
- level: Metadata
  nonResourceURLs: ["/version"]
- level: Metadata
  verbs: [watch]
`;

beforeAll(async () => {
  writeFileSync(policyFile, policy);
  server = await startTestServer({
    // No token is anybody's.
    authentication: () => ({ tokens: [() => undefined] }),
    extensions: testExtensions({
      flags: { 'audit-policy-file': policyFile, 'audit-log-path': path },
    }),
  });
});

afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

/** The events of a request, when all its stages have been written. */
function events(auditID: string, stages: number): Promise<Json[]> {
  return vi.waitFor(
    () => {
      const lines = readFileSync(path, 'utf8')
        .trim()
        .split('\n')
        .filter((line) => line !== '');
      const found = lines.map((line): Json => JSON.parse(line)).filter((event) => event.auditID === auditID);
      expect(found).toHaveLength(stages);
      return found;
    },
    { timeout: 20_000 },
  );
}

const configMaps = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string): Json => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'b' } });

test('a write is told with what was asked and what was answered, under the id of its answer', async () => {
  const answer = await server.http('POST', `${configMaps}?fieldManager=me`, configMap('one'), { headers: { 'user-agent': 'tester/1' } });
  const [event] = await events(String(answer.headers['audit-id']), 1);
  expect(event).toMatchObject({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'RequestResponse',
    stage: 'ResponseComplete',
    requestURI: `${configMaps}?fieldManager=me`,
    verb: 'create',
    user: { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
    sourceIPs: ['127.0.0.1'],
    userAgent: 'tester/1',
    objectRef: { resource: 'configmaps', namespace: 'default', name: 'one', apiVersion: 'v1' },
    responseStatus: { metadata: {}, code: 201 },
    requestObject: { kind: 'ConfigMap', data: { a: 'b' } },
    annotations: { 'authorization.k8s.io/decision': 'allow' },
  });
  expect(event.responseObject.metadata).toMatchObject({ name: 'one', uid: answer.json.metadata.uid });
  expect(event.responseObject.metadata.managedFields).toBeUndefined();
});

test('an id of the client is kept', async () => {
  const answer = await server.http('GET', `${configMaps}/none`, undefined, { headers: { 'audit-id': 'mine-1' } });
  expect(answer.headers['audit-id']).toBe('mine-1');
  const [event] = await events('mine-1', 1);
  expect(event.responseStatus).toMatchObject({ status: 'Failure', reason: 'NotFound', code: 404, details: { name: 'none' } });
});

test('patches and options of deletions are told as they came', async () => {
  await server.http('POST', configMaps, configMap('two'));
  const patch = await server.http(
    'PATCH',
    `${configMaps}/two`,
    { data: { a: 'c' } },
    { headers: { 'content-type': 'application/merge-patch+json' } },
  );
  expect((await events(String(patch.headers['audit-id']), 1))[0].requestObject).toEqual({ data: { a: 'c' } });
  const removed = await server.http('DELETE', `${configMaps}/two`, {
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    propagationPolicy: 'Background',
  });
  const [event] = await events(String(removed.headers['audit-id']), 1);
  expect(event).toMatchObject({
    verb: 'delete',
    requestObject: { propagationPolicy: 'Background' },
    responseStatus: { status: 'Success', code: 200 },
  });
});

test('what a policy keeps out of the log is not in it', async () => {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { password: 'hunter2' } };
  const answer = await server.http('POST', '/api/v1/namespaces/default/secrets', secret);
  const told = await events(String(answer.headers['audit-id']), 2);
  expect(told.map(({ stage }) => stage)).toEqual(['RequestReceived', 'ResponseComplete']);
  expect(JSON.stringify(told)).not.toContain('hunter2');
  const unseen = await server.http('GET', '/healthz', undefined, { headers: { 'audit-id': 'unseen' } });
  expect(unseen.status).toBe(200);
  await events('unseen', 0);
});

test('a watch is told when it begins and when it ends', async () => {
  const answer = await server.http('GET', `/api/v1/nodes?watch=true&timeoutSeconds=1`);
  const told = await events(String(answer.headers['audit-id']), 3);
  expect(told.map(({ stage }) => stage)).toEqual(['RequestReceived', 'ResponseStarted', 'ResponseComplete']);
});

test('whoever acts as somebody else is told as both', async () => {
  const headers = { 'impersonate-user': 'jane', 'impersonate-group': 'dev' };
  const answer = await server.http('GET', configMaps, undefined, { headers });
  const [event] = await events(String(answer.headers['audit-id']), 1);
  expect(event).toMatchObject({
    user: { username: 'kubernetes-admin' },
    impersonatedUser: { username: 'jane', groups: ['dev', 'system:authenticated'] },
    responseStatus: { code: 403, reason: 'Forbidden' },
    annotations: { 'authorization.k8s.io/decision': 'forbid' },
  });
});

test('a credential that is refused is told without a user', async () => {
  const answer = await server.http('GET', '/version', undefined, { identity: undefined, headers: { authorization: 'Bearer nobody' } });
  expect(answer.status).toBe(401);
  const [event] = await events(String(answer.headers['audit-id']), 1);
  expect(event).toMatchObject({
    stage: 'ResponseStarted',
    user: {},
    responseStatus: { code: 401, reason: 'Unauthorized', message: 'Authentication failed, attempted: bearer' },
  });
});

test("the process's own components are told too", async () => {
  const { signal } = new AbortController();
  await server.client.create(
    corev1Resources.configmaps,
    { ...configMap('inside'), metadata: { name: 'inside', namespace: 'default' } },
    { signal },
  );
  await vi.waitFor(() => expect(readFileSync(path, 'utf8')).toContain('"name":"inside"'), { timeout: 20_000 });
});
