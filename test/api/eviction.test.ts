/** Evictions under disruption budgets, one at a time and many at once. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, testExtensions, type TestServer } from './harness.ts';
import type { Json } from './raw-http.ts';

let server: TestServer;
const pods = '/api/v1/namespaces/default/pods';
const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
const refusal = "Cannot evict pod as it would violate the pod's disruption budget.";

beforeAll(async () => {
  server = await startTestServer({
    extensions: testExtensions({
      // Evictions talk to no kubelet and sign nothing.
      subresources: {
        kubeletTls: () => ({ ca: undefined, cert: '', key: '' }),
        signer: { issuer: 'https://issuer', audiences: [], sign: () => '' },
      },
    }),
  });
});
afterAll(() => server.close());

/** A pod that runs, and is ready when asked. */
async function run(name: string, app: string, ready = true): Promise<void> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app }, finalizers: ['example.com/hold'] },
    spec: { containers: [{ name: 'c', image: 'x' }] },
  };
  const { json } = await server.http('POST', pods, pod);
  const status = { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] };
  expect((await server.http('PUT', `${pods}/${name}/status`, { ...json, status })).status).toBe(200);
}

async function budget(app: string, status: object, spec: object = {}): Promise<void> {
  const object = {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: app },
    spec: { minAvailable: 1, selector: { matchLabels: { app } }, ...spec },
  };
  const { json } = await server.http('POST', budgets, object);
  const full = { currentHealthy: 2, desiredHealthy: 1, disruptionsAllowed: 1, expectedPods: 2, observedGeneration: 1, ...status };
  expect((await server.http('PUT', `${budgets}/${app}/status`, { ...json, status: full })).status).toBe(200);
}

function evict(name: string, options: { readonly query?: string; readonly deleteOptions?: object } = {}): Promise<Json> {
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name }, deleteOptions: options.deleteOptions };
  return server.http('POST', `${pods}/${name}/eviction${options.query ?? ''}`, eviction);
}

const get = async (path: string): Promise<Json> => (await server.http('GET', path)).json;

describe('an eviction', () => {
  test('takes one disruption, says on the pod why it goes, and is refused when none is left', async () => {
    await run('a1', 'a');
    await run('a2', 'a');
    await budget('a', {});
    expect((await evict('a1', { query: '?dryRun=All' })).json).toMatchObject({ kind: 'Status', status: 'Success' });
    expect((await get(`${budgets}/a`)).status).toMatchObject({ disruptionsAllowed: 1 });
    expect((await evict('a1')).status).toBe(201);
    const { status } = await get(`${budgets}/a`);
    expect(status).toMatchObject({
      disruptionsAllowed: 0,
      disruptedPods: { a1: expect.any(String) },
      conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods', message: '', observedGeneration: 1 }],
    });
    const gone = await get(`${pods}/a1`);
    expect(gone.metadata.deletionTimestamp).toBeDefined();
    expect(gone.status.conditions).toContainEqual({
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'EvictionByEvictionAPI',
      message: 'Eviction API: evicting',
      observedGeneration: 1,
      lastTransitionTime: expect.any(String),
    });
    expect((await evict('a2')).json).toMatchObject({
      code: 429,
      reason: 'TooManyRequests',
      message: refusal,
      details: { causes: [{ reason: 'DisruptionBudget', message: 'The disruption budget a needs 1 healthy pods and has 2 currently' }] },
    });
  });

  test('waits for the budget to be computed', async () => {
    await run('b1', 'b');
    await budget('b', { observedGeneration: 0 });
    const answer = await evict('b1');
    expect(answer.headers['retry-after']).toBe('10');
    expect(answer.json.details).toEqual({
      retryAfterSeconds: 10,
      causes: [{ reason: 'DisruptionBudget', message: 'The disruption budget b is still being processed by the server.' }],
    });
  });

  test('of a pod under two budgets is not supported', async () => {
    await run('c1', 'c');
    await budget('c', {});
    await server.http('POST', budgets, { ...(await get(`${budgets}/c`)), metadata: { name: 'c-too' } });
    const { json } = await evict('c1');
    expect(json).toMatchObject({
      code: 500,
      message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    });
  });

  test('of an unready pod takes nothing from a healthy budget, and always passes where the budget allows it', async () => {
    await run('d1', 'd', false);
    await run('e1', 'e', false);
    await run('f1', 'f', false);
    await budget('d', { disruptionsAllowed: 0 });
    await budget('e', { disruptionsAllowed: 0, currentHealthy: 0 }, { unhealthyPodEvictionPolicy: 'AlwaysAllow' });
    await budget('f', { disruptionsAllowed: 0, currentHealthy: 0 });
    expect((await evict('d1')).status).toBe(201);
    expect((await evict('e1')).status).toBe(201);
    expect((await evict('f1')).status).toBe(429);
    expect((await get(`${budgets}/d`)).status).not.toHaveProperty('disruptedPods');
  });

  test('under preconditions deletes only what they name', async () => {
    await run('g1', 'g');
    const { metadata } = await get(`${pods}/g1`);
    expect((await evict('g1', { deleteOptions: { preconditions: { uid: 'x' } } })).json.message).toBe(
      `Operation cannot be fulfilled on Pod "g1": the UID in the precondition (x) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
    expect((await evict('g1', { deleteOptions: { preconditions: { resourceVersion: '1' } } })).status).toBe(409);
    const { uid, resourceVersion } = metadata;
    expect((await evict('g1', { deleteOptions: { preconditions: { uid, resourceVersion } } })).status).toBe(201);
  });

  test('many at once take no more than the budget has', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `h${i}`);
    for (const name of names) await run(name, 'h');
    await budget('h', { disruptionsAllowed: 5, currentHealthy: 12, desiredHealthy: 7, expectedPods: 12 });
    const answers = await Promise.all(names.map((name) => evict(name)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(7);
    const { status } = await get(`${budgets}/h`);
    expect(status.disruptionsAllowed).toBe(0);
    expect(Object.keys(status.disruptedPods)).toHaveLength(5);
  });
});

test('an eviction is only made', async () => {
  await run('kept', 'kept');
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const { status, json } = await server.http(method, `${pods}/kept/eviction`);
    expect([status, json.reason]).toEqual([405, 'MethodNotAllowed']);
  }
});

test('an eviction may be of the version of old', async () => {
  await run('old', 'old');
  const eviction = { apiVersion: 'policy/v1beta1', kind: 'Eviction', metadata: { name: 'old' } };
  expect((await server.http('POST', `${pods}/old/eviction`, eviction)).status).toBe(201);
  const other = await server.http('POST', `${pods}/old/eviction`, { ...eviction, apiVersion: 'policy/v2' });
  expect(other.json.message).toBe('the API version in the data (policy/v2) does not match the expected API version (policy/v1)');
});

test('a budget is written only by whoever names the version read', async () => {
  await budget('v', {});
  const { metadata, ...rest } = await get(`${budgets}/v`);
  const answer = await server.http('PUT', `${budgets}/v`, { ...rest, metadata: { name: 'v' } });
  expect(answer.json.message).toBe(
    'poddisruptionbudgets.policy "v" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
  );
  expect((await server.http('PUT', `${budgets}/v`, { ...rest, metadata })).status).toBe(200);
});
