import { createServer as createHttpServer, type Server } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../base/index.ts';
import type { RequestInfo, UpgradeRequest } from '../request.ts';
import { authorityOf, backendUnreachable, dialFailure, serviceUnreachable } from './backend.ts';
import { openRequest, passOn } from './forward.ts';
import { responseHeaders, upgradeHeaders } from './forwarded-headers.ts';
import { rewriteLinks } from './html-links.ts';
import { rewriteLocation } from './location-rewriting.ts';
import { backendPath, parseProxyTarget, rawQuery } from './proxy-target.ts';
import { openTunnel } from './tunnel.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listening(server: Server | ReturnType<typeof createServer>): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

test.each([
  ['web', { scheme: 'http', name: 'web', port: '' }],
  ['web:80', { scheme: 'http', name: 'web', port: '80' }],
  ['web:http', { scheme: 'http', name: 'web', port: 'http' }],
  ['https:web:443', { scheme: 'https', name: 'web', port: '443' }],
  ['https:web:', { scheme: 'https', name: 'web', port: '' }],
  [':web:80', { scheme: 'http', name: 'web', port: '80' }],
  ['ftp:web:21', undefined],
  ['a:b:c:d', undefined],
  [':80', undefined],
  ['', undefined],
])('%j names a backend', (text, target) => {
  expect(parseProxyTarget(text)).toEqual(target);
});

test('the path behind the proxy keeps its encoding and its trailing slash', () => {
  const info = (subpath: string, path: string): RequestInfo => ({ subpath, path }) as RequestInfo;
  expect(backendPath(info('', '/api/v1/namespaces/n/services/s/proxy'))).toBe('');
  expect(backendPath(info('', '/api/v1/namespaces/n/services/s/proxy/'))).toBe('/');
  expect(backendPath(info('/a b/c', '/api/v1/namespaces/n/services/s/proxy/a b/c'))).toBe('/a%20b/c');
  expect(backendPath(info('/a', '/api/v1/namespaces/n/services/s/proxy/a/'))).toBe('/a/');
  expect(rawQuery('/x?a=%20&b')).toBe('?a=%20&b');
  expect(rawQuery('/x')).toBe('');
});

describe('what a backend says of its own paths', () => {
  const at = { prefix: '/api/v1/namespaces/n/services/s/proxy', hosts: ['10.0.0.1:80', 'localhost:8001'] };

  test.each([
    ['/login', '/api/v1/namespaces/n/services/s/proxy/login'],
    ['/login?next=/x#y', '/api/v1/namespaces/n/services/s/proxy/login?next=/x#y'],
    ['http://10.0.0.1:80/a/', '/api/v1/namespaces/n/services/s/proxy/a/'],
    ['http://localhost:8001/a', '/api/v1/namespaces/n/services/s/proxy/a'],
    ['http://example.com/a', 'http://example.com/a'],
    ['a/b', 'a/b'],
    ['#top', '#top'],
    ['/api/v1/namespaces/n/services/s/proxy/a', '/api/v1/namespaces/n/services/s/proxy/a'],
  ])('%s', (location, rewritten) => {
    expect(rewriteLocation(location, at)).toBe(rewritten);
  });
});

describe('links of a page', () => {
  const mark = (url: string): string => `[${url}]`;

  test.each([
    ['<a href="/x">y</a>', '<a href="[/x]">y</a>'],
    ["<A class=b HREF = '/x' >", "<A class=b HREF = '[/x]' >"],
    ['<img src=/a.png alt="src=/b">', '<img src=[/a.png] alt="src=/b">'],
    ['<video poster="/p" src="/v"/>', '<video poster="[/p]" src="[/v]"/>'],
    ['<p href="/x"><!-- <a href="/x"> --></p>', '<p href="/x"><!-- <a href="/x"> --></p>'],
    [
      '<script src="/a.js">if (a<b) "<a href=\'/x\'>"</script><a href="/z">',
      '<script src="[/a.js]">if (a<b) "<a href=\'/x\'>"</script><a href="[/z]">',
    ],
    ['<a href="/unclosed', '<a href="[/unclosed]'],
    ['a < b <', 'a < b <'],
  ])('%s', (html, rewritten) => {
    expect(rewriteLinks(html, mark)).toBe(rewritten);
  });

  test.each([
    '<a '.repeat(50_000),
    `<a ${'x'.repeat(200_000)}`,
    `<a${' '.repeat(200_000)}`,
    '<!--'.repeat(50_000),
    '<script>'.repeat(20_000),
  ])('a hostile page takes linear time (%#)', (html) => {
    const startMs = performance.now();
    rewriteLinks(html, mark);
    expect(performance.now() - startMs).toBeLessThan(1000);
  });
});

test('credentials and headers of the connection stay, and the client is named', () => {
  const upgrade: UpgradeRequest = {
    socket: new PassThrough(),
    head: Buffer.alloc(0),
    headers: {
      authorization: 'Bearer x',
      'impersonate-user': 'a',
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-protocol': 'v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.abc',
    },
  };
  expect(upgradeHeaders(upgrade, '10.0.0.9')).toEqual({
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-protocol': 'v5.channel.k8s.io',
    'x-forwarded-for': '10.0.0.9',
  });
  expect(
    responseHeaders({ connection: 'x-hop', 'x-hop': '1', 'access-control-allow-origin': '*', 'content-type': 'a/b', etag: '"1"' }),
  ).toEqual({
    etag: '"1"',
  });
});

