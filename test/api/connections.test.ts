/** What comes over a connection that is no ordinary request, and watchers that do not behave. */
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './harness.ts';

let server: TestServer;
const configMaps = '/api/v1/namespaces/default/configmaps';

beforeAll(async () => {
  server = await startTestServer();
  for (const name of ['a', 'b', 'c']) await server.http('POST', configMaps, { metadata: { name } });
});
afterAll(() => server.close());

async function openSocket(): Promise<TLSSocket> {
  const { admin, authority, port } = server;
  const socket = connectTls({ host: '127.0.0.1', port, ca: authority.ca, cert: admin.cert, key: admin.key, ALPNProtocols: ['http/1.1'] });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

/** Everything that the server says until it closes the connection. */
async function converse(said: string | Buffer | ((socket: TLSSocket) => void)): Promise<string> {
  const socket = await openSocket();
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  if (typeof said === 'function') said(socket);
  else socket.write(said);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
const closing = 'Connection: close\r\n';
const post = (more: string, body = ''): string =>
  `POST ${configMaps} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${more}\r\n${body}`;

describe('over HTTP/1.1', () => {
  test.each<[title: string, said: string | Buffer | ((socket: TLSSocket) => void), answer: RegExp]>([
    ['HTTP/1.0', `GET ${configMaps}/a HTTP/1.0\r\n\r\n`, /^HTTP\/1\.1 200 .*"name":"a"/s],
    ['no host', `GET ${configMaps}/a HTTP/1.1\r\n\r\n`, /^HTTP\/1\.1 400 /],
    [
      'three requests at once',
      get(`${configMaps}/a`) + get(`${configMaps}/b`) + get(`${configMaps}/c`, closing),
      /"name":"a".*"name":"b".*"name":"c"/s,
    ],
    ['the whole address', get(`https://elsewhere${configMaps}/a`, closing), /^HTTP\/1\.1 200 .*"name":"a"/s],
    ['no HTTP at all', 'hello\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['bytes', Buffer.from([0, 1, 2, 255, 254, 10, 13, 10]), /^HTTP\/1\.1 400 /],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['a path with a space', get(`${configMaps}/a b`), /^HTTP\/1\.1 400 /],
    ['lines that end too early', `GET ${configMaps}/a HTTP/1.1\nHost: x\n\n`, /^HTTP\/1\.1 400 /],
    ['a header with a zero byte', get(`${configMaps}/a`, 'X: a\0b\r\n'), /^HTTP\/1\.1 400 /],
    ['a method that is none', `FOO ${configMaps} HTTP/1.1\r\nHost: x\r\n\r\n`, /^HTTP\/1\.1 400 /],
    ['a length that is none', post('Content-Length: abc\r\n'), /^HTTP\/1\.1 400 /],
    ['two lengths', post('Content-Length: 2\r\nContent-Length: 3\r\n', '{}x'), /^HTTP\/1\.1 400 /],
    ['a length and chunks', post('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), /^HTTP\/1\.1 400 /],
    ['a chunk that is none', post('Transfer-Encoding: chunked\r\n', 'zz\r\n'), /HTTP\/1\.1 400 /],
    [
      'a body announced as too large',
      post('Content-Length: 10000000000\r\n', '{'),
      /^HTTP\/1\.1 413 .*"limit is 3145728|Request entity too large: limit is 3145728/s,
    ],
    ['a body that never began', (socket) => void socket.end(post('Content-Length: 100\r\n', '{"a"')), /^(HTTP\/1\.1 400 |$)/],
    ['a request and then the end', (socket) => void socket.end(get(`${configMaps}/a`)), /^HTTP\/1\.1 200 .*"name":"a"/s],
    ['a header of 20 KB', get(`${configMaps}/a`, `X: ${'x'.repeat(20_000)}\r\n${closing}`), /^HTTP\/1\.1 200 /],
    ['a header of 300 KB', get(`${configMaps}/a`, `X: ${'x'.repeat(300_000)}\r\n${closing}`), /^(HTTP\/1\.1 431 |$)/],
    [
      'an upgrade to what nobody speaks',
      get(`${configMaps}/a`, 'Connection: Upgrade\r\nUpgrade: foo\r\n'),
      /^HTTP\/1\.1 200 .*"name":"a"/s,
    ],
    ['a CONNECT', 'CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n', /^$/],
  ])('%s', async (_title, said, answer) => {
    expect(await converse(said)).toMatch(answer);
    expect((await server.http('GET', `${configMaps}/a`)).status).toBe(200);
  });

  test('a client that waits to be asked for its body is asked', async () => {
    const body = '{"metadata":{"name":"asked"}}';
    const answer = await converse((socket) => {
      socket.write(post(`Expect: 100-continue\r\nContent-Length: ${body.length}\r\n${closing}`));
      socket.once('data', () => socket.write(body));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 Created/);
  });

  test('a body without end is cut off when it is too large', async () => {
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    const answer = await converse((socket) => {
      socket.write(post('Transfer-Encoding: chunked\r\n'));
      for (let i = 0; i < 60; i++) socket.write(chunk);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 413 .*RequestEntityTooLarge/s);
  });

  test('a client that does not speak TLS is hung up on', async () => {
    const socket = connectTcp(server.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await once(socket, 'close');
  });
});

function openSession(): ClientHttp2Session {
  const { admin, authority, port } = server;
  const session = connectHttp2(`https://127.0.0.1:${port}`, {
    ca: authority.ca,
    cert: admin.cert,
    key: admin.key,
    maxSessionMemory: 1_000,
    maxSendHeaderBlockLength: 200_000,
  });
  session.on('error', () => {});
  return session;
}

async function answerOf(stream: ClientHttp2Stream): Promise<{ readonly status: unknown; readonly text: string }> {
  let status: unknown;
  let text = '';
  stream.on('error', () => {});
  stream.on('response', (headers) => (status = headers[':status']));
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(stream, 'close');
  return { status, text };
}

describe('over HTTP/2', () => {
  const withHeaders = (count: number): OutgoingHttpHeaders => Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, '1']));

  test.each<[title: string, headers: OutgoingHttpHeaders, status: number]>([
    ['a method of its own', { ':path': `${configMaps}/a`, ':method': 'FOO' }, 405],
    ['a CONNECT', { ':method': 'CONNECT', ':authority': 'x:1' }, 404],
    ['OPTIONS of everything', { ':path': '*', ':method': 'OPTIONS' }, 404],
    ['a path of 100 KB', { ':path': `${configMaps}/a?x=${'x'.repeat(50_000)}`, x: 'x'.repeat(50_000) }, 200],
    ['500 headers', { ':path': `${configMaps}/a`, ...withHeaders(500) }, 200],
    ['a length that is too large', { ':path': configMaps, ':method': 'POST', 'content-length': '10000000000' }, 413],
  ])('%s: %s', async (_title, headers, status) => {
    const session = openSession();
    expect((await answerOf(session.request(headers, { endStream: headers['content-length'] === undefined }))).status).toBe(status);
    session.destroy();
  });

  test('a body that nobody asked for does not hold up the connection', async () => {
    const session = openSession();
    const flood = session.request({ ':path': '/nowhere', ':method': 'POST' });
    for (let i = 0; i < 200; i++) flood.write('x'.repeat(65_536));
    const refused = answerOf(flood);
    expect((await answerOf(session.request({ ':path': `${configMaps}/a` }))).status).toBe(200);
    expect((await refused).status).toBe(404);
    session.destroy();
  });

  test('2,000 watches that are cancelled leave nothing behind', async () => {
    const session = openSession();
    for (let round = 0; round < 20; round++) {
      const streams = Array.from({ length: 100 }, () => session.request({ ':path': `${configMaps}?watch=1` }));
      await Promise.all(streams.map((stream) => once(stream, 'response')));
      for (const stream of streams) stream.close(8);
      await Promise.all(streams.map((stream) => once(stream, 'close')));
    }
    const watches = async (): Promise<number> => {
      const { text } = await server.http('GET', '/metrics');
      return Number(/^apiserver_longrunning_requests\{verb="WATCH",.*resource="configmaps".*\} (\d+)$/m.exec(text)?.[1]);
    };
    await expect.poll(watches).toBe(0);
    expect((await answerOf(session.request({ ':path': `${configMaps}/a` }))).status).toBe(200);
    session.destroy();
  });

  test('a watcher that never reads is cut off, and nobody else notices', async () => {
    const session = openSession();
    const deaf = session.request({ ':path': `${configMaps}?watch=1` });
    deaf.on('error', () => {});
    await once(deaf, 'response');
    deaf.pause();
    let heard = 0;
    const listening = openSession().request({ ':path': `${configMaps}?watch=1&resourceVersion=0` });
    // An event is longer than a chunk, so each has a line end at most.
    listening.on('data', (chunk: Buffer) => (heard += chunk.includes('\n') ? 1 : 0));
    await once(listening, 'response');
    const writes = 30;
    for (let i = 0; i < writes; i++) {
      const answer = await server.http('PUT', `${configMaps}/a`, {
        metadata: { name: 'a' },
        data: { a: 'x'.repeat(900_000), i: String(i) },
      });
      expect(answer.status).toBe(200);
      while (heard <= i) await once(listening, 'data');
    }
    if (!deaf.closed) await once(deaf, 'close');
    listening.session?.destroy();
    session.destroy();
  });
});
