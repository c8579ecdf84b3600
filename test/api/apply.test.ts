/** Server-side apply and the ownership of fields, over the wire. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './harness.ts';
import type { HttpAnswer, Json } from './raw-http.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const path = '/api/v1/namespaces/default/configmaps';
const apply = (name: string, manager: string, body: Json, query = ''): Promise<HttpAnswer> =>
  server.http('PATCH', `${path}/${name}?fieldManager=${manager}${query}`, typeof body === 'string' ? body : JSON.stringify(body), {
    headers: { 'content-type': 'application/apply-patch+yaml' },
  });
const data = (values: Json): Json => ({ apiVersion: 'v1', kind: 'ConfigMap', data: values });
const managers = ({ json }: HttpAnswer): string[] =>
  json.metadata.managedFields.map(({ manager, operation }: Json) => `${manager} ${operation}`);

describe('an applied configuration', () => {
  test('creates the object, and its manager owns what it said', async () => {
    const made = await apply('made', 'one', data({ a: '1' }));
    expect(made.status).toBe(201);
    expect(made.json.metadata).toMatchObject({ name: 'made', namespace: 'default', uid: expect.any(String) });
    expect(made.json.metadata.managedFields).toEqual([
      {
        manager: 'one',
        operation: 'Apply',
        apiVersion: 'v1',
        time: expect.stringMatching(/Z$/),
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:data': { 'f:a': {} } },
      },
    ]);
  });

  test('may be YAML', async () => {
    const made = await apply('yaml', 'one', 'apiVersion: v1\nkind: ConfigMap\ndata:\n  a: "on"\n');
    expect(made.json.data).toEqual({ a: 'on' });
  });

  test('that changes nothing makes no new version', async () => {
    const first = await apply('same', 'one', data({ a: '1' }));
    const second = await apply('same', 'one', data({ a: '1' }));
    expect(second.status).toBe(200);
    expect(second.json).toEqual(first.json);
  });

  test('takes away what its manager applied before and applies no more', async () => {
    await apply('shrinking', 'one', data({ a: '1', b: '2' }));
    expect((await apply('shrinking', 'one', data({ a: '1' }))).json.data).toEqual({ a: '1' });
  });

  test('may not take a field of another manager, unless it is forced', async () => {
    await apply('contested', 'one', data({ a: '1' }));
    const refused = await apply('contested', 'two', data({ a: '2' }));
    expect(refused.json).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: 'Apply failed with 1 conflict: conflict with "one": .data.a',
      details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.a' }] },
    });
    const forced = await apply('contested', 'two', data({ a: '2' }), '&force=true');
    expect(forced.json.data).toEqual({ a: '2' });
    expect(managers(forced)).toEqual(['two Apply']);
  });

  test('shares a field with whoever wants the same', async () => {
    await apply('shared', 'one', data({ a: '1' }));
    const both = await apply('shared', 'two', data({ a: '1' }));
    // An apply that says nothing new has no time, and stands first.
    expect(managers(both)).toEqual(['two Apply', 'one Apply']);
  });

  test('of a dry run is not stored', async () => {
    expect((await apply('dry', 'one', data({ a: '1' }), '&dryRun=All')).status).toBe(201);
    expect((await server.http('GET', `${path}/dry`)).status).toBe(404);
  });

  test('with a field that no type has is refused', async () => {
    const refused = await apply('odd', 'one', { ...data({}), dta: { a: '1' } });
    expect(refused.json).toMatchObject({ code: 400, reason: 'BadRequest' });
    expect(refused.json.message).toContain(
      'failed to create typed patch object (default/odd; /v1, Kind=ConfigMap): .dta: field not declared in schema',
    );
  });

  test('of another kind is refused', async () => {
    expect((await apply('kind', 'one', { ...data({}), kind: 'Secret' })).json.message).toBe('invalid object type: /v1, Kind=Secret');
  });
});

describe('the name of a manager', () => {
  const options = (detail: string): Json => ({ code: 422, message: `PatchOptions.meta.k8s.io "" is invalid: ${detail}` });

  test.each([
    ['', options('fieldManager: Required value: is required for apply patch')],
    ['m'.repeat(129), options('fieldManager: Too long: may not be more than 128 bytes')],
    ['%C3%A9'.repeat(65), options('fieldManager: Too long: may not be more than 128 bytes')],
    ['a%07b', options('fieldManager: Invalid value: "a\\u0007b": invalid character U+0007 (at position 1)')],
    [
      '%C3%A9%09%0A',
      options(
        '[fieldManager: Invalid value: "é\\t\\n": invalid character U+0009 (at position 2), ' +
          'fieldManager: Invalid value: "é\\t\\n": invalid character U+000A (at position 3)]',
      ),
    ],
  ])('%s is refused', async (manager, refusal) => {
    expect((await apply('named', manager, data({}))).json).toMatchObject(refusal);
  });

  test.each(['m'.repeat(128), 'with%20space', '%C3%A9%E4%B8%AD'])('%s is taken as it is', async (manager) => {
    const { json } = await apply('named', manager, data({ [`k${manager.length}`]: '' }), '&dryRun=All');
    expect(json.metadata.managedFields.map((entry: Json) => entry.manager)).toContain(decodeURIComponent(manager));
  });

  test('force is for apply alone', async () => {
    const merge = { headers: { 'content-type': 'application/merge-patch+json' } };
    const { json } = await server.http('PATCH', `${path}/made?force=true`, {}, merge);
    expect(json).toMatchObject(options('force: Forbidden: may not be specified for non-apply patch'));
  });
});

describe('managed fields', () => {
  const replace = async (name: string, change: (object: Json) => void, query = ''): Promise<HttpAnswer> => {
    const { json } = await server.http('GET', `${path}/${name}`);
    change(json);
    return server.http('PUT', `${path}/${name}${query}`, json);
  };

  test.each<[string, Json]>([
    ['an empty list', []],
    ['a list of one empty entry', [{}]],
  ])('are reset by %s, and nobody is tracked until the next apply', async (_what, list) => {
    const name = `reset-${list.length}`;
    await apply(name, 'one', data({ a: '1' }));
    const reset = await replace(name, (object) => (object.metadata.managedFields = list));
    expect(reset.json.metadata.managedFields).toBeUndefined();
    const updated = await replace(name, (object) => (object.data.b = '2'));
    expect(updated.json.metadata.managedFields).toBeUndefined();
    const applied = await apply(name, 'two', data({ c: '3' }));
    expect(managers(applied)).toEqual(['two Apply', 'before-first-apply Update']);
  });

  test('are kept when an update does not speak of them', async () => {
    await apply('kept', 'one', data({ a: '1' }));
    const { json } = await replace('kept', (object) => delete object.metadata.managedFields);
    expect(json.metadata.managedFields).toMatchObject([{ manager: 'one', operation: 'Apply' }]);
  });

  test('tell each verb: create, update, patch, apply, and when', async () => {
    const made = await server.http('POST', `${path}?fieldManager=creator`, { ...data({ a: '1' }), metadata: { name: 'verbs' } });
    expect(managers(made)).toEqual(['creator Update']);
    expect(managers(await replace('verbs', (object) => (object.data.b = '2'), '?fieldManager=updater'))).toEqual([
      'creator Update',
      'updater Update',
    ]);
    const merge = { headers: { 'content-type': 'application/merge-patch+json' } };
    const patched = await server.http('PATCH', `${path}/verbs?fieldManager=patcher`, { data: { a: '3' } }, merge);
    expect(patched.json.metadata.managedFields).toMatchObject([
      { manager: 'creator', fieldsV1: { 'f:data': {} } },
      { manager: 'patcher', fieldsV1: { 'f:data': { 'f:a': {} } } },
      { manager: 'updater', fieldsV1: { 'f:data': { 'f:b': {} } } },
    ]);
    const applied = await apply('verbs', 'applier', data({ c: '4' }));
    expect(managers(applied)[0]).toBe('applier Apply');
    for (const { time } of applied.json.metadata.managedFields) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  test('may not stand in an applied configuration, nor a version that is not the live one', async () => {
    await apply('stale', 'one', data({ a: '1' }));
    expect((await apply('stale', 'one', { ...data({}), metadata: { managedFields: [] } })).json.message).toBe(
      'metadata.managedFields must be nil',
    );
    const stale = await apply('stale', 'one', { ...data({ a: '2' }), metadata: { resourceVersion: '1' } });
    expect(stale.json).toMatchObject({ code: 409, reason: 'Conflict' });
    const gone = await apply('never-made', 'one', { ...data({}), metadata: { uid: 'u' } });
    expect(gone.json).toMatchObject({
      code: 409,
      message:
        'Operation cannot be fulfilled on configmaps "never-made": uid mismatch: the provided object specified uid u, and no existing object was found',
    });
  });

  test('name a field in the version in which it was set', async () => {
    const involved = { kind: 'ConfigMap', namespace: 'default', name: 'made' };
    const metadata = { name: 'told' };
    await server.http('POST', '/api/v1/namespaces/default/events?fieldManager=core', {
      metadata,
      involvedObject: involved,
      message: 'one',
      reason: 'R',
      type: 'Normal',
    });
    const merge = { headers: { 'content-type': 'application/merge-patch+json' } };
    const patched = await server.http(
      'PATCH',
      '/apis/events.k8s.io/v1/namespaces/default/events/told?fieldManager=new',
      { metadata: { labels: { a: 'b' } } },
      merge,
    );
    const entries = Object.fromEntries(patched.json.metadata.managedFields.map((entry: Json) => [entry.manager, entry]));
    expect(entries.new).toMatchObject({ apiVersion: 'events.k8s.io/v1', fieldsV1: { 'f:metadata': { 'f:labels': { 'f:a': {} } } } });
    expect(entries.core).toMatchObject({ apiVersion: 'v1', fieldsV1: { 'f:reason': {} } });
    expect(entries.core.fieldsV1).toHaveProperty('f:message');
  });
});

describe('migration from client-side apply', () => {
  const annotation = 'kubectl.kubernetes.io/last-applied-configuration';

  test('kubectl takes over what it applied before, and may then take it away', async () => {
    const applied = { ...data({ a: '1', b: '2' }), metadata: { name: 'migrated', namespace: 'default' } };
    const metadata = { ...applied.metadata, annotations: { [annotation]: JSON.stringify(applied) } };
    await server.http('POST', `${path}?fieldManager=kubectl-client-side-apply`, { ...applied, metadata });
    const taken = await apply('migrated', 'kubectl', data({ a: '3', b: '2' }));
    expect(taken.status).toBe(200);
    expect(taken.json.data).toEqual({ a: '3', b: '2' });
    expect(JSON.parse(taken.json.metadata.annotations[annotation]).data).toEqual({ a: '3', b: '2' });
    const refused = await apply('migrated', 'helm', data({ b: '4' }));
    expect(refused.json).toMatchObject({
      code: 409,
      details: { causes: expect.arrayContaining([expect.objectContaining({ field: '.data.b' })]) },
    });
  });
});

describe('other writes', () => {
  test('are written down under the name of the program', async () => {
    const made = await server.http(
      'POST',
      path,
      { ...data({ a: '1' }), metadata: { name: 'posted' } },
      {
        headers: { 'user-agent': 'kubectl/v1.35.0 (linux/amd64)' },
      },
    );
    expect(made.json.metadata.managedFields).toMatchObject([
      { manager: 'kubectl', operation: 'Update', fieldsV1: { 'f:data': { '.': {}, 'f:a': {} } } },
    ]);
  });

  test('of a subresource are told apart', async () => {
    const deployments = '/apis/apps/v1/namespaces/default/deployments';
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    await server.http('POST', `${deployments}?fieldManager=author`, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'parts' },
      spec: { selector: { matchLabels: { a: 'b' } }, template },
    });
    const merge = { headers: { 'content-type': 'application/merge-patch+json' } };
    await server.http('PATCH', `${deployments}/parts/status?fieldManager=observer`, { status: { replicas: 1 } }, merge);
    const scale = await server.http('GET', `${deployments}/parts/scale`);
    await server.http('PUT', `${deployments}/parts/scale?fieldManager=scaler`, { ...scale.json, spec: { replicas: 4 } });
    const { json } = await server.http('GET', `${deployments}/parts`);
    const entries = json.metadata.managedFields.map(({ manager, subresource, fieldsV1 }: Json) => ({ manager, subresource, fieldsV1 }));
    expect(entries).toContainEqual({ manager: 'observer', subresource: 'status', fieldsV1: { 'f:status': { 'f:replicas': {} } } });
    expect(entries).toContainEqual({ manager: 'scaler', subresource: 'scale', fieldsV1: { 'f:spec': { 'f:replicas': {} } } });
    expect(entries.find(({ manager }: Json) => manager === 'author').fieldsV1['f:spec']).not.toHaveProperty('f:replicas');
  });
});
