/** The documents that `kubectl explain`, `apply` and code generators read. */
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './harness.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const protobuf = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

test('the index names a document for each group version that is served', async () => {
  const { paths } = (await server.http('GET', '/openapi/v3')).json as { paths: Record<string, { serverRelativeURL: string }> };
  expect(Object.keys(paths)).toEqual(expect.arrayContaining(['api/v1', 'apis/apps/v1']));
  const { status, headers, json } = await server.http('GET', paths['apis/apps/v1']!.serverRelativeURL);
  expect([status, headers['cache-control']]).toEqual([200, 'public, immutable, max-age=31536000']);
  expect(json.paths).toHaveProperty('/apis/apps/v1/namespaces/{namespace}/deployments/{name}');
});

test('an old hash leads to the new document', async () => {
  const { status, headers } = await server.http('GET', '/openapi/v3/api/v1?hash=OLD');
  expect(status).toBe(301);
  expect((await server.http('GET', headers.location!)).status).toBe(200);
});

test('a document comes packed to whoever can unpack it, and not at all to whoever has it', async () => {
  const packed = await server.http('GET', '/openapi/v2', undefined, { headers: { 'accept-encoding': 'gzip' } });
  expect(packed.headers['content-encoding']).toBe('gzip');
  const plain = await server.http('GET', '/openapi/v2');
  expect(gunzipSync(packed.bytes).equals(plain.bytes)).toBe(true);
  const again = await server.http('GET', '/openapi/v2', undefined, { headers: { 'if-none-match': plain.headers.etag! } });
  expect([again.status, again.text]).toEqual([304, '']);
});

test('version 2 is JSON or protobuf, as the client asks', async () => {
  expect((await server.http('GET', '/openapi/v2')).json).toMatchObject({ swagger: '2.0' });
  const { headers, bytes } = await server.http('GET', '/openapi/v2', undefined, { headers: { accept: `${protobuf}, application/json` } });
  expect(headers['content-type']).toBe('application/com.github.proto-openapi.spec.v2.v1.0+protobuf');
  // Field 1 of the message: swagger, "2.0".
  expect(bytes.subarray(0, 5).toString('latin1')).toBe('\n\u00032.0');
});

test('what is not there is not found, and what cannot be said is not acceptable', async () => {
  expect((await server.http('GET', '/openapi/v3/apis/nothing/v1')).status).toBe(404);
  expect((await server.http('GET', '/openapi/v2', undefined, { headers: { accept: 'text/html' } })).json).toMatchObject({
    code: 406,
    reason: 'NotAcceptable',
  });
});
