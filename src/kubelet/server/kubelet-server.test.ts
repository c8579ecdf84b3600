import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get as httpsGet, request as httpsRequest } from 'node:https';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Duplex } from 'node:stream';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { corev1 } from '../../api/index.ts';
import { Gauge, Registry, silentLogger, systemClock } from '../../base/index.ts';
import { CertificateAuthority, type CertificateAndKey } from '../../pki/index.ts';
import type { KubeletServer, PodLookup } from '../seams.ts';
import { FakeEngine } from './fake-engine.suite.ts';
import { startKubeletServer } from './index.ts';
import { SpdySession, type SpdyStream } from './spdy/index.ts';

let authority: CertificateAuthority;
let serving: CertificateAndKey;
let apiServer: CertificateAndKey;
let stranger: CertificateAndKey;
let foreigner: CertificateAndKey;
let engine: FakeEngine;
let server: KubeletServer;
let directory: string;
let status: corev1.PodStatus;
let reviews: unknown[];
let abort: AbortController;

beforeAll(async () => {
  authority = await CertificateAuthority.create({ clock: systemClock, commonName: 'test-ca' });
  const other = await CertificateAuthority.create({ clock: systemClock, commonName: 'other-ca' });
  const client = (commonName: string, of = authority): Promise<CertificateAndKey> => of.issue({ subject: { commonName }, usage: 'client' });
  serving = await authority.issue({ subject: { commonName: 'node' }, usage: 'server', ipAddresses: ['127.0.0.1'] });
  apiServer = await client('kube-apiserver-kubelet-client');
  stranger = await client('stranger');
  foreigner = await client('kube-apiserver-kubelet-client', other);
});

beforeEach(async () => {
  engine = new FakeEngine();
  await engine.start();
  directory = mkdtempSync(join(tmpdir(), 'kubelet-server-'));
  const logPath = join(directory, 'pods/ns_web_u1/app/0.log');
  mkdirSync(dirname(logPath), { recursive: true });
  writeFileSync(logPath, '2026-01-01T00:00:01Z stdout F one\n2026-01-01T00:00:02Z stderr F two\n');
  status = {
    phase: 'Running',
    containerStatuses: [{ name: 'app', containerID: 'x://c1', state: { running: {} } }],
  } as unknown as corev1.PodStatus;
  reviews = [];
  abort = new AbortController();
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'ns', name: 'web', uid: 'u1' },
    spec: { containers: [{ name: 'app' }, { name: 'waits' }] },
  } as unknown as corev1.Pod;
  const pods = {
    byName: (namespace: string, name: string) => (namespace === 'ns' && name === 'web' ? pod : undefined),
    list: () => [pod],
    status: () => status,
    sandboxId: () => 's1',
    containerId: (_uid: string, name: string, previous?: boolean) => (name === 'app' && !previous ? 'c1' : undefined),
    logPath: (_uid: string, name: string, previous?: boolean) => (name === 'app' && !previous ? logPath : undefined),
  } as unknown as PodLookup;
  const client = {
    create: (resource: { kind: string }, review: { spec: { token?: string; resourceAttributes?: { subresource: string } } }) => {
      reviews.push(review.spec);
      return Promise.resolve({
        status:
          resource.kind === 'TokenReview'
            ? { authenticated: review.spec.token === 'good', user: { username: 'scraper', groups: ['system:authenticated'] } }
            : { allowed: review.spec.resourceAttributes?.subresource === 'metrics' },
      });
    },
  };
  const registry = new Registry();
  new Gauge({ name: 'kubelet_running_pods', help: 'Pods', registers: [registry] }).set(3);
  const runtime = {
    ...engine.runtime,
    execSync: () => Promise.resolve({ stdout: Buffer.from('out'), stderr: Buffer.from('err'), exitCode: 0 }),
    listContainerStats: () => Promise.resolve([]),
    listPodSandboxStats: () => Promise.resolve([]),
  };
  server = await startKubeletServer(
    { client: client as never, clock: systemClock, log: silentLogger, runtime: runtime as never, nodeName: 'n1', rootDir: directory },
    {
      address: '127.0.0.1',
      port: 0,
      tlsCert: serving.certificate,
      tlsKey: serving.key,
      auth: {
        clientCa: authority.certificate,
        allowedUsers: ['kube-apiserver-kubelet-client'],
        allowedGroups: ['system:masters'],
        webhook: true,
      },
      pods,
      node: () => undefined,
      healthy: () => ({ ok: true, message: '' }),
      registry,
    },
    { signal: abort.signal, log: silentLogger },
  );
});

