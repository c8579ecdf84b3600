/** Requests that are small and want much, or that never end: each is refused or answered in bounded time, and others are served meanwhile. */
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './harness.ts';
import type { HttpAnswer } from './raw-http.ts';

let server: TestServer;
const configMaps = '/api/v1/namespaces/default/configmaps';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const open: { destroy(): void }[] = [];

beforeAll(async () => {
  server = await startTestServer();
  await server.http('POST', configMaps, { metadata: { name: 'a' }, data: { a: 'b' } });
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  await server.http('POST', deployments, { metadata: { name: 'd' }, spec: { selector: { matchLabels: { a: 'b' } }, template } });
});
afterEach(async () => {
  for (const connection of open.splice(0)) connection.destroy();
  // Whatever came before, the server is well.
  expect((await server.http('GET', `${configMaps}/a`)).json.data).toEqual({ a: 'b' });
  expect((await server.http('GET', '/readyz')).text).toBe('ok');
});
afterAll(() => server.close());

function identity(): { readonly ca: string; readonly cert: string; readonly key: string } {
  return { ca: server.authority.ca, cert: server.admin.cert, key: server.admin.key };
}

async function openSocket(): Promise<TLSSocket> {
  const socket = connectTls({ host: '127.0.0.1', port: server.port, ...identity(), ALPNProtocols: ['http/1.1'] });
  socket.on('error', () => {});
  open.push(socket);
  await once(socket, 'secureConnect');
  return socket;
}

function openSession(): ClientHttp2Session {
  const session = connectHttp2(`https://127.0.0.1:${server.port}`, identity());
  session.on('error', () => {});
  open.push(session);
  return session;
}

/** Generous: a machine that has much else to do takes its time, but nothing here takes minutes. */
const boundMs = 10_000;

async function timed(request: Promise<HttpAnswer>): Promise<HttpAnswer> {
  const startedMs = performance.now();
  const answer = await request;
  expect(performance.now() - startedMs).toBeLessThan(boundMs);
  return answer;
}

const patch = (path: string, type: string, body: string, query = ''): Promise<HttpAnswer> =>
  server.http('PATCH', `${path}?${query}`, body, { headers: { 'content-type': `application/${type}` } });
const zeros = (count: number): string => `[${'0,'.repeat(count - 1)}0]`;
const again = (count: number, text: string): string => `${`${text},`.repeat(count - 1)}${text}`;
const deep = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;

describe('patches', () => {
  test.each<[title: string, type: string, body: string, status: number, message: RegExp]>([
    [
      'a JSON patch of 100,000 operations',
      'json-patch+json',
      `[${again(100_000, '{"op":"test","path":"/a"}')}]`,
      413,
      /^Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 100000$/,
    ],
    [
      'operations that shift a long list',
      'json-patch+json',
      `[{"op":"add","path":"/x","value":${zeros(1_000_000)}},${again(9_999, '{"op":"move","from":"/x/0","path":"/x/1"}')}]`,
      422,
      /^the server rejected our request/,
    ],
    [
      'copies of copies',
      'json-patch+json',
      `[{"op":"add","path":"/x","value":["${'x'.repeat(1_000)}"]},${again(9_999, '{"op":"copy","from":"/x","path":"/x/-"}')}]`,
      422,
      /^the server rejected our request/,
    ],
    [
      'moves into themselves',
      'json-patch+json',
      `[${again(3_000, '{"op":"add","path":"/y","value":{}},{"op":"move","from":"/data","path":"/y/a"},{"op":"move","from":"/y","path":"/data"}')}]`,
      422,
      /is invalid: patch/,
    ],
    ['a merge patch nested without end', 'merge-patch+json', `{"data":${deep(100_000)}}`, 400, /max depth/],
    ['a merge patch nested as deep as is read', 'merge-patch+json', `{"data":${deep(1_900)}}`, 400, /max depth/],
    ['a strategic merge patch nested as deep as is read', 'strategic-merge-patch+json', `{"data":${deep(1_900)}}`, 400, /max depth/],
    [
      'an applied configuration nested as deep as is read',
      'apply-patch+yaml',
      `{"apiVersion":"v1","kind":"ConfigMap","data":${deep(900)}}`,
      400,
      /^failed to create typed patch object/,
    ],
  ])('%s: refused in time', { timeout: 60_000 }, async (_title, type, body, status, message) => {
    const { json } = await timed(patch(`${configMaps}/a`, type, body, type.startsWith('apply') ? 'fieldManager=x' : ''));
    expect([json.code, json.message]).toEqual([status, expect.stringMatching(message)]);
  });

  test.each([
    ['containers', `{"spec":{"template":{"spec":{"containers":[${again(40_000, '{"name":"c","env":[]}')}]}}}}`],
    [
      'variables',
      `{"spec":{"template":{"spec":{"containers":[{"name":"c","env":[${Array.from({ length: 30_000 }, (_, i) => `{"name":"v${i}","value":"x"}`).join()}]}]}}}}`,
    ],
    [
      'deletions',
      `{"spec":{"template":{"spec":{"containers":[${Array.from({ length: 30_000 }, (_, i) => `{"$patch":"delete","name":"x${i}"}`).join()}]}}}}`,
    ],
    [
      'orders',
      `{"spec":{"template":{"spec":{"$setElementOrder/containers":[${Array.from({ length: 30_000 }, (_, i) => `{"name":"x${i}"}`).join()}]}}}}`,
    ],
  ])('a strategic merge patch of tens of thousands of %s', { timeout: 60_000 }, async (_title, body) => {
    const { status } = await timed(patch(`${deployments}/d`, 'strategic-merge-patch+json', body, 'dryRun=All'));
    expect([200, 400, 422]).toContain(status);
  });
});

