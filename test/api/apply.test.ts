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
    expect(managers(both)).toEqual(['one Apply', 'two Apply']);
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