test('a failure to connect reads as clients know it', () => {
  const backend = { host: '10.0.0.1', port: 10250, tls: undefined };
  expect(dialFailure(backend, Object.assign(new Error('x'), { code: 'ECONNREFUSED' }))).toBe(
    'dial tcp 10.0.0.1:10250: connect: connection refused',
  );
  expect(backendUnreachable(backend, new Error('odd')).message).toBe('error dialing backend: dial tcp 10.0.0.1:10250: odd');
  expect(serviceUnreachable(backend, new Error('odd'))).toMatchObject({ code: 503, reason: 'ServiceUnavailable' });
  expect(authorityOf({ ...backend, host: 'fd00::1' })).toBe('[fd00::1]:10250');
});

test('a request goes on and its answer comes back as they come', async () => {
  const port = await listening(
    createHttpServer((request, response) => {
      response.writeHead(201, { 'content-type': 'text/x', 'x-method': request.method });
      request.pipe(response);
    }),
  );
  async function* body(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('one ');
    yield Buffer.from('two');
  }
  const response = await openRequest({
    backend: { host: '127.0.0.1', port, tls: undefined },
    method: 'POST',
    target: '/x',
    body: body(),
    signal: AbortSignal.timeout(5000),
  });
  const answer = passOn(response);
  if (answer.type !== 'stream') throw new Error('not streamed');
  expect(answer).toMatchObject({ status: 201, contentType: 'text/x', headers: { 'x-method': 'POST' } });
  const chunks: Uint8Array[] = [];
  await answer.produce({
    write: (chunk) => {
      chunks.push(chunk);
      return Promise.resolve();
    },
  });
  expect(Buffer.concat(chunks).toString()).toBe('one two');
});

test('an answer whose lines end with LF alone is read as Go reads it, and nothing goes on that a header may not hold', async () => {
  const port = await listening(
    createServer((socket) => {
      socket.end('HTTP/1.0 200 OK\nContent-Type: text/plain\nX-Fine: yes\nX-Odd: a\u0001b\n\nhello');
    }),
  );
  const response = await openRequest({
    backend: { host: '127.0.0.1', port, tls: undefined },
    method: 'GET',
    target: '/cgi-bin/x',
    signal: AbortSignal.timeout(5000),
  });
  const answer = passOn(response);
  if (answer.type !== 'stream') throw new Error('not streamed');
  expect(answer).toMatchObject({ status: 200, contentType: 'text/plain', headers: { 'x-fine': 'yes' } });
  expect(answer.headers).not.toHaveProperty('x-odd');
  const chunks: Uint8Array[] = [];
  await answer.produce({
    write: (chunk) => {
      chunks.push(chunk);
      return Promise.resolve();
    },
  });
  expect(Buffer.concat(chunks).toString()).toBe('hello');
});

describe('a tunnel', () => {
  /** A client's connection as the server has it, and the other end of it. */
  async function pairOfSockets(): Promise<{ server: Socket; client: Socket }> {
    const listener = createServer();
    const port = await listening(listener);
    const client = connect(port, '127.0.0.1');
    const [server] = (await once(listener, 'connection')) as [Socket];
    closers.push(
      () => client.destroy(),
      () => server.destroy(),
    );
    return { server, client };
  }

  async function open(port: number, head = ''): Promise<Socket> {
    const { server, client } = await pairOfSockets();
    await openTunnel({
      backend: { host: '127.0.0.1', port, tls: undefined },
      method: 'POST',
      target: '/exec/ns/p/c?command=ls',
      headers: { host: 'kubelet', connection: 'Upgrade', upgrade: 'SPDY/3.1' },
      upgrade: { socket: server, head: Buffer.from(head), headers: {} },
      clock: systemClock,
      signal: AbortSignal.timeout(5000),
      unreachable: (error) => backendUnreachable({ host: '127.0.0.1', port, tls: undefined }, error),
    });
    return client;
  }

  async function readUntil(socket: Socket, text: string): Promise<string> {
    let read = '';
    for await (const chunk of socket) {
      read += String(chunk);
      if (read.includes(text)) break;
    }
    return read;
  }

  test('passes bytes both ways, those that came early first', async () => {
    const seen = Promise.withResolvers<string>();
    const port = await listening(
      createServer((socket) => {
        let read = '';
        socket.on('data', (chunk) => {
          const before = read;
          read += String(chunk);
          if (!before.includes('\r\n\r\n') && read.includes('\r\n\r\n')) socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\nhello');
          if (read.includes('early late')) {
            seen.resolve(read);
            socket.end('bye');
          }
        });
      }),
    );
    const client = await open(port, 'early ');
    client.write('late');
    expect(await seen.promise).toMatch(/^POST \/exec\/ns\/p\/c\?command=ls HTTP\/1\.1\r\nhost: kubelet\r\n/);
    expect(await readUntil(client, 'bye')).toBe('HTTP/1.1 101 Switching Protocols\r\n\r\nhellobye');
  });

  test('hands a refusal of the backend to the client as it is', async () => {
    const port = await listening(
      createServer((socket) => socket.once('data', () => socket.end('HTTP/1.1 404 Not Found\r\n\r\nno such container'))),
    );
    expect(await readUntil(await open(port), 'container')).toContain('404 Not Found');
  });

  test('fails before it touches the client when the backend does not answer', async () => {
    await expect(open(1)).rejects.toThrow('error dialing backend: dial tcp 127.0.0.1:1: connect: connection refused');
    const silent = await listening(createServer((socket) => socket.once('data', () => socket.end())));
    await expect(open(silent)).rejects.toThrow('error dialing backend');
    const odd = await listening(createServer((socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\n'))));
    await expect(open(odd)).rejects.toThrow('invalid upgrade response: status code 200');
  });
});
