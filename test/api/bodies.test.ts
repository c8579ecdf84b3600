/** What comes of bodies: odd ones that are stored as they were sent, and bad ones that are refused by a Status. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './harness.ts';
import type { HttpOptions, Json } from './raw-http.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const configMaps = '/api/v1/namespaces/default/configmaps';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const yaml = { headers: { 'content-type': 'application/yaml' } };
const protobuf = { headers: { 'content-type': 'application/vnd.kubernetes.protobuf' } };
const nested = (levels: number, inside = '1'): string => `${'{"a":'.repeat(levels)}${inside}${'}'.repeat(levels)}`;

describe('a body that is no object of the kind is a bad request', () => {
  const unrecognized = 'the object provided is unrecognized (must be of type ConfigMap): ';
  const unread = `${unrecognized}couldn't get version/kind; json parse error: `;
  const mismatch = 'ConfigMap in version "v1" cannot be handled as a ConfigMap: ';

  const rows: readonly (readonly [title: string, body: string | Buffer, message: string, options?: HttpOptions])[] = [
    ['nothing', '', `${unread}unexpected end of JSON input (empty)`],
    ['half of it', '{"a":', `${unread}unexpected end of JSON input ({"a":)`],
    ['two documents', '{"a":1}x', `${unread}invalid character 'x' after top-level value ({"a":1}x)`],
    ['a byte order mark', '\ufeff{}', `${unread}invalid character`],
    ['NaN', '{"metadata":{"generation":NaN}}', `${unread}invalid character 'N' looking for beginning of value`],
    ['endless lists', '['.repeat(100_000), `${unread}exceeded max depth`],
    ['deep objects', nested(20_000), `${unread}exceeded max depth`],
    ['a list', '[]', `${mismatch}json: cannot unmarshal array into Go value of type v1.ConfigMap`],
    ['a text', '"x"', `${mismatch}json: cannot unmarshal string into Go value of type v1.ConfigMap`],
    ['a number', '3', `${mismatch}json: cannot unmarshal number into Go value of type v1.ConfigMap`],
    ['metadata that is a list', '{"metadata":[]}', `${mismatch}json: cannot unmarshal array into Go struct field ConfigMap.metadata`],
    [
      'a label that is a number',
      '{"metadata":{"labels":{"a":1}}}',
      `${mismatch}json: cannot unmarshal number into Go struct field ObjectMeta`,
    ],
    [
      'objects in the place of texts',
      `{"data":${nested(900)}}`,
      `${mismatch}json: cannot unmarshal object into Go struct field ConfigMap.data`,
    ],
    ['a number that is none', '{"metadata":{"generation":1e400}}', `${mismatch}json: cannot unmarshal number`],
    ['a fraction for an integer', '{"metadata":{"generation":1.5}}', `${mismatch}json: cannot unmarshal number 1.5 into Go struct field`],
    ['an integer of 65 bits', '{"metadata":{"generation":9223372036854775808}}', `${mismatch}json: cannot unmarshal number`],
    ['a time that is none', '{"metadata":{"creationTimestamp":"soon"}}', `${mismatch}parsing time "soon"`],
    ['bytes that are not base64', '{"binaryData":{"a":"!!"}}', `${mismatch}illegal base64 data at input byte 0`],
    ['a kind that is no text', '{"kind":3}', `${mismatch}json: cannot unmarshal number into Go struct field ConfigMap.kind of type string`],
    [
      'another kind',
      '{"kind":"Pod","apiVersion":"v1"}',
      'Pod in version "v1" cannot be handled as a ConfigMap: no kind "Pod" is registered',
    ],
    ['packed bytes', Buffer.from([0x1f, 0x8b, 8, 0]), unread],
    ['YAML that is none', 'a: [', `${unrecognized}yaml: `, yaml],
    ['YAML indented by tabs', '\tx: 1', `${unrecognized}yaml: `, yaml],
    ['YAML that holds itself', 'a: &a [*a]', `${unrecognized}yaml: document contains excessive aliasing`, yaml],
    ['deep YAML', '['.repeat(5_000), `${unrecognized}yaml: line 1: nesting exceeded maxDepth`, yaml],
    ['YAML of other types', 'data: {a: true}', `${mismatch}json: cannot unmarshal bool into Go struct field ConfigMap.data`, yaml],
    ['JSON for protobuf', '{}', `${unrecognized}provided data does not appear to be a protobuf message`, protobuf],
    ['protobuf that ends early', Buffer.from('k8s\0\x0a\x7f'), `${unrecognized}unexpected EOF`, protobuf],
    ['protobuf of another shape', Buffer.from('k8s\0\x12\x02\x0a\x05'), unrecognized, protobuf],
  ];

  test.each(rows.map(([title, ...row]) => [title, row] as const))('%s', async (_title, [body, message, options]) => {
    const { status, json } = await server.http('POST', configMaps, body, options);
    expect([status, json.kind, json.reason]).toEqual([400, 'Status', 'BadRequest']);
    expect(json.message.slice(0, message.length)).toBe(message);
  });
});

describe('what says nothing is an object without a name', () => {
  test.each(['{}', 'null', '{"metadata":null}', '{"metadata":{"name":null}}', '{"kind":"","apiVersion":""}'])('%s', async (body) => {
    const { json } = await server.http('POST', configMaps, body);
    expect(json).toMatchObject({
      code: 422,
      reason: 'Invalid',
      details: { kind: 'ConfigMap', causes: [{ reason: 'FieldValueRequired', field: 'metadata.name' }] },
    });
  });
});

describe('every fault has its cause, by field', () => {
  const causesOf = (json: Json): string[] => json.details.causes.map(({ reason, field }: Json) => `${reason} ${field}`);

  test('of a Deployment', async () => {
    const { status, json } = await server.http('POST', deployments, {
      metadata: { name: 'A', labels: { 'a b': 'c' } },
      spec: {
        replicas: -1,
        selector: { matchLabels: { a: 'b' } },
        template: {
          metadata: { labels: { a: 'c' } },
          spec: { containers: [{ name: 'X', ports: [{ containerPort: 0 }] }], restartPolicy: 'Never', dnsPolicy: 'Odd' },
        },
      },
    });
    expect([status, json.details.name, json.details.group, json.details.kind]).toEqual([422, 'A', 'apps', 'Deployment']);
    expect(causesOf(json).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'FieldValueInvalid metadata.labels',
      'FieldValueInvalid metadata.name',
      'FieldValueInvalid spec.replicas',
      'FieldValueInvalid spec.template.metadata.labels',
      'FieldValueInvalid spec.template.spec.containers[0].name',
      'FieldValueNotSupported spec.template.spec.dnsPolicy',
      'FieldValueNotSupported spec.template.spec.restartPolicy',
      'FieldValueRequired spec.template.spec.containers[0].image',
      'FieldValueRequired spec.template.spec.containers[0].ports[0].containerPort',
    ]);
  });

  test('of keys with the names of JavaScript', async () => {
    const { json } = await server.http(
      'POST',
      configMaps,
      '{"metadata":{"name":"a","labels":{"__proto__":"x"},"annotations":{"__proto__":"x"}}}',
    );
    expect(causesOf(json)).toEqual(['FieldValueInvalid metadata.labels', 'FieldValueInvalid metadata.annotations']);
  });
});

describe('what was sent is what is kept', () => {
  let count = 0;

  test.each([
    ['data', '{"__proto__":"x","constructor":"y","toString":"z","hasOwnProperty":"w","valueOf":""}'],
    ['data', '{"a":"\\u0000\\u001f\\u007f\\u2028"}'],
    ['data', '{"a":"😀 \\ud83d\\ude00 é ÿ"}'],
    ['data', '{"a":"\\ud800","b":"\\udc00\\ud800x"}'],
    ['data', `{"a":"${'x'.repeat(500_000)}"}`],
    ['binaryData', '{"a":"/+8=","b":""}'],
  ])('in %s: %.60s', async (field, value) => {
    const name = `kept-${count++}`;
    const sent = `{"metadata":{"name":"${name}"},"${field}":${value}}`;
    const created = await server.http('POST', configMaps, sent);
    expect(created.status).toBe(201);
    const read = await server.http('GET', `${configMaps}/${name}`);
    expect(read.text).toBe(created.text);
    expect(Object.entries(read.json[field])).toEqual(Object.entries(JSON.parse(value)));
    // The same again is no change, whoever sends it.
    const again = await server.http('PUT', `${configMaps}/${name}`, read.text);
    expect(again.json.metadata.resourceVersion).toBe(created.json.metadata.resourceVersion);
  });

  test('integers beyond 2^53', async () => {
    const { text } = await server.http('POST', configMaps, '{"metadata":{"name":"wide","generation":9007199254740993}}');
    expect(text).toContain('"generation":9007199254740993,');
    expect((await server.http('GET', `${configMaps}/wide`)).text).toBe(text);
    const table = await server.http('GET', `${configMaps}/wide`, undefined, {
      headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    });
    expect(table.text).toContain('"generation":9007199254740993,');
    const indented = await server.http('GET', `${configMaps}/wide?pretty=1`);
    expect(indented.text).toContain('"generation": 9007199254740993,');
    const asYaml = await server.http('GET', `${configMaps}/wide`, undefined, { headers: { accept: 'application/yaml' } });
    expect(asYaml.text).toContain('generation: 9007199254740993\n');
  });

  test('labels and annotations with the names of JavaScript, and they select', async () => {
    const names = { constructor: 'a', toString: 'b' };
    await server.http('POST', configMaps, { metadata: { name: 'js', labels: names, annotations: names } });
    const { json } = await server.http('GET', `${configMaps}?labelSelector=constructor%3Da,toString%3Db,!valueOf`);
    expect(json.items.map(({ metadata }: Json) => [metadata.name, metadata.labels, metadata.annotations])).toEqual([['js', names, names]]);
  });

  test('but not what only the server says', async () => {
    const { json } = await server.http('POST', configMaps, {
      metadata: {
        name: 'system',
        uid: 'mine',
        creationTimestamp: '2001-01-01T00:00:00Z',
        deletionTimestamp: '2001-01-01T00:00:00Z',
        deletionGracePeriodSeconds: 3,
        selfLink: '/x',
        managedFields: [{ manager: 'x' }],
      },
    });
    expect(json.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(json.metadata.creationTimestamp > '2020').toBe(true);
    expect(Object.keys(json.metadata).toSorted()).toEqual(['creationTimestamp', 'name', 'namespace', 'resourceVersion', 'uid']);
  });
});

describe('unknown and repeated fields', () => {
  const body =
    '{"metadata":{"name":"fields","nme":1,"labels":{"a":"b","a":"c"}},"data":{"a":"1"},"data":{"a":"2"},"dta":{},"__proto__":{"x":1}}';
  const faults = [
    'duplicate field "metadata.labels.a"',
    'duplicate field "data"',
    'unknown field "metadata.nme"',
    'unknown field "dta"',
    'unknown field "__proto__"',
  ];

  test('are refused by name where the client is strict', async () => {
    const { status, json } = await server.http('POST', `${configMaps}?fieldValidation=Strict`, body);
    expect([status, json.message]).toEqual([
      400,
      `ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: ${faults.join(', ')}`,
    ]);
  });

  test.each([
    ['Warn', faults],
    ['', faults],
    ['Ignore', []],
  ])('are dropped under %j, the last one winning', async (mode, warnings) => {
    const { status, headers, json } = await server.http('POST', `${configMaps}?dryRun=All&fieldValidation=${mode}`, body);
    expect([status, json.data, json.metadata.labels]).toEqual([201, { a: '2' }, { a: 'c' }]);
    // What is not stored has no version.
    expect(json.metadata).not.toHaveProperty('resourceVersion');
    expect(json).not.toHaveProperty('dta');
    const expected = warnings.map((warning) => `299 - ${JSON.stringify(warning)}`).join(', ');
    expect(headers['warning'] ?? '').toBe(expected);
  });

  test('are told with the path of where they stand', async () => {
    const containers = '[{"name":"a","image":"b","prts":[],"image":"c"}]';
    const template = `{"metadata":{"labels":{"a":"b"}},"spec":{"containers":${containers}}}`;
    const { json } = await server.http(
      'POST',
      `${deployments}?fieldValidation=Strict`,
      `{"metadata":{"name":"d"},"spec":{"replcas":1,"selector":{"matchLabels":{"a":"b"}},"template":${template}}}`,
    );
    expect(json.message).toBe(
      'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: ' +
        'duplicate field "spec.template.spec.containers[0].image", unknown field "spec.replcas", ' +
        'unknown field "spec.template.spec.containers[0].prts"',
    );
  });
});

describe('content types', () => {
  test.each([
    ['application/json; charset=utf-8', 201],
    ['APPLICATION/JSON', 201],
    ['', 201],
    ['application/yaml;x=y', 201],
    ['*/*', 415],
    ['text/yaml', 415],
    ['application/x-www-form-urlencoded', 415],
    ['application/merge-patch+json', 415],
    ['json', 415],
  ])('%j: %i', async (contentType, status) => {
    const answer = await server.http('POST', `${configMaps}?dryRun=All`, '{"metadata":{"name":"typed"}}', {
      headers: { 'content-type': contentType },
    });
    expect(answer.status).toBe(status);
    if (status === 415) {
      expect(answer.json).toMatchObject({
        reason: 'UnsupportedMediaType',
        message:
          'the body of the request was in an unknown format - accepted media types include: ' +
          'application/json, application/yaml, application/vnd.kubernetes.protobuf',
      });
    }
  });
});

