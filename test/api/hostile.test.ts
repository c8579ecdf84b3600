/** Clients that want much: what each of them can cost is bounded, and everybody else is served meanwhile. */
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './harness.ts';

let server: TestServer;
const configMaps = '/api/v1/namespaces/default/configmaps';
const sessions: ClientHttp2Session[] = [];

beforeAll(async () => {
  server = await startTestServer({ namespaces: ['default', 'big'] });
  for (const name of ['a', 'b', 'c']) await server.http('POST', configMaps, { metadata: { name, labels: { name } } });
});
beforeEach(() => {
  for (const session of sessions.splice(0)) session.destroy();
});
afterAll(async () => {
  for (const session of sessions) session.destroy();
  await server.close();
});

function openSession(): ClientHttp2Session {
  const { admin, authority, port } = server;
  const identity = { ca: authority.ca, cert: admin.cert, key: admin.key };
  const session = connect(`https://127.0.0.1:${port}`, { ...identity, maxSendHeaderBlockLength: 500_000 });
  session.on('error', () => {});
  sessions.push(session);
  return session;
}

/** A connection carries a hundred of them. */
const watchesOfOne = process.env['KNARR_TEST_LONG'] ? 10_000 : 1_000;

async function watches(): Promise<number> {
  const { text } = await server.http('GET', '/metrics');
  return Number(/^apiserver_longrunning_requests\{verb="WATCH",.*resource="configmaps".*\} (\d+)$/m.exec(text)?.[1] ?? 0);
}

async function isServed(): Promise<void> {
  expect((await server.http('GET', `${configMaps}/a`)).status).toBe(200);
}

test(
  `${watchesOfOne} watches of one client are told one change each, and are gone with its connections`,
  { timeout: 180_000 },
  async () => {
    const streams: ClientHttp2Stream[] = [];
    let told = 0;
    for (let connection = 0; connection < watchesOfOne / 100; connection++) {
      const session = openSession();
      const opened = Array.from({ length: 100 }, () =>
        session.request({ ':path': `${configMaps}?watch=1&fieldSelector=metadata.name%3Db` }),
      );
      // What is there already is told first.
      await Promise.all(opened.map((stream) => once(stream, 'data')));
      streams.push(...opened);
    }
    const all = Promise.withResolvers<void>();
    for (const stream of streams) {
      stream.once('data', () => {
        if (++told === streams.length) all.resolve();
      });
    }
    expect(await watches()).toBe(watchesOfOne);
    await server.http('PUT', `${configMaps}/b`, { metadata: { name: 'b' }, data: { told: 'yes' } });
    await all.promise;
    for (const session of sessions.splice(0)) session.destroy();
    await expect.poll(watches, { timeout: 60_000 }).toBe(0);
    await isServed();
  },
);

test('readers of a long list who do not read hold no more than a few chunks each', { timeout: 120_000 }, async () => {
  const path = '/api/v1/namespaces/big/configmaps';
  const data = { text: 'x'.repeat(900_000) };
  for (let i = 0; i < 12; i++) await server.http('POST', path, { metadata: { name: `big-${i}` }, data });
  const readers = 60;
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < readers; i++) {
    const stream = openSession().request({ ':path': path });
    stream.on('error', () => {});
    await once(stream, 'response');
    stream.pause();
  }
  await isServed();
  // Kept whole, these lists would take 650 MB; both ends of the connections stand in this process.
  const heldEach = (process.memoryUsage().arrayBuffers - before) / readers;
  expect(heldEach).toBeLessThan(4 * 1024 * 1024);
  expect((await server.http('GET', path)).json.items).toHaveLength(12);
});

const names = (count: number): string => Array.from({ length: count }, (_, i) => `n${i}`).join(',');

test.each<[string, string, number, number]>([
  ['a set of 8,000 values', `name in (a,${names(8_000)})`, 200, 1],
  ['8,000 requirements', Array.from({ length: 8_000 }, (_, i) => `!x${i}`).join(','), 200, 3],
  ['10,000 requirements that nothing meets', Array.from({ length: 10_000 }, (_, i) => `x${i}`).join(','), 200, 0],
  ['parentheses without end', 'name in '.concat('('.repeat(50_000)), 400, 0],
  ['commas without end', ','.repeat(50_000), 400, 0],
  ['one name without end', 'x'.repeat(50_000), 400, 0],
])('an enormous label selector is answered: %s', { timeout: 60_000 }, async (_title, selector, status, items) => {
  const stream = openSession().request({ ':path': `${configMaps}?labelSelector=${encodeURIComponent(selector).replaceAll('%2C', ',')}` });
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  await once(stream, 'end');
  expect(headers[':status']).toBe(status);
  if (status === 200) expect(JSON.parse(text).items).toHaveLength(items);
  await isServed();
});

test('many long selectors of many watches are not kept when their watches are gone', { timeout: 60_000 }, async () => {
  const session = openSession();
  for (let round = 0; round < 5; round++) {
    const streams = Array.from({ length: 20 }, (_, i) => {
      const selector = `name in (r${round}s${i},${names(5_000)})`;
      return session.request({ ':path': `${configMaps}?watch=1&labelSelector=${encodeURIComponent(selector)}` });
    });
    await Promise.all(streams.map((stream) => once(stream, 'response')));
    for (const stream of streams) stream.close(8);
  }
  await expect.poll(watches, { timeout: 30_000 }).toBe(0);
  await isServed();
});

test('connections that never speak hold up nobody', { timeout: 60_000 }, async () => {
  const { connect: connectTcp } = await import('node:net');
  const silent = Array.from({ length: 300 }, () => connectTcp(server.port, '127.0.0.1'));
  try {
    for (const socket of silent) socket.on('error', () => {});
    await Promise.all(silent.map((socket) => once(socket, 'connect')));
    const stream = openSession().request({ ':path': `${configMaps}/a` });
    stream.on('data', () => {});
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(headers[':status']).toBe(200);
  } finally {
    for (const socket of silent) socket.destroy();
  }
});
