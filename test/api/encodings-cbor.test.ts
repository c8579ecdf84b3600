/** CBOR, which is behind a gate that is off by default. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeCbor, encodeCbor } from '../../src/api/cbor/index.ts';
import { featureEnabledByDefault, type JsonObject } from '../../src/api/index.ts';
import { startTestServer, type TestServer } from './harness.ts';

const cbor = 'application/cbor';
const path = '/api/v1/namespaces/default/configmaps';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ featureEnabled: (gate) => gate === 'CBORServingAndStorage' || featureEnabledByDefault(gate) });
});
afterAll(() => server.close());

const accept = { headers: { accept: cbor } };

async function send(method: string, target: string, value: unknown, contentType = cbor): Promise<{ status: number; object: JsonObject }> {
  const body = Buffer.from(encodeCbor(value));
  const headers = { accept: cbor, 'content-type': contentType, 'content-length': String(body.length) };
  const { bytes, headers: sent, status } = await server.http(method, target, body, { headers });
  expect(sent['content-type']).toBe(cbor);
  return { status, object: decodeCbor(bytes) as JsonObject };
}

test('objects are created, read, listed and applied in it', async () => {
  const { status, object } = await send('POST', path, { metadata: { name: 'a' }, data: { k: 'v' }, binaryData: { b: 'AQID' } });
  expect(status).toBe(201);
  expect(object).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', data: { k: 'v' }, binaryData: { b: 'AQID' } });
  const json = await server.http('GET', `${path}/a`);
  const got = await server.http('GET', `${path}/a`, undefined, accept);
  expect(decodeCbor(got.bytes)).toEqual(json.json);
  const list = await server.http('GET', path, undefined, accept);
  expect(decodeCbor(list.bytes)).toEqual((await server.http('GET', path)).json);
  const applied = await send(
    'PATCH',
    `${path}/b?fieldManager=m`,
    { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'b' }, data: { x: 'y' } },
    'application/apply-patch+cbor',
  );
  expect(applied).toMatchObject({ status: 201, object: { data: { x: 'y' } } });
  const deleted = await send('DELETE', `${path}/b`, { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0 });
  expect(deleted.object).toMatchObject({ kind: 'Status', status: 'Success' });
});

test('metadata goes out in it, tables do not', async () => {
  const partial = await server.http('GET', path, undefined, {
    headers: { accept: `${cbor};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io` },
  });
  expect(decodeCbor(partial.bytes)).toMatchObject({ kind: 'PartialObjectMetadataList' });
  const table = await server.http('GET', path, undefined, { headers: { accept: `${cbor};as=Table;v=v1;g=meta.k8s.io` } });
  expect(table.json).toMatchObject({ code: 406, message: expect.stringMatching(/protobuf, application\/cbor$/) });
});

test('a watch is a sequence of documents', async () => {
  const version = (await server.http('GET', path)).json.metadata.resourceVersion as string;
  await server.http('POST', path, { metadata: { name: 'w' } });
  const target = `${path}?watch=1&resourceVersion=${version}&timeoutSeconds=1`;
  const watched = await server.http('GET', target, undefined, accept);
  expect(watched.headers['content-type']).toBe('application/cbor-seq');
  expect(decodeCbor(watched.bytes)).toMatchObject({ type: 'ADDED', object: { kind: 'ConfigMap', metadata: { name: 'w' } } });
});

test('faults are Statuses in it', async () => {
  const missing = await server.http('GET', `${path}/none`, undefined, accept);
  expect(decodeCbor(missing.bytes)).toMatchObject({ kind: 'Status', code: 404, reason: 'NotFound' });
  const body = Buffer.from([0xa2, 0x61, 0x61, 1, 0x61, 0x61, 2]);
  const twice = await server.http('POST', path, body, { headers: { 'content-type': cbor } });
  expect(twice.json).toMatchObject({ code: 400, reason: 'BadRequest' });
  const unknown = await send('POST', `${path}?fieldValidation=Strict`, { metadata: { name: 'x' }, other: 1 });
  expect(unknown.object).toMatchObject({ code: 400, message: expect.stringContaining('unknown field "other"') });
  const other = await server.http('POST', path, 'x', { headers: { 'content-type': 'text/x' } });
  expect(other.json).toMatchObject({ code: 415, message: expect.stringMatching(/protobuf, application\/cbor$/) });
});
