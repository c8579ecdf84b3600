/** Lists: pages, versions, forms. */
import { connect } from 'node:http2';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './harness.ts';
import type { Json } from './raw-http.ts';

let server: TestServer;
const path = '/api/v1/namespaces/default/configmaps';
const names = Array.from({ length: 10 }, (_, i) => `cm-${i}`);
const make = (name: string, data: object = {}): Promise<Json> =>
  server.http('POST', path, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { n: name } }, data });

beforeAll(async () => {
  server = await startTestServer({ namespaces: ['default', 'big', 'a', 'a-b'] });
  for (const name of names) await make(name);
});
afterAll(() => server.close());

const itemNames = (list: Json): string[] => list.items.map(({ metadata }: Json) => metadata.name);

describe('a list', () => {
  test('has the newest version of all objects in the order of their names', async () => {
    const { json } = await server.http('GET', path);
    expect(json).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1', metadata: { resourceVersion: expect.stringMatching(/^\d+$/) } });
    expect(itemNames(json)).toEqual(names);
    expect(json.items[0]).not.toHaveProperty('kind');
  });

  test('an empty list has no items and a version', async () => {
    const { json } = await server.http('GET', '/api/v1/nodes');
    expect(json).toMatchObject({ kind: 'NodeList', apiVersion: 'v1', items: [] });
  });

  test('of all namespaces keeps the order of the store', async () => {
    for (const namespace of ['a', 'a-b']) {
      await server.http('POST', `/api/v1/namespaces/${namespace}/secrets`, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } });
    }
    const { json } = await server.http('GET', '/api/v1/secrets');
    expect(json.items.map(({ metadata }: Json) => metadata.namespace)).toEqual(['a-b', 'a']);
  });

  test('comes in pages that show one moment, however much is written between them', async () => {
    const first = (await server.http('GET', `${path}?limit=4`)).json;
    expect(itemNames(first)).toEqual(names.slice(0, 4));
    expect(first.metadata.remainingItemCount).toBe(6);
    await make('cm-45');
    await server.http('DELETE', `${path}/cm-7`);
    const second = (await server.http('GET', `${path}?limit=4&continue=${first.metadata.continue}`)).json;
    expect(itemNames(second)).toEqual(names.slice(4, 8));
    expect(second.metadata.remainingItemCount).toBe(2);
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    const third = (await server.http('GET', `${path}?limit=4&continue=${second.metadata.continue}`)).json;
    expect(itemNames(third)).toEqual(names.slice(8));
    expect(third.metadata.continue).toBeUndefined();
    await server.http('DELETE', `${path}/cm-45`);
    await make('cm-7');
  });

  test('a page through a selector does not say how many remain', async () => {
    const { json } = await server.http('GET', `${path}?limit=2&labelSelector=n%20in%20(cm-1,cm-3,cm-5)`);
    expect(itemNames(json)).toEqual(['cm-1', 'cm-3']);
    expect(json.metadata.continue).toBeDefined();
    expect(json.metadata.remainingItemCount).toBeUndefined();
    const rest = (await server.http('GET', `${path}?limit=2&labelSelector=n%20in%20(cm-1,cm-3,cm-5)&continue=${json.metadata.continue}`))
      .json;
    expect(itemNames(rest)).toEqual(['cm-5']);
  });

  test('at an exact version shows the past', async () => {
    const before = (await server.http('GET', path)).json.metadata.resourceVersion;
    await make('later');
    const past = (await server.http('GET', `${path}?resourceVersion=${before}&resourceVersionMatch=Exact`)).json;
    expect(itemNames(past)).not.toContain('later');
    expect(past.metadata.resourceVersion).toBe(before);
    const now = (await server.http('GET', `${path}?resourceVersion=${before}&resourceVersionMatch=NotOlderThan`)).json;
    expect(itemNames(now)).toContain('later');
    await server.http('DELETE', `${path}/later`);
  });

  test('at a compacted version is gone, and a page before it offers to go on from now', async () => {
    const { metadata } = (await server.http('GET', `${path}?limit=3`)).json;
    await make('compacting');
    await server.http('DELETE', `${path}/compacting`);
    await server.store.compact(await server.store.revision());
    const gone = await server.http('GET', `${path}?resourceVersion=${metadata.resourceVersion}&resourceVersionMatch=Exact`);
    expect(gone.json).toMatchObject({ code: 410, reason: 'Expired', message: 'The resourceVersion for the provided list is too old.' });
    const page = await server.http('GET', `${path}?limit=3&continue=${metadata.continue}`);
    expect(page.json).toMatchObject({ code: 410, reason: 'Expired' });
    expect(page.json.message).toMatch(/^The provided continue parameter is too old to display a consistent list result\./);
    const onward = await server.http('GET', `${path}?limit=3&continue=${page.json.metadata.continue}`);
    expect(itemNames(onward.json)).toEqual(['cm-3', 'cm-4', 'cm-5']);
  });

  test('can select by name and by namespace', async () => {
    expect(itemNames((await server.http('GET', `${path}?fieldSelector=metadata.name%3Dcm-3`)).json)).toEqual(['cm-3']);
    expect(itemNames((await server.http('GET', `${path}?fieldSelector=metadata.name!%3Dcm-3`)).json)).not.toContain('cm-3');
    const all = (await server.http('GET', '/api/v1/configmaps?fieldSelector=metadata.namespace%3Ddefault,metadata.name%3Dcm-4')).json;
    expect(itemNames(all)).toEqual(['cm-4']);
  });
});

