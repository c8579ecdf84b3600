/** Patches that are none, do not apply, or lead nowhere. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './harness.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const configMaps = '/api/v1/namespaces/default/configmaps';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const types = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

const patch = (type: keyof typeof types, path: string, body: unknown) =>
  server.http('PATCH', path, typeof body === 'string' ? body : JSON.stringify(body), { headers: { 'content-type': types[type] } });

const podTemplate = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };

beforeEach(async () => {
  await server.http('POST', configMaps, { metadata: { name: 'a' }, data: { x: 'y' } });
  await server.http('POST', deployments, {
    metadata: { name: 'd' },
    spec: { selector: { matchLabels: { a: 'b' } }, template: podTemplate },
  });
});

/** Refuses, and leaves the object alone. */
async function refuses(type: keyof typeof types, path: string, body: unknown, expected: { code: number; message: string }): Promise<void> {
  const { pathname } = new URL(path, 'https://x');
  const before = await server.http('GET', pathname);
  const { status, json } = await patch(type, path, body);
  expect([status, json.kind, json.message]).toEqual([expected.code, 'Status', expect.stringContaining(expected.message)]);
  expect((await server.http('GET', pathname)).text).toBe(before.text);
}

const doesNotApply = 'the server rejected our request due to an error in our request';
const unread = "the object provided is unrecognized (must be of type Patch): couldn't get version/kind; json parse error: ";
const manyTests = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/kind', value: 'ConfigMap' }));
const growing = [
  { op: 'add', path: '/data/z', value: 'x'.repeat(1_000) },
  ...Array.from({ length: 30 }, (_, i) => ({ op: 'copy', from: '/data', path: `/data/y${i}` })),
];

