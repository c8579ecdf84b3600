/** The objects of flow control that every cluster has, when somebody deletes or changes them. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { VirtualClock } from '../../src/base/index.ts';
import { startTestServer, testExtensions, type TestServer } from './harness.ts';
import type { Json } from './raw-http.ts';

const base = '/apis/flowcontrol.apiserver.k8s.io/v1';
const autoUpdate = 'apf.kubernetes.io/autoupdate-spec';
const merge = { headers: { 'content-type': 'application/merge-patch+json' } };
const generous = { timeout: 20_000 };
let server: TestServer;
let clock: VirtualClock;

beforeAll(async () => {
  clock = new VirtualClock();
  server = await startTestServer({
    clock,
    extensions: testExtensions({
      bootstrap: { address: () => undefined, clientCa: undefined },
    }),
  });
});
afterAll(() => server.close());

const get = async (path: string): Promise<Json> => (await server.http('GET', `${base}/${path}`)).json;

async function patched(path: string, patch: object): Promise<Json> {
  const answer = await server.http('PATCH', `${base}/${path}`, patch, merge);
  expect(answer.status).toBe(200);
  return answer.json;
}

/** The keeper looks once a minute. */
async function eventually(check: () => Promise<void>): Promise<void> {
  await vi.waitFor(async () => {
    await clock.advance(60_000);
    await check();
  }, generous);
}

test.each([
  'flowschemas/catch-all',
  'flowschemas/exempt',
  'prioritylevelconfigurations/catch-all',
  'prioritylevelconfigurations/exempt',
  'flowschemas/service-accounts',
  'prioritylevelconfigurations/workload-low',
])('%s comes back when it is deleted', async (path) => {
  const before = await get(path);
  expect((await server.http('DELETE', `${base}/${path}`)).status).toBe(200);
  await eventually(async () => {
    const after = await get(path);
    expect(after.spec).toEqual(before.spec);
    expect(after.metadata.uid).not.toBe(before.metadata.uid);
  });
});

test('a mandatory object that was changed behind the back of validation is mended', async () => {
  const before = await get('flowschemas/catch-all');
  const { kvs } = await server.store.range('/registry/');
  const stored = kvs.find(({ key }) => key.endsWith('/flowschemas/catch-all'))!;
  const text = Buffer.from(stored.value).toString().replace('"matchingPrecedence":10000', '"matchingPrecedence":9000');
  const op = { type: 'put', value: Buffer.from(text) } as const;
  expect(await server.store.txn({ key: stored.key, expectModRevision: stored.modRevision, op })).toMatchObject({ ok: true });
  await vi.waitFor(async () => expect((await get('flowschemas/catch-all')).spec.matchingPrecedence).toBe(9_000), generous);
  await eventually(async () => expect((await get('flowschemas/catch-all')).spec).toEqual(before.spec));
});

test('a suggested object that is ours is mended; one that somebody made his own is left alone', async () => {
  const [ours, theirs] = ['flowschemas/system-nodes', 'flowschemas/kube-scheduler'];
  const before = await get(ours);
  await patched(theirs, { metadata: { annotations: { [autoUpdate]: 'false' } }, spec: { matchingPrecedence: 777 } });
  await patched(ours, { spec: { matchingPrecedence: 778 } });
  await eventually(async () => expect((await get(ours)).spec).toEqual(before.spec));
  expect((await get(theirs)).spec.matchingPrecedence).toBe(777);
});

test('what the exempt level lends is the administrator’s to say, once it is his', async () => {
  const path = 'prioritylevelconfigurations/exempt';
  await patched(path, {
    metadata: { annotations: { [autoUpdate]: 'false' } },
    spec: { exempt: { nominalConcurrencyShares: 5, lendablePercent: 10 } },
  });
  await patched('flowschemas/system-nodes', { spec: { matchingPrecedence: 778 } });
  await eventually(async () => expect((await get('flowschemas/system-nodes')).spec.matchingPrecedence).not.toBe(778));
  expect((await get(path)).spec.exempt).toEqual({ nominalConcurrencyShares: 5, lendablePercent: 10 });
});

test('what is not suggested any more goes, unless it is somebody’s own', async () => {
  const schema = (name: string, annotations: object): object => ({
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
    kind: 'FlowSchema',
    metadata: { name, annotations },
    spec: { priorityLevelConfiguration: { name: 'workload-low' }, matchingPrecedence: 5_000 },
  });
  for (const object of [
    schema('old-suggestion', { [autoUpdate]: 'true' }),
    schema('kept-suggestion', { [autoUpdate]: 'false' }),
    schema('own', {}),
  ]) {
    expect((await server.http('POST', `${base}/flowschemas`, object)).status).toBe(201);
  }
  await eventually(async () => expect((await get('flowschemas/old-suggestion')).code).toBe(404));
  expect([(await get('flowschemas/kept-suggestion')).kind, (await get('flowschemas/own')).kind]).toEqual(['FlowSchema', 'FlowSchema']);
});