afterEach(async () => {
  abort.abort();
  await server.close();
  engine.close();
  rmSync(directory, { recursive: true });
});

interface Options {
  readonly as?: CertificateAndKey | undefined;
  readonly method?: string;
  readonly token?: string;
}

const tls = (as: CertificateAndKey | undefined) => ({
  host: '127.0.0.1',
  port: server.port,
  ca: authority.certificate,
  ...(as && { cert: as.certificate, key: as.key }),
});

function get(path: string, { as, method = 'GET', token }: Options = { as: apiServer }): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const call = httpsRequest({ ...tls(as), path, method, headers, agent: false }, (answer) => {
      let body = '';
      answer.on('data', (chunk: Buffer) => (body += chunk.toString()));
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, body }));
    });
    call.once('error', reject);
    call.end();
  });
}

describe('access', () => {
  it.each<[string, () => Options, string, number]>([
    ['nobody', () => ({}), '/pods', 401],
    ['nobody', () => ({}), '/healthz', 401],
    ['a certificate of another authority', () => ({ as: foreigner }), '/pods', 401],
    ['the API server', () => ({ as: apiServer }), '/pods', 200],
    ['a stranger', () => ({ as: stranger }), '/pods', 403],
    ['a stranger', () => ({ as: stranger }), '/metrics', 200],
    ['a good token', () => ({ token: 'good' }), '/metrics', 200],
    ['a good token', () => ({ token: 'good' }), '/run/ns/web/app', 403],
    ['a bad token', () => ({ token: 'bad' }), '/metrics', 401],
  ])('of %s %# to %s is answered %d', async (_who, options, path, expected) => {
    expect((await get(path, options())).status).toBe(expected);
  });

  it('is asked of the API server with the node, and remembered', async () => {
    await get('/metrics', { token: 'good' });
    await get('/metrics', { token: 'good' });
    expect(reviews.filter((review) => 'resourceAttributes' in (review as object))).toEqual([
      {
        user: 'scraper',
        groups: ['system:authenticated'],
        resourceAttributes: { verb: 'get', version: 'v1', resource: 'nodes', subresource: 'metrics', name: 'n1' },
      },
    ]);
  });
});

describe('plain requests', () => {
  it.each<[string, number, string | RegExp]>([
    ['/healthz', 200, 'ok'],
    ['/metrics', 200, /kubelet_running_pods 3/],
    ['/metrics/resource', 200, /resource_scrape_error 0/],
    ['/stats/summary', 200, /"nodeName":"n1"/],
    ['/configz', 200, /"kubeletconfig"/],
    ['/pods', 200, /"kind":"PodList"/],
    ['/containerLogs/ns/web/app', 200, 'one\ntwo\n'],
    ['/containerLogs/ns/web/app?tailLines=1', 200, 'two\n'],
    ['/containerLogs/ns/web/app?stream=Stdout&timestamps=true', 200, '2026-01-01T00:00:01.000000000Z one\n'],
    ['/containerLogs/ns/web/app?sinceTime=2026-01-01T00:00:02Z', 200, 'two\n'],
    ['/containerLogs/ns/none/app', 404, 'pod "none" does not exist\n'],
    ['/containerLogs/ns/web/none', 404, 'container "none" not found in pod "web"\n'],
    ['/containerLogs/ns/web/waits', 400, 'container "waits" in pod "web" is not available'],
    ['/containerLogs/ns/web/app?previous=true', 400, 'previous terminated container "app" in pod "web" not found'],
    ['/containerLogs/ns/web/app?tailLines=-1', 400, /tailLines/],
    ['/containerLogs/ns/web', 404, '404 page not found\n'],
    ['/exec/ns/web/app?output=1', 400, 'Upgrade request required'],
    ['/%zz', 400, 'the path is not valid'],
    ['/nothing', 404, '404 page not found\n'],
  ])('to %s are answered %d', async (path, expected, body) => {
    const answer = await get(path);
    expect(answer.status).toBe(expected);
    if (typeof body === 'string') expect(answer.body).toBe(body);
    else expect(answer.body).toMatch(body);
  });

  it.each<[string, object]>([
    ['container "waits" in pod "web" is waiting to start: ContainerCreating', { waiting: { reason: 'ContainerCreating' } }],
    ['container "waits" in pod "web" is waiting to start: image can\'t be pulled', { waiting: { reason: 'ErrImagePull' } }],
    ['container "waits" in pod "web" is waiting to start: trying and failing to pull image', { waiting: { reason: 'ImagePullBackOff' } }],
    ['container "waits" in pod "web" is terminated', { terminated: {} }],
  ])('for a log say %s', async (message, state) => {
    status = { containerStatuses: [{ name: 'waits', state }] } as unknown as corev1.PodStatus;
    expect(await get('/containerLogs/ns/web/waits')).toEqual({ status: 400, body: message });
  });

  it('run a command', async () => {
    expect(await get('/run/ns/web/app?cmd=ls', { as: apiServer, method: 'POST' })).toEqual({ status: 200, body: 'outerr' });
  });

  it('follow a log until the container has ended', async () => {
    const seen: string[] = [];
    await new Promise<void>((resolve, reject) => {
      httpsGet({ ...tls(apiServer), path: '/containerLogs/ns/web/app?follow=true', agent: false }, (answer) => {
        answer.on('data', (chunk: Buffer) => {
          seen.push(chunk.toString());
          if (seen.join('') === 'one\ntwo\n')
            appendFileSync(join(directory, 'pods/ns_web_u1/app/0.log'), '2026-01-01T00:00:03Z stdout F three\n');
          else status = { ...status, containerStatuses: [] };
        });
        answer.once('end', resolve);
      }).once('error', reject);
    });
    expect(seen.join('')).toBe('one\ntwo\nthree\n');
  });
});