describe('bodies', () => {
  const laughs = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...Array.from('bcdefghi', (name, i) => `${name}: &${name} [${again(9, `*${'abcdefgh'[i]}`)}]`),
  ].join('\n');

  test.each<[title: string, body: string, status: number]>([
    ['a billion laughs', `${laughs}\nkind: ConfigMap\n`, 400],
    ['an anchor within itself', 'kind: ConfigMap\nmetadata: &m {labels: *m}\n', 400],
    ['100,000 aliases', `kind: ConfigMap\nx: &x y\ndata: [${again(100_000, '*x')}]\n`, 400],
    ['100,000 documents', '---\na: b\n'.repeat(100_000), 422],
    ['100,000 keys of a flow', `{${Array.from({ length: 100_000 }, (_, i) => `k${i}: v`).join()}}`, 422],
  ])('YAML: %s', { timeout: 60_000 }, async (_title, body, status) => {
    const answer = await timed(server.http('POST', configMaps, body, { headers: { 'content-type': 'application/yaml' } }));
    expect([answer.status, answer.json.kind]).toEqual([status, 'Status']);
  });

  test('that are packed are not unpacked: nothing says so to the server', async () => {
    const bomb = gzipSync(Buffer.alloc(100 * 1024 * 1024, 0x20));
    const answer = await timed(server.http('POST', configMaps, bomb, { headers: { 'content-encoding': 'gzip' } }));
    expect([answer.status, answer.json.reason]).toEqual([400, 'BadRequest']);
  });

  test('that come byte by byte, or never, hold up nobody', { timeout: 60_000 }, async () => {
    const head = `POST ${configMaps} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 3000000\r\n\r\n`;
    const sockets = await Promise.all(Array.from({ length: 200 }, openSocket));
    for (const socket of sockets) socket.write(`${head}{`);
    for (let round = 0; round < 20; round++) {
      for (const socket of sockets) socket.write(' ');
      expect((await timed(server.http('GET', `${configMaps}/a`))).status).toBe(200);
    }
  });

  test('that break off in the middle change nothing', { timeout: 60_000 }, async () => {
    const body = JSON.stringify({ metadata: { name: 'broken-off' }, data: { a: 'b' } });
    for (let length = 0; length < body.length; length += 7) {
      const socket = await openSocket();
      const head = `POST ${configMaps} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
      socket.end(head + body.slice(0, length));
      socket.resume();
      await once(socket, 'close');
      const stream = openSession().request({ ':method': 'POST', ':path': configMaps, 'content-type': 'application/json' });
      stream.on('error', () => {});
      stream.write(body.slice(0, length), () => stream.close(constants.NGHTTP2_CANCEL));
      await once(stream, 'close');
    }
    expect((await server.http('GET', `${configMaps}/broken-off`)).status).toBe(404);
  });
});

describe('heads', () => {
  test('of HTTP/2 without end are cut off', { timeout: 60_000 }, async () => {
    const session = connectHttp2(`https://127.0.0.1:${server.port}`, { ...identity(), maxSendHeaderBlockLength: 4_000_000 });
    session.on('error', () => {});
    open.push(session);
    const headers = Object.fromEntries(Array.from({ length: 2_500 }, (_, i) => [`x-${i}`, 'y'.repeat(1_000)]));
    const stream = session.request({ ':path': `${configMaps}/a`, ...headers });
    let status = 0;
    stream.on('response', (head) => (status = Number(head[':status'])));
    stream.resume();
    await new Promise<void>((resolve) => {
      stream.on('error', () => resolve()).on('close', () => resolve());
    });
    expect([0, 431]).toContain(status);
  });

  test('of HTTP/1.1 that come byte by byte hold up nobody', { timeout: 60_000 }, async () => {
    const sockets = await Promise.all(Array.from({ length: 100 }, openSocket));
    for (const byte of `GET ${configMaps}/a HTTP/1.1\r\nX: `) for (const socket of sockets) socket.write(byte);
    expect((await timed(server.http('GET', `${configMaps}/a`))).status).toBe(200);
  });
});

test('a client that opens streams and resets them at once is hung up on', { timeout: 120_000 }, async () => {
  const session = openSession();
  await once(session, 'connect');
  let sent = 0;
  while (!session.closed && !session.destroyed && sent < 50_000) {
    for (let i = 0; i < 50; i++, sent++) {
      if (session.destroyed || session.closed) break;
      const stream = session.request({ ':path': configMaps });
      stream.on('error', () => {});
      stream.close(constants.NGHTTP2_CANCEL);
    }
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  expect(sent).toBeLessThan(50_000);
});
