import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeProtobuf, encodeProtobuf } from '../../src/api/protobuf/index.ts';
import type { JsonObject } from '../../src/api/index.ts';
import { startTestServer, testExtensions, type TestServer } from './harness.ts';

const protobuf = 'application/vnd.kubernetes.protobuf';
const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const core = 'io.k8s.api.core.v1';
const configMaps = '/api/v1/namespaces/default/configmaps';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    extensions: testExtensions({
      subresources: {
        kubeletTls: () => ({ ca: undefined, cert: '', key: '' }),
        signer: {
          issuer: 'https://issuer',
          audiences: ['https://issuer'],
          sign: (claims) => JSON.stringify(claims),
          publicKeys: { jwks: () => ({ keys: [] }), algorithms: ['RS256'] },
        },
      },
    }),
  });
});
afterAll(() => server.close());

const accept = (type: string, more: Readonly<Record<string, string>> = {}): { readonly headers: Readonly<Record<string, string>> } => ({
  headers: { accept: type, ...more },
});

type Typed = JsonObject & { readonly apiVersion: string; readonly kind: string };

/** Sends an object in protobuf, takes the answer in protobuf. */
async function send(method: string, path: string, object: Typed, definition: string, answer = definition): Promise<JsonObject> {
  const body = Buffer.from(encodeProtobuf(object, definition));
  const headers = { 'content-type': protobuf, 'content-length': String(body.length) };
  const { bytes, headers: sent } = await server.http(method, path, body, accept(protobuf, headers));
  expect(sent['content-type']).toBe(protobuf);
  return decodeProtobuf(bytes, answer);
}

const configMap = (name: string, data: JsonObject): Typed => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });

