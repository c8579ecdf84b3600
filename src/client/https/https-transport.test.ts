import http2 from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { corev1Resources, isApiError, notFound } from '../../api/index.ts';
import { seededRandom, silentLogger, systemClock } from '../../base/index.ts';
import { ConnectionError } from './connection-error.ts';
import { createHttpsTransport, type HttpsTransport, type HttpsTransportOptions } from './https-transport.ts';

type Handler = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders, body: string) => void;

const { signal } = new AbortController();
const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A server in clear text on a free port of the loopback, and a transport to it. */
async function serve(
  handler: Handler,
  options: Partial<HttpsTransportOptions> = {},
): Promise<{ transport: HttpsTransport; server: http2.Http2Server; url: string }> {
  const server = http2.createServer({ settings: { maxConcurrentStreams: 4 } });
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    const chunks: Buffer[] = [];
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => handler(stream, headers, Buffer.concat(chunks).toString()));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const transport = createHttpsTransport({ server: url, clock: systemClock, random: seededRandom(1), log: silentLogger, ...options });
  closers.push(async () => {
    await transport.close();
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { transport, server, url };
}

const answer = (stream: http2.ServerHttp2Stream, status: number, body: unknown, headers: object = {}): void => {
  stream.respond({ ':status': status, 'content-type': 'application/json', ...headers });
  stream.end(JSON.stringify(body));
};

const get = { verb: 'get', resource: corev1Resources.pods, namespace: 'ns', name: 'web', signal } as const;

describe('the HTTPS transport', () => {
  it('sends verb, path, query, headers and body as the API has them', async () => {
    const asked: unknown[] = [];
    const { transport } = await serve(
      (stream, headers, body) => {
        asked.push([headers[':method'], headers[':path'], headers['content-type'], headers['authorization'], headers['knarr-fence'], body]);
        answer(stream, 200, {});
      },
      { token: () => 'secret\n' },
    );
    await transport.request(get);
    await transport.request({
      ...get,
      verb: 'list',
      namespace: '',
      name: undefined as never,
      query: { labelSelector: 'a=b', limit: 1, x: undefined },
    });
    await transport.request({
      ...get,
      verb: 'patch',
      subresource: 'status',
      patchType: 'application/merge-patch+json',
      body: { a: 1 },
      fence: { lease: 'a/b', holder: 'me', transitions: 2 },
    });
    expect(asked).toEqual([
      ['GET', '/api/v1/namespaces/ns/pods/web', undefined, 'Bearer secret', undefined, ''],
      ['GET', '/api/v1/pods?labelSelector=a%3Db&limit=1', undefined, 'Bearer secret', undefined, ''],
      ['PATCH', '/api/v1/namespaces/ns/pods/web/status', 'application/merge-patch+json', 'Bearer secret', 'a%2Fb;me;2', '{"a":1}'],
    ]);
  });

  it('throws the Status of a failed answer, also when it is plain text', async () => {
    let plain = false;
    const { transport } = await serve((stream) => {
      if (!plain) answer(stream, 404, notFound({ group: '', resource: 'pods', name: 'web' }).toStatus());
      else {
        stream.respond({ ':status': 502 });
        stream.end('bad gateway');
      }
    });
    await expect(transport.request(get)).rejects.toSatisfy((error) => isApiError(error, 'NotFound'));
    plain = true;
    await expect(transport.request(get)).rejects.toMatchObject({ code: 502, message: 'bad gateway' });
  });

  it('sends again what the server asks to be sent later', async () => {
    let tries = 0;
    const { transport } = await serve((stream) => {
      if (tries++ < 2) answer(stream, 429, {}, { 'retry-after': '0.01' });
      else answer(stream, 200, { ok: true });
    });
    expect(await transport.request({ ...get, verb: 'create', body: {} })).toEqual({ ok: true });
    expect(tries).toBe(3);
  });

  it('reads again when the connection breaks, but does not write again', async () => {
    let tries = 0;
    const { transport } = await serve((stream) => {
      if (tries++ === 0) stream.session?.destroy();
      else answer(stream, 200, { ok: true });
    });
    expect(await transport.request(get)).toEqual({ ok: true });
    tries = 0;
    await expect(transport.request({ ...get, verb: 'update', body: {} })).rejects.toBeInstanceOf(ConnectionError);
    expect(tries).toBe(1);
    expect(await transport.request({ ...get, verb: 'update', body: {} })).toEqual({ ok: true });
  });

  it('says that nothing was sent when nobody listens', async () => {
    const { transport, server } = await serve(() => {});
    await new Promise((resolve) => server.close(resolve));
    await expect(transport.request({ ...get, verb: 'create', body: {} })).rejects.toMatchObject({ name: 'ConnectionError', sent: false });
  });

  it('gives up a request that takes too long, and rethrows the reason of an abort', async () => {
    const { transport } = await serve(() => {}, { requestTimeoutMs: 30 });
    await expect(transport.request({ ...get, verb: 'create', body: {} })).rejects.toThrow('no whole answer in 30 ms');
    const abort = new AbortController();
    const answered = transport.request({ ...get, signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(answered).rejects.toThrow('enough');
  });

  it('streams a watch in batches and ends with it', async () => {
    const { transport } = await serve((stream, headers) => {
      expect(headers[':path']).toBe('/api/v1/pods?resourceVersion=5&watch=true');
      stream.respond({ ':status': 200 });
      stream.write('{"type":"ADDED","object":{"n":1}}\n{"type":"ADDED","object":{"n":2}}\n{"type":"BOOK');
      stream.end('MARK","object":{}}\n');
    });
    const types: string[] = [];
    for await (const batch of transport.watch({ resource: corev1Resources.pods, query: { resourceVersion: '5' }, signal })) {
      types.push(...batch.map(({ type }) => type));
    }
    expect(types).toEqual(['ADDED', 'ADDED', 'BOOKMARK']);
  });

  it('opens another connection when the server takes no more streams on one', async () => {
    let sessions = 0;
    const { transport, server } = await serve((stream, headers) => {
      stream.respond({ ':status': 200 });
      if (!headers[':path']?.includes('watch')) stream.end('{"ok":true}');
    });
    server.on('session', () => sessions++);
    const abort = new AbortController();
    await transport.request(get);
    const watches = Array.from({ length: 5 }, async () => {
      for await (const _ of transport.watch({ resource: corev1Resources.pods, signal: abort.signal })) void _;
    });
    expect(await transport.request(get)).toEqual({ ok: true });
    expect(sessions).toBe(2);
    abort.abort(new Error('stop'));
    const ends = await Promise.allSettled(watches);
    expect(ends.every(({ status }) => status === 'rejected')).toBe(true);
  });

  it('finds a peer that no longer answers', async () => {
    // It greets with empty SETTINGS and says nothing more, as a machine that vanished would.
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => {});
      socket.write(Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 0, 0));
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const transport = createHttpsTransport({
      server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      clock: systemClock,
      random: seededRandom(1),
      log: silentLogger,
      pingIntervalMs: 20,
      pingTimeoutMs: 30,
    });
    closers.push(async () => {
      await transport.close();
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const write = transport.request({ ...get, verb: 'create', body: {} });
    await expect(write).rejects.toMatchObject({ name: 'ConnectionError', sent: true });
  });

  it('reads aggregated discovery', async () => {
    const { transport } = await serve((stream, headers) => {
      const pods = { resource: 'pods', responseKind: { kind: 'Pod' }, scope: 'Namespaced', verbs: ['list'] };
      const items =
        headers[':path'] === '/api'
          ? [{ metadata: {}, versions: [{ version: 'v1', resources: [pods] }] }]
          : [
              {
                metadata: { name: 'x.io' },
                versions: [
                  { version: 'v2', freshness: 'Stale' },
                  { version: 'v1', resources: [pods] },
                ],
              },
            ];
      answer(stream, 200, { kind: 'APIGroupDiscoveryList', items });
    });
    const { resources, failures } = await transport.discover({ signal });
    expect(resources.map(({ ref: { group, version }, preferred }) => [group, version, preferred])).toEqual([
      ['', 'v1', true],
      ['x.io', 'v1', false],
    ]);
    expect(failures.map(({ groupVersion }) => groupVersion)).toEqual(['x.io/v2']);
  });
});