describe('a JSON patch', () => {
  test.each<[unknown, number, string]>([
    ['', 400, `${unread}unexpected end of JSON input`],
    ['x', 400, `${unread}invalid character 'x'`],
    [{}, 400, 'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp'],
    [null, 400, 'error decoding patch: json: cannot unmarshal'],
    [[null], 400, 'error decoding patch: json: cannot unmarshal'],
    [[{}], 422, doesNotApply],
    [[{ op: 'bogus', path: '/a' }], 422, doesNotApply],
    [[{ op: 'add' }], 422, doesNotApply],
    [[{ op: 'add', path: 'data', value: 1 }], 422, doesNotApply],
    [[{ op: 'remove', path: '/data/nope' }], 422, doesNotApply],
    [[{ op: 'test', path: '/data/x', value: 'z' }], 422, doesNotApply],
    [[{ op: 'remove', path: '' }], 422, doesNotApply],
    [[{ op: 'replace', path: '', value: [] }], 422, 'patch: Invalid value: "[]"'],
    [[{ op: 'replace', path: '/metadata/name', value: 'b' }], 400, 'the name of the object (b) does not match the name on the URL (a)'],
    [[{ op: 'replace', path: '/metadata/uid', value: 'b' }], 409, 'Precondition failed: UID in precondition: b'],
    [[{ op: 'replace', path: '/metadata/resourceVersion', value: '1' }], 409, 'the object has been modified'],
    [[{ op: 'replace', path: '/kind', value: 'Pod' }], 422, 'no kind "Pod" is registered for version "v1" at this path'],
    [
      [{ op: 'copy', from: '/data', path: '/data/x' }],
      422,
      'json: cannot unmarshal object into Go struct field ConfigMap.data of type string',
    ],
    [[{ op: 'move', from: '/data', path: '/data/x' }], 422, doesNotApply],
    [[{ op: 'add', path: '/data/~2', value: 'x' }], 422, 'data[~2]: Invalid value: "~2"'],
    [[{ op: 'add', path: '/metadata/finalizers/5', value: 'x' }], 422, doesNotApply],
    [[{ op: 'add', path: '/__proto__/polluted', value: 'x' }], 422, doesNotApply],
    [[{ op: 'add', path: '/constructor/prototype/polluted', value: 'x' }], 422, doesNotApply],
  ])('%j: %i', async (body, code, message) => {
    await refuses('json', `${configMaps}/a`, body, { code, message });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test('has a limit of operations', () =>
    refuses('json', `${configMaps}/a`, manyTests, {
      code: 413,
      message: 'The allowed maximum operations in a JSON patch is 10000, got 10001',
    }));

  test('cannot grow without end by copying', () => refuses('json', `${configMaps}/a`, growing, { code: 422, message: doesNotApply }));

  test('of nothing is no change', async () => {
    const before = await server.http('GET', `${configMaps}/a`);
    expect((await patch('json', `${configMaps}/a`, [])).text).toBe(before.text);
  });
});

describe('a merge patch', () => {
  const notMap = 'error decoding patch: json: cannot unmarshal';

  test.each<[unknown, number, string]>([
    ['', 400, `${unread}unexpected end of JSON input`],
    [[], 400, notMap],
    [null, 400, notMap],
    [3, 400, notMap],
    [{ metadata: { name: 'b' } }, 400, 'the name of the object (b) does not match the name on the URL (a)'],
    [{ metadata: { namespace: 'other' } }, 400, 'the namespace of the provided object does not match the namespace sent on the request'],
    [{ metadata: { resourceVersion: '1' } }, 409, 'the object has been modified'],
    [{ metadata: { uid: 'x' } }, 409, 'Precondition failed: UID in precondition: x'],
    [{ data: { a: 1 } }, 422, 'json: cannot unmarshal number into Go struct field ConfigMap.data of type string'],
    [{ kind: 'Pod' }, 422, 'no kind "Pod" is registered for version "v1" at this path'],
    [{ apiVersion: 'apps/v1' }, 422, 'no kind "ConfigMap" is registered for version "apps/v1" at this path'],
    [{ metadata: { labels: { 'a b': 'c' } } }, 422, 'metadata.labels: Invalid value: "a b"'],
    [{ metadata: { ownerReferences: [{}] } }, 422, 'metadata.ownerReferences.uid: Invalid value: "": must not be empty'],
    [{ metadata: { finalizers: ['x'] } }, 422, 'metadata.finalizers[0]: Invalid value: "x"'],
  ])('%j: %i', (body, code, message) => refuses('merge', `${configMaps}/a`, body, { code, message }));

  test.each([
    { metadata: { creationTimestamp: null } },
    { metadata: { managedFields: [{ manager: 'a', operation: 'Bogus', apiVersion: 'v1' }] } },
    { metadata: { generation: 7 } },
    { kind: null },
  ])('%j changes nothing', async (body) => {
    const { text } = await server.http('GET', `${configMaps}/a`);
    expect((await patch('merge', `${configMaps}/a`, body)).text).toBe(text);
  });

  test('sets keys with the names of JavaScript like any other', async () => {
    const { json, headers } = await patch('merge', `${configMaps}/a`, '{"data":{"__proto__":"1"},"__proto__":{"a":1}}');
    expect(Object.entries(json.data)).toContainEqual(['__proto__', '1']);
    expect(headers['warning']).toBe('299 - "unknown field \\"__proto__\\""');
  });
});

describe('a strategic merge patch', () => {
  const containers = (list: unknown, more: object = {}) => ({ spec: { template: { spec: { containers: list, ...more } } } });

  test.each<[unknown, number, string]>([
    ['', 400, `${unread}unexpected end of JSON input`],
    [[], 400, 'json: cannot unmarshal array into Go value of type map[string]interface {}'],
    [containers([{ image: 'x' }]), 400, 'map: map[image:x] does not contain declared merge key: name'],
    [containers({ name: 'c' }), 422, 'cannot restore slice from map'],
    [containers([{ $patch: 'bogus', name: 'c' }]), 400, 'unknown patch type: bogus in map: map[$patch:bogus name:c]'],
    [containers([{ $patch: 'delete', name: 'c' }]), 422, 'spec.template.spec.containers: Required value'],
    [containers([{ name: 'c' }], { '$setElementOrder/containers': [{ name: 'z' }] }), 400, "doesn't match $setElementOrder list"],
    [
      { spec: { '$setElementOrder/containers': [] } },
      400,
      'unable to find api field in struct DeploymentSpec for the json field "containers"',
    ],
    [{ spec: { template: { spec: { $retainKeys: 'x' } } } }, 400, 'invalid patch format of retainKeys'],
    [{ $patch: 'delete' }, 422, 'spec.selector: Required value'],
    [{ spec: { replicas: 'x' } }, 422, 'unrecognized type: int32'],
    [{ spec: { replicas: 3_000_000_000 } }, 422, 'unrecognized type: int32'],
    [{ spec: { replicas: -1 } }, 422, 'spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
    [{ spec: { selector: { matchLabels: { z: 'z' } } } }, 422, 'field is immutable'],
  ])('%j: %i', (body, code, message) => refuses('strategic', `${deployments}/d`, body, { code, message }));

  test('on a scale', async () => {
    await refuses(
      'merge',
      `${deployments}/d/scale`,
      { spec: { replicas: -5 } },
      { code: 422, message: 'spec.replicas: Invalid value: -5' },
    );
    await refuses('merge', `${deployments}/d/scale`, { spec: { replicas: 'x' } }, { code: 422, message: 'cannot unmarshal string' });
  });
});

describe('an applied configuration', () => {
  const base = { apiVersion: 'v1', kind: 'ConfigMap' };
  const untyped = 'failed to create typed patch object (default/a; /v1, Kind=ConfigMap): ';

  test.each<[unknown, number, string]>([
    ['', 400, 'the applied configuration is not an object'],
    ['- a', 400, 'the applied configuration is not an object'],
    ['a: b: c', 400, 'yaml: line 1'],
    [{}, 400, 'invalid object type: /, Kind='],
    [{ ...base, kind: 'Pod' }, 400, 'invalid object type: /v1, Kind=Pod'],
    [{ ...base, apiVersion: 'v2' }, 400, 'Incorrect version specified in apply patch. Specified patch version: v2, expected: v1'],
    [{ ...base, metadata: { name: 'b' } }, 400, 'the name of the object (b) does not match the name on the URL (a)'],
    [{ ...base, metadata: { name: {} } }, 400, '.metadata.name: expected string, got '],
    [{ ...base, metadata: { namespace: 3 } }, 400, '.metadata.namespace: expected string, got '],
    [{ ...base, data: { x: 1 } }, 400, `${untyped}.data.x: expected string, got &value.valueUnstructured{Value:1}`],
    [{ ...base, dta: { x: 1 } }, 400, `${untyped}.dta: field not declared in schema`],
    [{ ...base, metadata: { managedFields: [{}] } }, 400, 'metadata.managedFields must be nil'],
    [{ ...base, metadata: { resourceVersion: '1' } }, 409, 'the object has been modified'],
    [{ ...base, metadata: { uid: 'x' } }, 409, 'Precondition failed: UID in precondition: x'],
    [{ ...base, metadata: { ownerReferences: [{ uid: 'a' }, { uid: 'a' }] } }, 400, 'duplicate entries for key [uid="a"]'],
  ])('%j: %i', (body, code, message) => refuses('apply', `${configMaps}/a?fieldManager=m`, body, { code, message }));

  test('that lists a key twice is told where', async () => {
    const ports = [{ containerPort: 80 }, { containerPort: 80 }];
    const body = { apiVersion: 'apps/v1', kind: 'Deployment', spec: { template: { spec: { containers: [{ name: 'c', ports }] } } } };
    await refuses('apply', `${deployments}/d?fieldManager=m`, body, {
      code: 400,
      message: '.spec.template.spec.containers[name="c"].ports: duplicate entries for key [containerPort=80,protocol="TCP"]',
    });
  });

  test('keeps keys with the names of JavaScript', async () => {
    const { json } = await patch(
      'apply',
      `${configMaps}/applied?fieldManager=m`,
      '{"apiVersion":"v1","kind":"ConfigMap","data":{"__proto__":"p"}}',
    );
    expect(Object.entries(json.data)).toEqual([['__proto__', 'p']]);
    const [{ fieldsV1 }] = json.metadata.managedFields;
    expect(fieldsV1).toEqual({ 'f:data': { 'f:__proto__': {} } });
  });
});

test.each([
  ['application/json', 415],
  ['', 415],
  ['application/merge-patch+json; charset=utf-8', 200],
  ['application/strategic-merge-patch+yaml', 415],
])('a patch of type %j: %i', async (contentType, status) => {
  const answer = await server.http('PATCH', `${configMaps}/a`, '{}', { headers: { 'content-type': contentType } });
  expect(answer.status).toBe(status);
});

test('a patch of what is not there is not found', async () => {
  for (const type of ['json', 'merge', 'strategic'] as const) {
    expect((await patch(type, `${configMaps}/absent`, type === 'json' ? [] : {})).json.message).toBe('configmaps "absent" not found');
  }
});