describe('protobuf', () => {
  test('an object is created, read, replaced, patched and deleted in it', async () => {
    const created = await send('POST', configMaps, configMap('all', { a: '1' }), `${core}.ConfigMap`);
    expect(created).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'all' }, data: { a: '1' } });
    const got = await server.http('GET', `${configMaps}/all`, undefined, accept(protobuf));
    expect(decodeProtobuf(got.bytes, `${core}.ConfigMap`)).toEqual(created);
    const json = await server.http('GET', `${configMaps}/all`);
    expect(decodeProtobuf(got.bytes, `${core}.ConfigMap`)).toEqual(json.json);
    const replaced = await send('PUT', `${configMaps}/all`, { ...(created as Typed), data: { b: '2' } }, `${core}.ConfigMap`);
    expect(replaced).toMatchObject({ data: { b: '2' } });
    const patch = accept(protobuf, { 'content-type': 'application/merge-patch+json' });
    const patched = await server.http('PATCH', `${configMaps}/all`, { data: { c: '3' } }, patch);
    expect(decodeProtobuf(patched.bytes, `${core}.ConfigMap`)).toMatchObject({ data: { b: '2', c: '3' } });
    const options: Typed = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, preconditions: { uid: 'another' } };
    const refused = await send('DELETE', `${configMaps}/all`, options, `${meta}.DeleteOptions`, `${meta}.Status`);
    expect(refused).toMatchObject({ kind: 'Status', code: 409, reason: 'Conflict' });
    const { preconditions: _preconditions, ...kind } = options;
    const deleted = await send('DELETE', `${configMaps}/all`, kind, `${meta}.DeleteOptions`, `${meta}.Status`);
    expect(deleted).toMatchObject({ kind: 'Status', status: 'Success', details: { name: 'all', kind: 'configmaps' } });
  });

  test('a failure is a Status in it', async () => {
    const missing = await server.http('GET', `${configMaps}/none`, undefined, accept(protobuf));
    expect([missing.status, missing.headers['content-type']]).toEqual([404, protobuf]);
    expect(decodeProtobuf(missing.bytes, `${meta}.Status`)).toMatchObject({
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      reason: 'NotFound',
      code: 404,
      details: { name: 'none', kind: 'configmaps' },
    });
    const yaml = await server.http('GET', `${configMaps}/none`, undefined, accept('application/yaml'));
    expect([yaml.headers['content-type'], yaml.text.includes('reason: NotFound')]).toEqual(['application/yaml', true]);
    const neither = await server.http('GET', `${configMaps}/none`, undefined, accept('text/html'));
    expect([neither.status, neither.headers['content-type'], neither.json.reason]).toEqual([404, 'application/json', 'NotFound']);
  });

  test('a list, whole and in pages, is what JSON says', async () => {
    const path = '/api/v1/namespaces/listed/configmaps';
    await server.http('POST', '/api/v1/namespaces', { metadata: { name: 'listed' } });
    for (const name of ['a', 'b', 'c']) await server.http('POST', path, configMap(name, { long: 'x'.repeat(200_000) }));
    for (const query of ['', '?limit=2', '?labelSelector=none']) {
      const binary = await server.http('GET', `${path}${query}`, undefined, accept(protobuf));
      const json = await server.http('GET', `${path}${query}`);
      const list = decodeProtobuf(binary.bytes, `${core}.ConfigMapList`) as { items?: JsonObject[] };
      const items = (list.items ?? []).map((item) => item);
      expect({ ...list, items }).toEqual({
        ...json.json,
        metadata: { ...json.json.metadata, ...(query === '?limit=2' && { continue: expect.any(String) }) },
        items: json.json.items.map(({ kind: _kind, apiVersion: _apiVersion, ...item }: Typed) => item),
      });
    }
    const packed = await server.http('GET', path, undefined, accept(protobuf, { 'accept-encoding': 'gzip' }));
    expect(packed.headers['content-encoding']).toBe('gzip');
  });

  test('metadata alone, of one and of many', async () => {
    await server.http('POST', configMaps, configMap('meta', { a: '1' }));
    const as = (kind: string, version: string): string => `${protobuf};as=${kind};v=${version};g=meta.k8s.io`;
    const one = await server.http('GET', `${configMaps}/meta`, undefined, accept(as('PartialObjectMetadata', 'v1')));
    const partial = decodeProtobuf(one.bytes, `${meta}.PartialObjectMetadata`);
    expect(partial).toMatchObject({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'meta' } });
    expect(partial).not.toHaveProperty('data');
    for (const version of ['v1', 'v1beta1']) {
      const many = await server.http('GET', configMaps, undefined, accept(as('PartialObjectMetadataList', version)));
      expect(decodeProtobuf(many.bytes, `${meta.replace(/v1$/, version)}.PartialObjectMetadataList`)).toMatchObject({
        apiVersion: `meta.k8s.io/${version}`,
        metadata: { resourceVersion: expect.stringMatching(/\d+/) },
        items: expect.arrayContaining([expect.objectContaining({ metadata: expect.objectContaining({ name: 'meta' }) })]),
      });
    }
  });

  test('a table is not sent in it', async () => {
    const table = `${protobuf};as=Table;v=v1;g=meta.k8s.io`;
    const refused = await server.http('GET', configMaps, undefined, accept(table));
    expect(refused.json).toMatchObject({
      code: 406,
      reason: 'NotAcceptable',
      message: `only the following media types are accepted: application/json, application/yaml, ${protobuf}`,
    });
    const fallback = await server.http('GET', configMaps, undefined, accept(`${table},${protobuf}`));
    expect(decodeProtobuf(fallback.bytes, `${core}.ConfigMapList`)).toMatchObject({ kind: 'ConfigMapList' });
  });

  test('subresources: Scale, TokenRequest, Eviction, Binding', async () => {
    const deployment = {
      metadata: { name: 'web' },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    };
    await server.http('POST', '/apis/apps/v1/namespaces/default/deployments', deployment);
    const path = '/apis/apps/v1/namespaces/default/deployments/web/scale';
    const scale = decodeProtobuf((await server.http('GET', path, undefined, accept(protobuf))).bytes, 'io.k8s.api.autoscaling.v1.Scale');
    expect(scale).toMatchObject({ kind: 'Scale', spec: { replicas: 2 }, status: { replicas: 0, selector: 'app=web' } });
    const scaled = await send('PUT', path, { ...(scale as Typed), spec: { replicas: 0 } }, 'io.k8s.api.autoscaling.v1.Scale');
    expect(scaled).toMatchObject({ spec: {} });

    const pods = '/api/v1/namespaces/default/pods';
    const pod: Typed = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    expect(await send('POST', pods, pod, `${core}.Pod`)).toMatchObject({ kind: 'Pod', status: { phase: 'Pending' } });
    const binding: Typed = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } };
    const bound = await send('POST', `${pods}/p/binding`, binding, `${core}.Binding`, `${meta}.Status`);
    expect(bound).toMatchObject({ status: 'Success' });
    const eviction: Typed = {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: 'p' },
      deleteOptions: { gracePeriodSeconds: 0 },
    };
    const evicted = await send('POST', `${pods}/p/eviction`, eviction, 'io.k8s.api.policy.v1.Eviction', `${meta}.Status`);
    expect(evicted).toMatchObject({ kind: 'Status', status: 'Success' });

    await server.http('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'robot' } });
    const request: Typed = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec: { expirationSeconds: 900 } };
    const accounts = '/api/v1/namespaces/default/serviceaccounts/robot/token';
    const token = await send('POST', accounts, request, 'io.k8s.api.authentication.v1.TokenRequest');
    expect(token).toMatchObject({
      kind: 'TokenRequest',
      spec: { expirationSeconds: 900 },
      status: { token: expect.any(String), expirationTimestamp: expect.stringMatching(/Z$/) },
    });
  });

  test('a body that is none is refused, and so is one of another kind', async () => {
    const headers = { 'content-type': protobuf };
    const broken = await server.http('POST', configMaps, Buffer.from([0x6b, 0x38, 0x73, 0, 0xff, 0xff]), { headers });
    expect(broken.json).toMatchObject({ code: 400, reason: 'BadRequest' });
    const secret = Buffer.from(encodeProtobuf({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } }, `${core}.Secret`));
    const other = await server.http('POST', configMaps, secret, { headers });
    expect(other.json).toMatchObject({
      code: 400,
      message: expect.stringMatching(/Secret in version "v1" cannot be handled as a ConfigMap/),
    });
  });

  test('discovery is sent in it, both forms', async () => {
    const group = await server.http('GET', '/apis/apps/v1', undefined, accept(protobuf));
    expect(decodeProtobuf(group.bytes, `${meta}.APIResourceList`)).toEqual((await server.http('GET', '/apis/apps/v1')).json);
    const versions = await server.http('GET', '/api', undefined, accept(protobuf));
    expect(decodeProtobuf(versions.bytes, `${meta}.APIVersions`)).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
    const as = ';g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    const aggregated = await server.http('GET', '/apis', undefined, accept(`${protobuf}${as}`));
    expect(aggregated.headers['content-type']).toBe(`${protobuf}${as}`);
    const json = await server.http('GET', '/apis', undefined, accept(`application/json${as}`));
    expect(decodeProtobuf(aggregated.bytes, 'io.k8s.api.apidiscovery.v2.APIGroupDiscoveryList')).toEqual(json.json);
  });
});