describe('a client that asks for another form', () => {
  test('gets a table', async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
    const { json } = await server.http('GET', path, undefined, { headers: { accept } });
    expect(json).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
    expect(json.columnDefinitions[0]).toMatchObject({ name: 'Name', type: 'string' });
    expect(json.rows).toHaveLength(10);
    expect(json.rows[0].cells[0]).toBe('cm-0');
    expect(json.rows[0].object).toMatchObject({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'cm-0' } });
    const bare = await server.http('GET', `${path}?includeObject=None`, undefined, { headers: { accept } });
    expect(bare.json.rows[0]).not.toHaveProperty('object');
  });

  test('gets metadata only', async () => {
    const accept = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json;q=0.5';
    const { json } = await server.http('GET', path, undefined, { headers: { accept } });
    expect(json).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' });
    expect(json.items[0]).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'cm-0' } });
    expect(json.items[0]).not.toHaveProperty('data');
  });

  test('gets YAML, indented JSON or JSON on one line', async () => {
    const yaml = await server.http('GET', `${path}/cm-1`, undefined, { headers: { accept: 'application/yaml' } });
    expect(yaml.text).toMatch(/^kind: ConfigMap$/m);
    const curl = await server.http('GET', `${path}/cm-1`, undefined, { headers: { 'user-agent': 'curl/8' } });
    expect(curl.text).toMatch(/^\{\n {2}"kind": "ConfigMap",\n/);
    const plain = await server.http('GET', `${path}/cm-1?pretty=false`, undefined, { headers: { 'user-agent': 'curl/8' } });
    expect(plain.text).toMatch(/^\{"kind":"ConfigMap","apiVersion":"v1","metadata":\{.*\}\n$/);
  });

  test('gets large lists compressed when it takes that, and whole in any case', async () => {
    const big = '/api/v1/namespaces/big/configmaps';
    const data = { text: 'abcdefghij'.repeat(3_000) };
    for (let i = 0; i < 20; i++)
      await server.http('POST', big, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `b-${i}` }, data });
    const plain = await server.http('GET', big);
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(plain.json.items).toHaveLength(20);
    const packed = await server.http('GET', big, undefined, { headers: { 'accept-encoding': 'gzip' } });
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(packed.bytes.length).toBeLessThan(plain.bytes.length / 10);
    expect(gunzipSync(packed.bytes).equals(plain.bytes)).toBe(true);
  });

  test('gets large lists whole when many are on their way at once', async () => {
    const big = '/api/v1/namespaces/big/configmaps';
    const { bytes } = await server.http('GET', big);
    const packed = { headers: { 'accept-encoding': 'gzip' } };
    const lists = await Promise.all(Array.from({ length: 16 }, (_, i) => server.http('GET', big, undefined, i % 2 === 0 ? packed : {})));
    for (const list of lists) {
      const whole = list.headers['content-encoding'] === 'gzip' ? gunzipSync(list.bytes) : list.bytes;
      expect(whole.equals(bytes)).toBe(true);
    }
    const session = connect(`https://127.0.0.1:${server.port}`, {
      ca: server.authority.ca,
      cert: server.admin.cert,
      key: server.admin.key,
    });
    try {
      const streams = await Promise.all(Array.from({ length: 16 }, () => buffer(session.request({ ':path': big }))));
      for (const whole of streams) expect(whole.equals(bytes)).toBe(true);
    } finally {
      session.destroy();
    }
  });
});
