/** Writers that meet: versions, preconditions, names that clash, dry runs. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './harness.ts';
import type { Json } from './raw-http.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const path = '/api/v1/namespaces/default/configmaps';
const make = async (name: string, data: object = { a: '1' }): Promise<Json> =>
  (await server.http('POST', path, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data })).json;

describe('two writers of one object', () => {
  test('the one with the older version is told to read again', async () => {
    const read = await make('stale');
    await server.http('PUT', `${path}/stale`, { ...read, data: { a: '2' } });
    const second = await server.http('PUT', `${path}/stale`, { ...read, data: { a: '3' } });
    expect(second.json).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "stale": the object has been modified; please apply your changes to the latest version and try again',
      details: { name: 'stale', kind: 'configmaps' },
    });
  });

  test('an update without a version takes the newest', async () => {
    const { metadata } = await make('unconditional');
    const answer = await server.http('PUT', `${path}/unconditional`, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'unconditional' },
      data: { b: '1' },
    });
    expect(answer.json.data).toEqual({ b: '1' });
    expect(answer.json.metadata.uid).toBe(metadata.uid);
    expect(answer.json.metadata.creationTimestamp).toBe(metadata.creationTimestamp);
  });

  test('patches never lose each other', async () => {
    await make('counted', {});
    const one = (i: number): Promise<unknown> =>
      server.http(
        'PATCH',
        `${path}/counted`,
        { data: { [`k${i}`]: 'x' } },
        { headers: { 'content-type': 'application/merge-patch+json' } },
      );
    await Promise.all(Array.from({ length: 20 }, (_, i) => one(i)));
    const { json } = await server.http('GET', `${path}/counted`);
    expect(Object.keys(json.data)).toHaveLength(20);
  });

  test('an update that changes nothing makes no new version', async () => {
    const read = await make('same');
    const answer = await server.http('PUT', `${path}/same`, read);
    expect(answer.json.metadata.resourceVersion).toBe(read.metadata.resourceVersion);
  });

  test('an update about another uid is refused', async () => {
    const read = await make('other-uid');
    const body = { ...read, metadata: { ...read.metadata, uid: 'b', resourceVersion: undefined } };
    const answer = await server.http('PUT', `${path}/other-uid`, body);
    expect(answer.json).toMatchObject({ code: 409, reason: 'Conflict' });
    expect(answer.json.message).toContain(`Precondition failed: UID in precondition: b, UID in object meta: ${read.metadata.uid}`);
  });

  test('creation is won by exactly one', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => server.http('POST', path, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'race' } })),
    );
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, ...Array.from({ length: 7 }, () => 409)]);
  });
});

test('applies that race to create an object all take part in it', async () => {
  const apply = (index: number): ReturnType<typeof server.http> =>
    server.http(
      'PATCH',
      `${path}/applied-at-once?fieldManager=manager-${index}`,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied-at-once' }, data: { [`key-${index}`]: 'x' } },
      { headers: { 'content-type': 'application/apply-patch+yaml' } },
    );
  const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => apply(index)));
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([...Array.from({ length: 7 }, () => 200), 201]);
  const { json } = await server.http('GET', `${path}/applied-at-once`);
  expect(Object.keys(json.data)).toHaveLength(8);
  expect(json.metadata.managedFields).toHaveLength(8);
});

describe('names and dry runs', () => {
  test('a generated name is the prefix and five letters', async () => {
    const { json } = await server.http('POST', path, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'gen-' } });
    expect(json.metadata.name).toMatch(/^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(json.metadata.generateName).toBe('gen-');
  });

  test('a dry run answers as the write would and leaves nothing', async () => {
    const answer = await server.http('POST', `${path}?dryRun=All`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'dry' } });
    expect(answer.status).toBe(201);
    expect(answer.json.metadata.uid).toMatch(/-/);
    expect((await server.http('GET', `${path}/dry`)).status).toBe(404);
  });

  test('a dry update and a dry deletion change nothing', async () => {
    const read = await make('dry-update');
    const updated = await server.http('PUT', `${path}/dry-update?dryRun=All`, { ...read, data: { a: '2' } });
    expect(updated.json.data).toEqual({ a: '2' });
    expect((await server.http('DELETE', `${path}/dry-update?dryRun=All`)).status).toBe(200);
    expect((await server.http('GET', `${path}/dry-update`)).json).toEqual(read);
  });

  test('what the server fills in cannot be set by a client', async () => {
    const { json } = await server.http('POST', path, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'forged', uid: 'mine', creationTimestamp: '2000-01-01T00:00:00Z', deletionTimestamp: '2000-01-01T00:00:00Z' },
    });
    expect(json.metadata.uid).not.toBe('mine');
    expect(json.metadata.creationTimestamp).not.toBe('2000-01-01T00:00:00Z');
    expect(json.metadata).not.toHaveProperty('deletionTimestamp');
  });

  test('spec is counted in generations, metadata and status are not', async () => {
    const deployments = '/apis/apps/v1/namespaces/default/deployments';
    const pod = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    const created = await server.http('POST', deployments, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'counted', generation: 7 },
      spec: { selector: { matchLabels: { a: 'b' } }, template: pod },
      status: { replicas: 9 },
    });
    expect(created.json.metadata.generation).toBe(1);
    expect(created.json.status.replicas).toBeUndefined();
    const merge = { headers: { 'content-type': 'application/merge-patch+json' } };
    const labelled = await server.http('PATCH', `${deployments}/counted`, { metadata: { labels: { x: 'y' } } }, merge);
    expect(labelled.json.metadata.generation).toBe(1);
    const scaled = await server.http('PATCH', `${deployments}/counted`, { spec: { replicas: 3 } }, merge);
    expect(scaled.json.metadata.generation).toBe(2);
    const observed = await server.http('PATCH', `${deployments}/counted/status`, { status: { replicas: 3 }, spec: { replicas: 8 } }, merge);
    expect(observed.json.metadata.generation).toBe(2);
    expect(observed.json.spec.replicas).toBe(3);
    expect(observed.json.status.replicas).toBe(3);
  });

  test('the scale subresource reads and writes one number', async () => {
    const scale = '/apis/apps/v1/namespaces/default/deployments/counted/scale';
    const read = await server.http('GET', scale);
    expect(read.json).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      spec: { replicas: 3 },
      status: { replicas: 3, selector: 'a=b' },
    });
    const written = await server.http('PUT', scale, { ...read.json, spec: { replicas: 5 } });
    expect(written.json.spec.replicas).toBe(5);
    const stale = await server.http('PUT', scale, { ...read.json, spec: { replicas: 6 } });
    expect(stale.status).toBe(409);
    const negative = await server.http('PUT', scale, { ...written.json, spec: { replicas: -1 } });
    expect(negative.json).toMatchObject({ code: 422, reason: 'Invalid' });
  });
});