interface Event {
  readonly type: string;
  readonly object: JsonObject;
}

/** The events of a watch in protobuf. */
function eventsOf(bytes: Buffer, definition: string): Event[] {
  const events: Event[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const event = bytes.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    const typeEnd = 2 + event[1]!;
    const start = event.indexOf('k8s\0');
    const object = event.subarray(start);
    const kind = event.subarray(2, typeEnd).toString() === 'ERROR' ? `${meta}.Status` : definition;
    events.push({ type: event.subarray(2, typeEnd).toString(), object: decodeProtobuf(object, kind) });
  }
  return events;
}

describe('a watch in protobuf', () => {
  test('tells what the one in JSON tells, in frames with their length', async () => {
    const path = '/api/v1/namespaces/watched/configmaps';
    await server.http('POST', '/api/v1/namespaces', { metadata: { name: 'watched' } });
    const start = (await server.http('GET', path)).json.metadata.resourceVersion as string;
    await server.http('POST', path, configMap('w', { a: '1' }));
    await server.http('PUT', `${path}/w`, configMap('w', { a: '2' }));
    await server.http('DELETE', `${path}/w`);
    const query = `?watch=1&resourceVersion=${start}&timeoutSeconds=1&allowWatchBookmarks=true`;
    const [binary, json] = await Promise.all([
      server.http('GET', `${path}${query}`, undefined, accept(`${protobuf};stream=watch,application/json`)),
      server.http('GET', `${path}${query}`),
    ]);
    expect(binary.headers['content-type']).toBe(`${protobuf};stream=watch`);
    const told = json.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Event);
    const events = eventsOf(binary.bytes, `${core}.ConfigMap`);
    expect(events.slice(0, 3)).toEqual(told.slice(0, 3));
    expect(events.map(({ type }) => type).slice(0, 3)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
    expect(events.at(-1)).toMatchObject({ type: 'BOOKMARK', object: { kind: 'ConfigMap' } });
  });

  test('a watch that starts too far back ends with a Status', async () => {
    const restarted = await startTestServer({ store: server.store, namespaces: [] });
    const path = `${configMaps}?watch=1&resourceVersion=2`;
    const { bytes } = await restarted.http('GET', path, undefined, accept(`${protobuf};stream=watch`));
    await restarted.server.close();
    expect(eventsOf(bytes, `${core}.ConfigMap`)[0]).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 410 } });
  });

  test('YAML is not streamed', async () => {
    const { status, text } = await server.http('GET', `${configMaps}?watch=1`, undefined, accept('application/yaml'));
    const streams = `application/json;stream=watch, ${protobuf};stream=watch`;
    expect([status, text]).toEqual([406, expect.stringContaining(`only the following media types are accepted: ${streams}`)]);
  });
});

test('CBOR is off by default', async () => {
  const refused = await server.http('GET', configMaps, undefined, accept('application/cbor'));
  expect(refused.json).toMatchObject({ code: 406 });
  expect(refused.json.message).not.toMatch(/cbor/);
  const body = await server.http('POST', configMaps, Buffer.from([0xa0]), { headers: { 'content-type': 'application/cbor' } });
  expect(body.json).toMatchObject({
    code: 415,
    message: `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, ${protobuf}`,
  });
});