describe('an update', () => {
  const put = (body: object) => server.http('PUT', `${configMaps}/updated`, body);
  beforeAll(() => server.http('POST', configMaps, { metadata: { name: 'updated' }, data: { a: '1' } }));

  test('of a version that is not the newest is a conflict', async () => {
    const { json: first } = await server.http('GET', `${configMaps}/updated`);
    await put({ metadata: { name: 'updated' }, data: { a: '2' } });
    const stale = await put({ ...first, data: { a: '3' } });
    expect(stale.json).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "updated": the object has been modified; ' +
        'please apply your changes to the latest version and try again',
      details: { name: 'updated', kind: 'configmaps' },
    });
  });

  test.each([
    [{ metadata: { name: 'updated', uid: 'other' } }, 409, 'Precondition failed: UID in precondition: other'],
    [{ metadata: { name: 'updated', resourceVersion: 'x' } }, 409, 'the object has been modified'],
    [{ metadata: { name: 'other' } }, 400, 'the name of the object (other) does not match the name on the URL (updated)'],
    [{}, 400, 'the name of the object (updated based on URL) was undeterminable: name must be provided'],
  ])('%j: %i', async (body, status, message) => {
    const { json } = await put(body);
    expect([json.code, json.message]).toEqual([status, expect.stringContaining(message)]);
  });

  test('of a scale names its object too, and changes nothing otherwise', async () => {
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    await server.http('POST', deployments, {
      metadata: { name: 'scaled' },
      spec: { replicas: 3, selector: { matchLabels: { a: 'b' } }, template },
    });
    expect((await server.http('PUT', `${deployments}/scaled/scale`, {})).json.code).toBe(400);
    expect((await server.http('GET', `${deployments}/scaled/scale`)).json.spec).toEqual({ replicas: 3 });
  });
});
