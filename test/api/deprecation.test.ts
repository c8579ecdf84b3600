/** Kinds that upstream has deprecated say so with every answer. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './harness.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const endpoints = '/api/v1/namespaces/default/endpoints';
const warning = '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"';
const body = { kind: 'Endpoints', apiVersion: 'v1', metadata: { name: 'old' } };

test.each([
  ['POST', endpoints, body, 201],
  ['GET', `${endpoints}/old`, undefined, 200],
  ['GET', endpoints, undefined, 200],
  ['GET', `${endpoints}?watch=1&timeoutSeconds=1`, undefined, 200],
  ['PUT', `${endpoints}/old`, body, 200],
  ['GET', `${endpoints}/absent`, undefined, 404],
  ['DELETE', `${endpoints}/old`, undefined, 200],
])('%s %s of Endpoints', async (method, path, sent, status) => {
  const answer = await server.http(method, path, sent);
  expect([answer.status, answer.headers['warning']]).toEqual([status, warning]);
});

test('other kinds say nothing', async () => {
  expect((await server.http('GET', '/api/v1/namespaces/default/services')).headers['warning']).toBeUndefined();
});
