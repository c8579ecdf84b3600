/** How long requests may take: `--request-timeout`, the client's own limit, and clients that send or take too slowly. */
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { ExtensionFactory } from '../../src/apiserver/index.ts';
import { startTestServer, testExtensions, type TestServer } from './harness.ts';

let server: TestServer;
const finish: (() => void)[] = [];

/** An endpoint that answers when the test says so, and a stream that goes on as long as it is read. */
const slow: ExtensionFactory = () => ({
  endpoints: [
    {
      path: '/slow',
      methods: ['GET'],
      handle: async () => {
        await new Promise<void>((resolve) => finish.push(resolve));
        return { type: 'bytes', status: 200, contentType: 'text/plain', body: 'done' };
      },
    },
    {
      path: '/endless',
      methods: ['GET'],
      handle: () =>
        Promise.resolve({
          type: 'stream',
          status: 200,
          contentType: 'text/plain',
          produce: async (sink) => {
            for (;;) await sink.write(Buffer.alloc(65_536));
          },
        }),
    },
  ],
});

beforeAll(async () => {
  server = await startTestServer({ requestTimeoutMs: 1_000, extensions: [...testExtensions(), slow] });
});
afterAll(async () => {
  for (const end of finish) end();
  await server.close();
});

const late = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: 'Timeout: request did not complete within the allotted timeout',
  reason: 'Timeout',
  code: 504,
};

test('a request that takes too long is told so, and what comes of it later disturbs nobody', async () => {
  const answer = await server.http('GET', '/slow');
  expect([answer.status, answer.json]).toEqual([504, expect.objectContaining(late)]);
  finish.shift()!();
  expect((await server.http('GET', '/api/v1/namespaces/default')).status).toBe(200);
});

test('a request that ends in time is answered', async () => {
  const answer = server.http('GET', '/slow?timeout=30s');
  await vi.waitFor(() => expect(finish).toHaveLength(1), 20_000);
  finish.shift()!();
  expect((await answer).text).toBe('done');
});

test('a client may want its answer sooner, in words that can be read', async () => {
  expect((await server.http('GET', '/slow?timeout=10ms')).status).toBe(504);
  const { json } = await server.http('GET', '/api/v1/pods?timeout=soon');
  expect(json).toMatchObject({
    code: 400,
    reason: 'BadRequest',
    message: 'invalid timeout specified in the request URL - time: invalid duration "soon"',
  });
});

test('a watch goes on', async () => {
  const answer = await server.http('GET', '/api/v1/namespaces?watch=true&timeoutSeconds=2');
  expect(answer.status).toBe(200);
});

async function speak(text: string): Promise<TLSSocket> {
  const { admin, authority, port } = server;
  const socket = connectTls({ host: '127.0.0.1', port, ca: authority.ca, cert: admin.cert, key: admin.key, ALPNProtocols: ['http/1.1'] });
  await new Promise<void>((resolve) => socket.once('secureConnect', resolve));
  socket.write(text);
  return socket;
}

test('a body that does not come is not waited for', async () => {
  const socket = await speak(
    'POST /api/v1/namespaces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{',
  );
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await vi.waitFor(() => expect(text).toContain('request did not complete within the allotted timeout'), 20_000);
  expect(text).toMatch(/^HTTP\/1\.1 504 /);
  socket.destroy();
});

test('an answer that nobody takes is broken off', async () => {
  const socket = await speak('GET /endless HTTP/1.1\r\nhost: x\r\n\r\n');
  let closed = false;
  socket.on('error', () => {});
  socket.on('close', () => (closed = true));
  socket.resume();
  await vi.waitFor(() => expect(closed).toBe(true), 20_000);
});
