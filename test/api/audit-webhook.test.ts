/** Audit events on their way to a webhook over TLS: in batches, again when it fails, counted when they are lost, never in anybody's way. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { Registry } from '../../src/base/index.ts';
import { createTestAuthority, type TestAuthority } from './certificates.ts';
import { startTestServer, testExtensions, type TestServer } from './harness.ts';
import { startHttps, webhookKubeconfig } from './local-https.ts';
import type { Json } from './raw-http.ts';

let authority: TestAuthority;
let directory: string;
let receiver: Awaited<ReturnType<typeof startHttps>>;
/** What came, batch by batch. */
let batches: Json[] = [];
/** What the n-th batch of a test is answered with; undefined: nothing, ever. */
let answer: (n: number) => number | undefined = () => 200;
const generous = 20_000;

beforeAll(async () => {
  authority = await createTestAuthority();
  directory = mkdtempSync(join(tmpdir(), 'knarr-audit-webhook-'));
  receiver = await startHttps(authority, (request, body, response) => {
    batches.push({ ...JSON.parse(body), authorization: request.headers.authorization });
    const status = answer(batches.length);
    if (status !== undefined) response.writeHead(status, status === 302 ? { location: receiver.url } : {}).end();
  });
  writeFileSync(join(directory, 'kubeconfig'), webhookKubeconfig(authority, receiver.url));
  writeFileSync(
    join(directory, 'policy'),
    'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata, nonResourceURLs: ["/version"]}]\n',
  );
});
afterAll(async () => {
  await receiver.close();
  rmSync(directory, { recursive: true });
});
beforeEach(() => {
  batches = [];
  answer = () => 200;
});

interface Audited extends AsyncDisposable {
  readonly server: TestServer;
  /** Makes requests that are audited; their ids. */
  request(count: number): Promise<string[]>;
  /** How many events a part of the pipeline lost. */
  lost(plugin: string): Promise<number>;
}

async function start(flags: object): Promise<Audited> {
  const metrics = new Registry();
  const server = await startTestServer({
    extensions: testExtensions({
      health: { metrics },
      flags: {
        'audit-policy-file': join(directory, 'policy'),
        'audit-webhook-config-file': join(directory, 'kubeconfig'),
        'audit-webhook-initial-backoff': 10,
        'audit-webhook-batch-max-wait': 20,
        'audit-webhook-batch-throttle-enable': false,
        ...flags,
      },
    }),
  });
  return {
    server,
    request: async (count) => {
      const ids: string[] = [];
      for (let i = 0; i < count; i++) ids.push(String((await server.http('GET', '/version')).headers['audit-id']));
      return ids;
    },
    lost: async (plugin) => {
      const { values } = await metrics.getSingleMetric('apiserver_audit_error_total')!.get();
      return values.find(({ labels }) => labels['plugin'] === plugin)?.value ?? 0;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

const idsOf = (list: readonly Json[]): string[] => list.flatMap(({ items }) => items.map(({ auditID }: Json) => String(auditID)));

test('events come as lists that are no longer than they may be, in their order, each once', async () => {
  await using audited = await start({ 'audit-webhook-batch-max-size': 4 });
  const ids = await audited.request(10);
  await vi.waitFor(() => expect(idsOf(batches)).toEqual(ids), generous);
  expect(batches[0]).toMatchObject({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, authorization: 'Bearer the-server' });
  expect(batches[0].items[0]).toMatchObject({ level: 'Metadata', stage: 'ResponseComplete', requestURI: '/version', verb: 'get' });
  expect(Math.max(...batches.map(({ items }) => items.length))).toBeLessThanOrEqual(4);
});

test('a list that is not taken is sent again, and nothing is lost', async () => {
  answer = (n) => (n === 1 ? 500 : n === 2 ? 302 : 200);
  await using audited = await start({});
  const ids = await audited.request(3);
  await vi.waitFor(() => expect(new Set(idsOf(batches.slice(2)))).toEqual(new Set(ids)), generous);
  expect(batches[0].items).toEqual(batches[1].items);
  expect([await audited.lost('webhook'), await audited.lost('buffered')]).toEqual([0, 0]);
});

test('what is never taken is counted, and what comes after it is sent', async () => {
  answer = (n) => (n <= 5 ? 503 : 200);
  await using audited = await start({ 'audit-webhook-batch-max-size': 1 });
  const [dropped, ...kept] = await audited.request(3);
  await vi.waitFor(() => expect(idsOf(batches.slice(5))).toEqual(kept), generous);
  expect(new Set(idsOf(batches.slice(0, 5)))).toEqual(new Set([dropped]));
  expect(await audited.lost('webhook')).toBe(1);
});

test('a receiver that never answers holds up nobody and fills no memory', async () => {
  answer = () => undefined;
  await using audited = await start({
    'audit-webhook-batch-max-size': 2,
    'audit-webhook-batch-buffer-size': 5,
    'audit-webhook-batch-max-wait': 600_000,
  });
  await audited.request(2);
  await vi.waitFor(() => expect(batches).toHaveLength(1), generous);
  // Two are on their way, five wait, the others are lost; all requests are answered.
  expect(await audited.request(20)).toHaveLength(20);
  await vi.waitFor(async () => expect(await audited.lost('buffered')).toBe(15), generous);
  expect(batches).toHaveLength(1);
});

test('what waits is sent before the server ends', async () => {
  const audited = await start({ 'audit-webhook-batch-max-wait': 600_000 });
  const ids = await audited.request(3);
  expect(batches).toEqual([]);
  await audited.server.close();
  await vi.waitFor(() => expect(idsOf(batches)).toEqual(ids), generous);
});

test('a mode that blocks sends every event by itself', async () => {
  await using audited = await start({ 'audit-webhook-mode': 'blocking' });
  const ids = await audited.request(3);
  await vi.waitFor(() => expect(idsOf(batches)).toEqual(ids), generous);
  expect(batches).toHaveLength(3);
});
