/** The real server: what it refuses, and what nobody notices while it changes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { boundLog } from './haproxy-process.ts';
import { slotOrders } from './runtime-changes.ts';
import { assignSlots, type Slots } from './server-slots.ts';
import { readMap, readSlots } from './standing-server.ts';
import { ingress, noHaproxy, pathTo, planOf, RealServer } from './testdata/real-server.ts';

const chunked = 'Transfer-Encoding: chunked';
const post = (...headers: string[]): string => ['POST / HTTP/1.1', 'Host: all', ...headers].join('\r\n');

describe.skipIf(noHaproxy)('the server of a node', () => {
  let server: RealServer;
  const plan = planOf([
    ingress('one', { rules: [{ host: 'all', http: { paths: [pathTo('/', 'Prefix', 'web0'), pathTo('/private', 'Prefix', 'web1')] } }] }),
  ]);
  /** Sends bytes and resolves with everything that came back until the server closed. */
  const send = (text: string): Promise<string> =>
    new Promise((closed) => {
      const socket = server.connect();
      let answer = '';
      socket.on('data', (bytes: Buffer) => (answer += bytes.toString('latin1')));
      socket.on('error', () => {});
      socket.on('close', () => closed(answer));
      socket.write(text);
    });

  beforeAll(async () => {
    if (noHaproxy) return;
    server = await RealServer.start(8);
    await server.load(plan, (config) => config.replace('timeout http-request 10s', 'timeout http-request 300ms'));
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  test.each([
    ['two lengths', `${post('Content-Length: 4', 'Content-Length: 5')}\r\n\r\nabcd`],
    ['a list of lengths', `${post('Content-Length: 4, 5')}\r\n\r\nabcd`],
    ['a length with a sign', `${post('Content-Length: +4')}\r\n\r\nabcd`],
    ['a length that is no number', `${post('Content-Length: 0x4')}\r\n\r\nabcd`],
    ['a transfer coding that is none', `${post('Transfer-Encoding: xchunked')}\r\n\r\n0\r\n\r\n`],
    ['chunks that are not the last coding', `${post('Transfer-Encoding: chunked, identity')}\r\n\r\n0\r\n\r\n`],
    ['a chunk without a size', `${post(chunked)}\r\n\r\nzz\r\nabcd\r\n0\r\n\r\n`],
    ['a chunk with a huge size', `${post(chunked)}\r\n\r\nfffffffffffffffff\r\nabcd\r\n0\r\n\r\n`],
    ['a chunk that is longer than it says', `${post(chunked)}\r\n\r\n2\r\nabcd\r\n0\r\n\r\n`],
    ['a blank before the colon', `${post('Content-Length : 4')}\r\n\r\nabcd`],
    ['a NUL in a header', `${post('X: a\0b')}\r\n\r\n`],
    ['two hosts', `${post('Host: other')}\r\n\r\n`],
    ['no version', 'GET /\r\n\r\n'],
    ['another protocol', 'HELO all\r\n\r\n'],
    ['a path that climbs', 'GET /a/../private HTTP/1.1\r\nHost: all\r\n\r\n'],
    ['a path that climbs in disguise', 'GET /a/%2e%2e%2fprivate HTTP/1.1\r\nHost: all\r\n\r\n'],
    ['headers without end', `${post(`X: ${'a'.repeat(64 * 1024)}`)}\r\n\r\n`],
    ['a thousand headers', `${post(...Array.from({ length: 1000 }, (_, i) => `X${i}: a`))}\r\n\r\n`],
    ['headers that come too slowly', 'GET / HTTP/1.1\r\nHost: all\r\nX: '],
  ])('%s: refused, and no Service hears more than one request', async (what, text) => {
    server.seen.length = 0;
    const smuggled = 'GET /private/smuggled HTTP/1.1\r\nHost: all\r\n\r\n';
    const answer = await send(what === 'headers that come too slowly' ? text : `${text}${smuggled}`);
    expect(answer).toMatch(what === 'headers that come too slowly' ? /^HTTP\/1.1 408 / : /^HTTP\/1.[01] (400|414|422|431) /);
    expect(answer.match(/^HTTP\//gm)).toHaveLength(1);
    expect(server.seen.filter(({ url }) => url.includes('private'))).toEqual([]);
  });

  test.each([[['Content-Length: 4', chunked]], [[chunked, 'Content-Length: 4']]])(
    'a length beside chunks counts for nothing, and nothing that follows is heard: %j',
    async (headers) => {
      server.seen.length = 0;
      const answer = await send(`${post(...headers)}\r\n\r\n0\r\n\r\nGET /private/smuggled HTTP/1.1\r\nHost: all\r\n\r\n`);
      expect(answer.match(/^HTTP\/1.1 200 /gm)).toHaveLength(1);
      expect(answer).toMatch(/^connection: close\r$/m);
      expect(server.seen).toEqual([{ service: 'web0', url: '/', headers: expect.not.objectContaining({ 'content-length': '4' }) }]);
    },
  );

  test('Services hear of the client what is true, not what it claims', async () => {
    server.seen.length = 0;
    await send(
      `GET / HTTP/1.1\r\nHost: all\r\nX-Forwarded-For: 1.2.3.4\r\nX_Forwarded_For: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\nProxy: evil\r\nConnection: close\r\n\r\n`,
    );
    const [{ headers } = { headers: {} }] = server.seen;
    expect(headers).toMatchObject({ host: 'all', 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1', 'x-forwarded-proto': 'http' });
    expect(JSON.stringify(headers)).not.toMatch(/1\.2\.3\.4|evil/);
  });

  test('answers on its IPv6 address', async () => {
    expect(await server.ask('all', '/', { address: '::1' })).toMatchObject({ status: 200, body: 'web0' });
  });

  test('more than a hundred changes of endpoints, and not one request fails', async () => {
    const [id] = [...server.applied.slots.keys()];
    const endpoints = Array.from({ length: 8 }, (_, i) => server.endpoint(i));
    let slots: Slots = server.applied.slots.get(id!)!;
    let done = false;
    const agents = Array.from({ length: 3 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    const reached = new Set<string>();
    const clients = agents.map(async (agent) => {
      let count = 0;
      for (; !done; count++) {
        const { status, body } = await server.ask('all', '/', { agent, method: count % 2 === 0 ? 'GET' : 'POST' });
        expect(status).toBe(200);
        reached.add(body);
      }
      return count;
    });
    for (let step = 0; step < 101; step++) {
      const after = assignSlots(slots, [endpoints[step % 8]!, endpoints[(step * 3 + 1) % 8]!])!;
      await server.socket.tell(slotOrders(id!, slots, after));
      slots = after;
    }
    done = true;
    const counts = await Promise.all(clients);
    for (const agent of agents) agent.destroy();
    expect(Math.min(...counts)).toBeGreaterThan(5);
    expect(reached.size).toBeGreaterThan(4);
    // Whoever comes next finds the server as it was left.
    expect(readSlots(await server.socket.send('show servers state')).get(id!)).toEqual(slots);
    for (const name of ['sites', 'exact', 'prefix', 'defaults'] as const)
      expect(readMap(await server.socket.send(`show map ${join(server.settings.directory, `${name}.map`)}`))).toEqual(plan.maps[name]);
  });

  test('an endpoint that leaves, and one that takes its place, cut no connection to it', async () => {
    const [id] = [...server.applied.slots.keys()];
    const before = readSlots(await server.socket.send('show servers state')).get(id!)!;
    const alone = assignSlots(before, [server.endpoint(0)])!;
    await server.socket.tell(slotOrders(id!, before, alone));
    const open = server.connect();
    const heard = (): Promise<string> => new Promise((resolve) => open.once('data', (bytes: Buffer) => resolve(bytes.toString())));
    open.write('GET / HTTP/1.1\r\nHost: all\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    expect(await heard()).toMatch(/^HTTP\/1.1 101 /);
    const others = alone.map((endpoint) => (endpoint === undefined ? undefined : server.endpoint(1)));
    await server.socket.tell(slotOrders(id!, alone, others));
    expect(await server.ask('all', '/')).toMatchObject({ status: 200, body: 'web1' });
    open.write('still here');
    expect(await heard()).toBe('still here');
    open.destroy();
    await server.load(plan);
  });

  test('a new configuration leaves connections alone: one that was upgraded lives on, an idle one ends with its next answer', async () => {
    const upgraded = server.connect();
    const idle = server.connect();
    const heard = (socket: typeof idle): Promise<string> =>
      new Promise((resolve) => socket.once('data', (bytes: Buffer) => resolve(bytes.toString())));
    upgraded.write('GET / HTTP/1.1\r\nHost: all\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    expect(await heard(upgraded)).toMatch(/^HTTP\/1.1 101 /);
    idle.write('GET / HTTP/1.1\r\nHost: all\r\n\r\n');
    expect(await heard(idle)).toMatch(/^HTTP\/1.1 200 /);
    await server.load(plan);
    await server.load(plan);
    upgraded.write('still here');
    expect(await heard(upgraded)).toBe('still here');
    idle.write('GET / HTTP/1.1\r\nHost: all\r\n\r\n');
    expect(await heard(idle)).toMatch(/^HTTP\/1.1 200 .*\r\nconnection: close\r\n/s);
    upgraded.destroy();
    idle.destroy();
  });

  test('a server that is killed is started again and told of', async () => {
    const before = server.process.running!;
    const stopped = new AbortController();
    const started = Promise.withResolvers<void>();
    const keeper = server.process.keep(started.resolve, { ...server.ctx, signal: stopped.signal });
    process.kill(before.pid, 'SIGKILL');
    await started.promise;
    expect(await server.ask('all', '/')).toMatchObject({ status: 200, body: 'web0' });
    expect(server.process.running?.pid).not.toBe(before.pid);
    stopped.abort();
    await expect(keeper).rejects.toMatchObject({ name: 'AbortError' });
  });
});

test('what the server says is kept within bounds', () => {
  const directory = mkdtempSync(join(tmpdir(), 'kn-ing-'));
  try {
    const log = join(directory, 'log');
    boundLog(log, 10);
    for (const text of ['short', 'longer than ten']) {
      writeFileSync(log, text);
      boundLog(log, 10);
    }
    expect([readFileSync(log, 'utf8'), readFileSync(`${log}.1`, 'utf8')]).toEqual(['', 'longer than ten']);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