// Streams

const collect = async (stream: AsyncIterable<Buffer>): Promise<string> => {
  let text = '';
  for await (const chunk of stream) text += chunk.toString();
  return text;
};

function fakeCommands(): void {
  engine.commands['cat'] = async ({ stdin, stdout }) => {
    for await (const chunk of stdin! as AsyncIterable<Buffer>)
      if (!stdout!.write(chunk)) await new Promise((resolve) => stdout!.once('drain', resolve));
    return 0;
  };
  engine.commands['fail'] = ({ stdout, stderr }) => {
    stdout?.write('some output');
    stderr?.write('some error');
    return Promise.resolve(7);
  };
  engine.commands['size'] = async ({ resize, stdout }) => {
    for await (const chunk of resize! as AsyncIterable<Buffer>) {
      stdout!.write(`size ${chunk.toString()}`);
      break;
    }
    return 0;
  };
  engine.commands['wait'] = ({ stdout }) => new Promise((resolve) => stdout!.once('reset', () => resolve(1)));
}

function upgrade(
  path: string,
  headers: Record<string, string>,
): Promise<{ socket?: Duplex; status: number; body: string; protocol?: string }> {
  return new Promise((resolve, reject) => {
    const call = httpsRequest({
      ...tls(apiServer),
      path,
      method: 'POST',
      agent: false,
      headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1', ...headers },
    });
    call.once('upgrade', (answer, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve({ socket, status: 101, body: '', protocol: String(answer.headers['x-stream-protocol-version']) });
    });
    call.once('response', (answer) => {
      void collect(answer as AsyncIterable<Buffer>).then((body) => resolve({ status: answer.statusCode ?? 0, body }));
    });
    call.once('error', reject);
    call.end();
  });
}

async function spdy(path: string, protocol: string): Promise<SpdySession> {
  const { socket, status: code, body } = await upgrade(path, { 'x-stream-protocol-version': protocol });
  if (!socket) throw new Error(`${code} ${body}`);
  return new SpdySession({ transport: socket, role: 'client' });
}

const open = (session: SpdySession, ...types: string[]): Promise<SpdyStream[]> =>
  Promise.all(types.map((type) => session.openStream(new Map([['streamtype', type]]))));

describe('exec over SPDY', () => {
  beforeEach(fakeCommands);

  it('ends stdin, brings all output and then the exit code', async () => {
    const session = await spdy('/exec/ns/web/app?command=fail&output=1&error=1', 'v4.channel.k8s.io');
    const [error, stdout, stderr] = await open(session, 'error', 'stdout', 'stderr');
    expect(await Promise.all([collect(stdout!), collect(stderr!)])).toEqual(['some output', 'some error']);
    expect(JSON.parse(await collect(error!))).toMatchObject({
      status: 'Failure',
      details: { causes: [{ reason: 'ExitCode', message: '7' }] },
    });
    await session.closed;
  });

  it('carries 20 MB through stdin and back', async () => {
    const session = await spdy('/exec/ns/web/app?command=cat&input=1&output=1', 'v4.channel.k8s.io');
    const [error, stdin, stdout] = await open(session, 'error', 'stdin', 'stdout');
    const bytes = Buffer.alloc(20_000_000, 'kubelet');
    stdin!.end(bytes);
    const hash = createHash('md5');
    for await (const chunk of stdout! as AsyncIterable<Buffer>) hash.update(chunk);
    expect(hash.digest('hex')).toBe(createHash('md5').update(bytes).digest('hex'));
    expect(JSON.parse(await collect(error!))).toMatchObject({ status: 'Success' });
  });

  it.each([
    ['v3.channel.k8s.io', 'exit 7'],
    ['v2.channel.k8s.io', 'exit 7'],
    ['channel.k8s.io', 'exit 7'],
  ])('tells a failure as text in %s', async (protocol, message) => {
    const session = await spdy('/exec/ns/web/app?command=fail&output=1', protocol);
    const [error, stdout] = await open(session, 'error', 'stdout');
    expect(await collect(stdout!)).toBe('some output');
    expect(await collect(error!)).toBe(message);
  });

  it('carries the size of a terminal', async () => {
    const session = await spdy('/exec/ns/web/app?command=size&output=1&tty=1', 'v4.channel.k8s.io');
    const [, stdout, resize] = await open(session, 'error', 'stdout', 'resize');
    resize!.write('{"Width":80,"Height":24}');
    expect(await collect(stdout!)).toBe('size {"Width":80,"Height":24}');
  });

  it('chooses the first protocol of the client that it knows', async () => {
    const { socket, protocol } = await upgrade('/exec/ns/web/app?command=cat&output=1', {
      'x-stream-protocol-version': 'v9, v4.channel.k8s.io, v3.channel.k8s.io',
    });
    expect(protocol).toBe('v4.channel.k8s.io');
    socket!.destroy();
  });

  it('leaves the engine when the client leaves', async () => {
    const session = await spdy('/exec/ns/web/app?command=wait&output=1', 'v4.channel.k8s.io');
    await open(session, 'error', 'stdout');
    while (engine.sessions === 0) await new Promise((resolve) => setImmediate(resolve));
    session.destroy();
    while (engine.sessions > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  it.each<[string, string, Record<string, string>, number, string]>([
    ['no stream', '/exec/ns/web/app?command=cat', {}, 400, 'you must specify at least 1 of stdin, stdout, stderr'],
    ['no such pod', '/exec/ns/none/app?command=cat&output=1', {}, 404, 'pod does not exist'],
    ['another uid', '/exec/ns/web/u9/app?command=cat&output=1', {}, 404, 'pod does not exist'],
    ['no such container', '/exec/ns/web/none?command=cat&output=1', {}, 500, 'container not found ("none")'],
    ['a refusal of the engine', '/exec/ns/web/app?command=none&output=1', {}, 500, 'rpc error: code = Unknown desc = no command none'],
    [
      'no common protocol',
      '/exec/ns/web/app?command=cat&output=1',
      { 'x-stream-protocol-version': 'v9' },
      403,
      'unable to upgrade: unable to negotiate protocol',
    ],
    ['another upgrade', '/exec/ns/web/app?command=cat&output=1', { upgrade: 'h2c' }, 400, 'Upgrade request required'],
    ['no such path', '/execute/ns/web/app', {}, 404, '404 page not found'],
  ])('is refused as HTTP for %s', async (_what, path, headers, code, body) => {
    const answer = await upgrade(path, headers);
    expect(answer.status).toBe(code);
    expect(answer.body).toContain(body);
  });
});

/** A WebSocket client that writes down what each channel brought. */
async function webSocket(
  path: string,
  protocols: string[],
): Promise<{ socket: WebSocket; texts: Map<number, string>; closed: Promise<number>; protocol: string }> {
  const { host, port, ...options } = tls(apiServer);
  const socket = new WebSocket(`wss://${host}:${port}${path}`, protocols, { ...options, perMessageDeflate: false });
  const texts = new Map<number, string>();
  socket.on('message', (data: Buffer) => {
    const isText = socket.protocol.includes('base64');
    const channel = isText ? data[0]! - 48 : data[0]!;
    const content = isText ? Buffer.from(data.toString().slice(1), 'base64').toString() : data.subarray(1).toString();
    texts.set(channel, (texts.get(channel) ?? '') + content);
  });
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return { socket, texts, closed, protocol: socket.protocol };
}

describe('exec over WebSocket', () => {
  beforeEach(fakeCommands);

  it.each(['v4.channel.k8s.io', 'v4.base64.channel.k8s.io', 'v5.channel.k8s.io'])(
    'tells the exit code as a Status in %s',
    async (protocol) => {
      const { texts, closed, ...client } = await webSocket('/exec/ns/web/app?command=fail&stdout=true&stderr=true', [protocol]);
      expect(await closed).toBe(1000);
      expect(client.protocol).toBe(protocol);
      expect([texts.get(1), texts.get(2)]).toEqual(['some output', 'some error']);
      expect(JSON.parse(texts.get(3)!)).toMatchObject({ status: 'Failure', details: { causes: [{ reason: 'ExitCode', message: '7' }] } });
    },
  );

  it.each([['channel.k8s.io'], ['base64.channel.k8s.io'], []])('tells a failure as text with protocols %j', async (...protocols) => {
    const { texts, closed } = await webSocket('/exec/ns/web/app?command=fail&stdout=true', protocols);
    expect(await closed).toBe(1000);
    expect([texts.get(1), texts.get(3)]).toEqual(['some output', 'exit 7']);
  });

  it('ends stdin by the close signal of v5', async () => {
    const { socket, texts, closed } = await webSocket('/exec/ns/web/app?command=cat&stdin=true&stdout=true', [
      'v5.channel.k8s.io',
      'v4.channel.k8s.io',
    ]);
    socket.send(Buffer.from('\0to and '));
    socket.send(Buffer.from('\0fro'));
    socket.send(Buffer.from([255, 0]));
    await closed;
    expect(texts.get(1)).toBe('to and fro');
    expect(JSON.parse(texts.get(3)!)).toMatchObject({ status: 'Success' });
  });

  it('carries 20 MB through stdin and back', async () => {
    const { socket, closed } = await webSocket('/exec/ns/web/app?command=cat&stdin=true&stdout=true', ['v5.channel.k8s.io']);
    const piece = Buffer.concat([Buffer.from([0]), Buffer.alloc(50_000, 'abc')]);
    let bytes = 0;
    socket.on('message', (data: Buffer) => (bytes += data[0] === 1 ? data.length - 1 : 0));
    for (let index = 0; index < 400; index++) socket.send(piece);
    socket.send(Buffer.from([255, 0]));
    await closed;
    expect(bytes).toBe(20_000_000);
  });

  it('carries the size of a terminal', async () => {
    const { socket, texts, closed } = await webSocket('/exec/ns/web/app?command=size&stdout=true&tty=true', ['v4.channel.k8s.io']);
    socket.send(Buffer.from('\x04{"Width":80,"Height":24}'));
    await closed;
    expect(texts.get(1)).toBe('size {"Width":80,"Height":24}');
  });

  it('leaves the engine when the client leaves, and takes any message', async () => {
    const { socket } = await webSocket('/exec/ns/web/app?command=wait&stdout=true', ['v5.channel.k8s.io']);
    for (const message of [[], [0], [9, 1], [255], [255, 9], [255, 0, 0], [3, 1]]) socket.send(Buffer.from(message));
    socket.send('text');
    while (engine.sessions === 0) await new Promise((resolve) => setImmediate(resolve));
    socket.terminate();
    while (engine.sessions > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  it('is refused when no protocol is in common', async () => {
    await expect(webSocket('/exec/ns/web/app?command=cat&stdout=true', ['v9.channel.k8s.io'])).rejects.toThrow('400');
  });

  it('attaches the same way', async () => {
    engine.commands['attach'] = engine.commands['cat']!;
    const { socket, texts, closed } = await webSocket('/attach/ns/web/app?stdin=true&stdout=true', ['v5.channel.k8s.io']);
    socket.send(Buffer.from('\0hello'));
    socket.send(Buffer.from([255, 0]));
    await closed;
    expect(texts.get(1)).toBe('hello');
  });
});

/** A WebSocket connection as bytes, by hand: libraries refuse the name of the tunnel's protocol. */
async function tunnel(path: string): Promise<Duplex> {
  const protocol = 'SPDY/3.1+portforward.k8s.io';
  const key = Buffer.alloc(16, 1).toString('base64');
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': key,
    'sec-websocket-protocol': protocol,
  };
  const call = httpsRequest({ ...tls(apiServer), path, agent: false, headers }).end();
  const [answer, socket] = (await once(call, 'upgrade')) as [{ headers: Record<string, string> }, Duplex, Buffer];
  expect(answer.headers['sec-websocket-protocol']).toBe(protocol);
  let pending = Buffer.alloc(0);
  const stream: Duplex = new Duplex({
    read: () => {},
    // A final binary message with a mask of zeroes.
    write: (chunk: Buffer, _encoding, done) => {
      const head = Buffer.alloc(14);
      head.writeUInt16BE(0x82ff);
      head.writeBigUInt64BE(BigInt(chunk.length), 2);
      socket.write(Buffer.concat([head, chunk]), () => done());
    },
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 2) {
      const short = pending[1]! & 0x7f;
      const headBytes = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (pending.length < headBytes) return;
      const length = short === 127 ? Number(pending.readBigUInt64BE(2)) : short === 126 ? pending.readUInt16BE(2) : short;
      if (pending.length < headBytes + length) return;
      if ((pending[0]! & 0x0f) === 2) stream.push(Buffer.from(pending.subarray(headBytes, headBytes + length)));
      pending = pending.subarray(headBytes + length);
    }
  });
  socket.once('close', () => stream.destroy());
  return stream;
}

describe('port-forward', () => {
  beforeEach(() => {
    engine.forwarded = async (port, data) => {
      if (port !== 8080) return `dial tcp4 127.0.0.1:${port}: connect: connection refused`;
      for await (const chunk of data.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) data.write(chunk);
      data.end(' and goodbye');
      return '';
    };
  });

  async function exchange(session: SpdySession, port: number, id: string, text: string | Buffer): Promise<[string, string]> {
    const headers = (type: string): Map<string, string> =>
      new Map([
        ['streamtype', type],
        ['port', String(port)],
        ['requestid', id],
      ]);
    const error = await session.openStream(headers('error'));
    error.end();
    const data = await session.openStream(headers('data'));
    data.end(text);
    return Promise.all([collect(data), collect(error)]);
  }

  it('carries many connections over one SPDY connection', async () => {
    const session = await spdy('/portForward/ns/web', 'portforward.k8s.io');
    const answers = await Promise.all(['a', 'b', 'c'].map((id) => exchange(session, 8080, id, `hello ${id}`)));
    expect(answers).toEqual(['a', 'b', 'c'].map((id) => [`hello ${id} and goodbye`, '']));
    expect((await exchange(session, 8080, 'big', Buffer.alloc(5_000_000, 'x')))[0]).toHaveLength(5_000_012);
    expect(await exchange(session, 9999, 'd', 'x')).toEqual(['', 'dial tcp4 127.0.0.1:9999: connect: connection refused']);
    session.destroy();
  });

  it('carries SPDY inside of WebSocket messages, as kubectl does', async () => {
    const session = new SpdySession({ transport: await tunnel('/portForward/ns/web'), role: 'client' });
    expect(await exchange(session, 8080, '0', 'tunnelled')).toEqual(['tunnelled and goodbye', '']);
    session.destroy();
  });

  it.each(['v4.channel.k8s.io', 'v4.base64.channel.k8s.io'])('carries two ports over channels of %s', async (protocol) => {
    const { socket, texts } = await webSocket('/portForward/ns/web?port=8080,9999', [protocol]);
    const send = (channel: number, text: string): void =>
      socket.send(
        protocol.includes('base64')
          ? `${channel}${Buffer.from(text).toString('base64')}`
          : Buffer.concat([Buffer.from([channel]), Buffer.from(text)]),
      );
    send(0, 'hello');
    const port = (text: string | undefined): number => Buffer.from(text ?? '').readUInt16LE(0);
    while (!(texts.get(0) ?? '').includes('hello') || !(texts.get(3) ?? '').includes('refused'))
      await new Promise((resolve) => setImmediate(resolve));
    // In UTF-8 the first byte of 8080 (0x1f90) does not survive as text; that of the error channels tells enough.
    expect(port(texts.get(2))).not.toBe(0);
    socket.terminate();
    while (engine.sessions > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  it('refuses streams that are no connection', async () => {
    const session = await spdy('/portForward/ns/web', 'portforward.k8s.io');
    await expect(open(session, 'data')).rejects.toThrow('refused');
    session.destroy();
  });

  it.each([
    ['/portForward/ns/none', 'portforward.k8s.io', 404, 'pod does not exist'],
    ['/portForward/ns/web', 'v4.channel.k8s.io', 403, 'unable to negotiate protocol'],
  ])('to %s in %s is answered %d', async (path, protocol, code, body) => {
    const answer = await upgrade(path, { 'x-stream-protocol-version': protocol });
    expect(answer.status).toBe(code);
    expect(answer.body).toContain(body);
  });
});
