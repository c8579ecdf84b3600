/**
 * Ingresses on a cluster of its own with two nodes, asked as clients outside of the cluster ask: by names, over TLS, over connections that
 * stay open while pods, the agent and the server itself come and go.
 */
import { readFileSync } from 'node:fs';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/index.ts';
import { findProgram } from '../../src/cluster/index.ts';
import { CertificateAuthority } from '../../src/pki/index.ts';
import { buildNetexecImage, netexec, netexecProgram } from './images.ts';
import { knarr } from './knarr.ts';
import { unavailable } from './kubectl.ts';
import { OwnCluster } from './own-cluster.ts';

const limit = { timeout: 60_000, interval: 100 };

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

interface Question {
  readonly host?: string;
  readonly path?: string;
  readonly method?: string;
  /** Left out: a connection of its own. */
  readonly agent?: Agent;
  /** The authority that is trusted; with it the request goes over TLS. */
  readonly ca?: string;
}

function ask(address: string, { host = 'none', path = '/hostname', method = 'GET', agent, ca }: Question): Promise<Answer> {
  return new Promise((answered, failed) => {
    const common = { host: address, path, method, headers: { host } };
    const asked =
      ca === undefined
        ? request({ ...common, port: 80, agent: agent ?? false })
        : tlsRequest({ ...common, port: 443, ca, servername: host, agent: new TlsAgent() });
    asked.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', failed);
      response.on('end', () =>
        answered({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString(), headers: response.headers }),
      );
    });
    asked.on('error', failed);
    asked.end();
  });
}

/** A Deployment that answers at 8080, and its Service at 80. */
function workload(name: string, replicas: number, container: object): string {
  const labels = { app: name };
  const main = { name: 'main', image: netexec, ports: [{ containerPort: 8080 }], ...container };
  const readinessProbe = { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1, timeoutSeconds: 10 };
  const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 10, containers: [{ ...main, readinessProbe }] } };
  const spec = { replicas, selector: { matchLabels: labels }, template };
  const service = { selector: labels, ports: [{ port: 80, targetPort: 8080 }] };
  const items = [
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec },
    { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: service },
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

/** Answers each WebSocket message with itself. */
const echo = `const { createServer } = require('http'), { createHash } = require('crypto');
createServer((_, answer) => answer.end('ok')).on('upgrade', ({ headers }, socket) => {
  const accept = createHash('sha1').update(headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + accept + '\\r\\n\\r\\n');
  socket.on('error', () => {});
  socket.on('data', (frame) => {
    if ((frame[0] & 15) !== 1) return socket.end();
    const [length, mask] = [frame[1] & 127, frame.subarray(2, 6)];
    socket.write(Buffer.concat([Buffer.from([129, length]), frame.subarray(6, 6 + length).map((byte, i) => byte ^ mask[i % 4])]));
  });
}).listen(8080);`;

/** Between two questions of a client: what is asked about shall have the machine, too. */
const pauseMs = 10;

/** Eight clients with a connection each that ask one question after the other, until they are stopped. */
class Crowd {
  readonly failures: string[] = [];
  count = 0;
  readonly #agents = Array.from({ length: 8 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  readonly #clients: Promise<void>[];
  #stopped = false;

  constructor(addresses: readonly string[], methods: readonly string[]) {
    this.#clients = this.#agents.map((agent, i) =>
      this.#client(addresses[i % addresses.length]!, { host: 'web.example', agent, method: methods[(i >> 1) % methods.length]! }),
    );
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
    for (const agent of this.#agents) agent.destroy();
  }

  async #client(address: string, question: Question): Promise<void> {
    for (; !this.#stopped; await sleep(pauseMs)) {
      this.count++;
      try {
        const { status, body } = await ask(address, question);
        if (status !== 200) this.failures.push(`${question.method} ${address} ${status} ${body}`);
      } catch (error) {
        this.failures.push(`${question.method} ${address} ${String(error)}`);
      }
    }
  }
}

describe.skipIf(unavailable)('Ingresses', () => {
  let cluster: OwnCluster;
  let addresses: string[];
  const apply = (...objects: object[]): Promise<string> =>
    cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  const ingress = (name: string, spec: object): object => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name },
    spec,
  });
  const to = (name: string): object => ({ service: { name, port: { number: 80 } } });
  const rule = (host: string | undefined, ...paths: (readonly [path: string, pathType: string, service: string])[]): object => ({
    ...(host !== undefined && { host }),
    http: { paths: paths.map(([path, pathType, service]) => ({ path, pathType, backend: to(service) })) },
  });
  /** The Deployment whose pod answers, or the status. */
  const served = async (question: Question, address = addresses[0]!): Promise<string> => {
    const { status, body } = await ask(address, question);
    return status === 200 ? body.split('-')[0]! : String(status);
  };
  const serverPid = (index: number): number =>
    (JSON.parse(readFileSync(join(cluster.directory, `run/ingress-${index}.json`), 'utf8')) as { pid: number }).pid;
  const statusOf = (name: string): Promise<string> =>
    cluster.kubectl(['get', 'ingress', name, '-o', 'jsonpath={.status.loadBalancer.ingress[*].ip}']);
  const rolledOut = (name: string): Promise<string> => cluster.kubectl(['rollout', 'status', `deployment/${name}`, '--timeout=90s']);
  const secret = (name: string, certificate: string, key: string): object => ({
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name },
    data: { 'tls.crt': btoa(certificate), 'tls.key': btoa(key) },
  });

  beforeAll(async () => {
    if (unavailable) return;
    cluster = new OwnCluster({ name: `i${process.pid}` });
    if (!findProgram('haproxy', cluster.home)) await knarr(cluster.home, ['install', '--for', 'ingress']);
    await cluster.up('--ingress', '--nodes', '2', '--wait');
    await buildNetexecImage(cluster.home, cluster.name);
    const ends = { args: [netexecProgram, '--delay-shutdown', '3'] };
    await cluster.kubectl(['apply', '-f', '-'], workload('web', 4, ends));
    await cluster.kubectl(['apply', '-f', '-'], workload('other', 1, { args: [netexecProgram] }));
    await cluster.kubectl(['apply', '-f', '-'], workload('echo', 1, { command: ['/bin/node', '-e', echo] }));
    addresses = (
      await cluster.kubectl(['get', 'nodes', '-o', 'jsonpath={.items[*].status.addresses[?(@.type=="InternalIP")].address}'])
    ).split(' ');
    for (const name of ['web', 'other', 'echo']) await rolledOut(name);
  });
  afterAll(() => cluster?.remove());

  test('every node serves hosts, wildcards, paths and default backends, and the status says where', async () => {
    await cluster.kubectl(['create', 'ingress', 'web', '--rule=web.example/*=web:80']);
    await apply(
      ingress('paths', {
        rules: [
          rule('paths.example', ['/hostname', 'Exact', 'other'], ['/', 'Prefix', 'web']),
          rule('*.wild.example', ['/hostname', 'Prefix', 'other']),
        ],
      }),
      ingress('rest', { defaultBackend: to('other') }),
    );
    await expect.poll(() => statusOf('web'), limit).toBe(addresses.join(' '));
    expect(await cluster.kubectl(['get', 'ingress', 'web'])).toMatch(/^web +knarr +web\.example +/m);
    for (const address of addresses) {
      await expect.poll(() => served({ host: 'web.example' }, address), limit).toBe('web');
      await expect.poll(() => served({ host: 'nobody.example' }, address), limit).toBe('other');
      expect(await served({ host: 'paths.example' }, address)).toBe('other');
      expect(await served({ host: 'paths.example', path: '/hostName' }, address)).toBe('web');
      expect(await served({ host: 'a.wild.example' }, address)).toBe('other');
    }
    expect(JSON.parse((await ask(addresses[1]!, { host: 'web.example', path: '/headers' })).body)).toMatchObject({
      host: 'web.example',
      'x-forwarded-proto': 'http',
    });
  });

  test('TLS by name, HTTP/2, a certificate that changes, and plain HTTP is sent to HTTPS', async () => {
    const [first, second] = await Promise.all(
      ['first', 'second'].map((commonName) => CertificateAuthority.create({ clock: systemClock, commonName })),
    );
    const issue = (authority: CertificateAuthority, host: string): ReturnType<CertificateAuthority['issue']> =>
      authority.issue({ subject: { commonName: host }, usage: 'server', dnsNames: [host] });
    const [a, b] = [await issue(first!, 'a.tls.example'), await issue(second!, 'b.tls.example')];
    const tls = ['a', 'b'].map((name) => ({ hosts: [`${name}.tls.example`], secretName: name }));
    const rules = ['a', 'b'].map((name) => rule(`${name}.tls.example`, ['/', 'Prefix', 'web']));
    await apply(secret('a', a.certificate, a.key), secret('b', b.certificate, b.key), ingress('tls', { tls, rules }));
    const [ca1, ca2] = [first!.certificate, second!.certificate];
    const secure = (host: string, ca: string): Promise<string> =>
      served({ host, ca }).catch((error: NodeJS.ErrnoException) => error.code ?? String(error));
    await expect.poll(() => secure('a.tls.example', ca1), limit).toBe('web');
    expect(await secure('b.tls.example', ca2)).toBe('web');
    expect(await secure('b.tls.example', ca1)).toMatch(/CERT|ISSUER|SIGNATURE/);
    const moved = await ask(addresses[0]!, { host: 'a.tls.example', path: '/echo?msg=x', method: 'POST' });
    expect([moved.status, moved.headers.location]).toEqual([308, 'https://a.tls.example/echo?msg=x']);

    const session = connectHttp2(`https://${addresses[0]}`, { ca: ca1, servername: 'a.tls.example' });
    const stream = session.request({ ':path': '/headers', ':authority': 'a.tls.example' });
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    expect([session.alpnProtocol, (JSON.parse(text) as object) && true]).toEqual(['h2', true]);
    expect(JSON.parse(text)).toMatchObject({ host: 'a.tls.example', 'x-forwarded-proto': 'https' });
    session.destroy();

    const renewed = await issue(second!, 'a.tls.example');
    await apply(secret('a', renewed.certificate, renewed.key));
    await expect.poll(() => secure('a.tls.example', ca2), limit).toBe('web');
  });

  test('what is wrong with an Ingress costs that Ingress, and its events say so', async () => {
    const hostile = '/a"\n    server evil 10.0.0.1:80 %[env(HOME)]';
    await apply(
      { ...secret('bad', 'no certificate', 'no key') },
      ingress('bad', {
        tls: [{ hosts: ['bad.example'], secretName: 'bad' }],
        rules: [rule('bad.example', [hostile, 'ImplementationSpecific', 'web'], ['/gone', 'Prefix', 'gone'])],
      }),
      ingress('good', { rules: [rule('good.example', ['/', 'Prefix', 'web'])] }),
    );
    await expect.poll(() => served({ host: 'good.example' }), limit).toBe('web');
    const reasons = (): Promise<string> =>
      cluster.kubectl(['get', 'events', '--field-selector=involvedObject.name=bad', '-o', 'jsonpath={.items[*].reason}']);
    await expect
      .poll(async () => (await reasons()).split(' ').toSorted(), limit)
      .toEqual(['InvalidBackend', 'InvalidCertificate', 'InvalidPath']);
    expect(await served({ host: 'web.example' })).toBe('web');
    await cluster.kubectl(['delete', 'ingress', 'bad']);
  });

  test('a WebSocket lives on while another Ingress makes the server take a new configuration', async () => {
    await apply(ingress('echo', { rules: [rule(undefined, ['/echo-socket', 'Prefix', 'echo'])] }));
    await expect.poll(async () => (await ask(addresses[0]!, { path: '/echo-socket' })).body, limit).toBe('ok');
    const socket = new WebSocket(`ws://${addresses[0]}/echo-socket`);
    const heard = (): Promise<string> =>
      new Promise((resolve, reject) => {
        socket.addEventListener('message', ({ data }) => resolve(String(data)), { once: true });
        socket.addEventListener('close', () => reject(new Error('the socket closed')), { once: true });
      });
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve(), { once: true });
      socket.addEventListener('error', () => reject(new Error('the socket did not open')), { once: true });
    });
    const answer = heard();
    socket.send('before');
    expect(await answer).toBe('before');
    await cluster.kubectl(['expose', 'deployment/other', '--name=fresh', '--port=80', '--target-port=8080']);
    await apply(ingress('fresh', { rules: [rule('fresh.example', ['/', 'Prefix', 'fresh'])] }));
    await expect.poll(() => served({ host: 'fresh.example' }), limit).toBe('other');
    const after = heard();
    socket.send('after');
    expect(await after).toBe('after');
    socket.close();
  });

  test('a rolling update under eight clients, and no request fails', async () => {
    const crowd = new Crowd(addresses, ['GET', 'POST']);
    await cluster.kubectl(['rollout', 'restart', 'deployment/web']);
    await rolledOut('web');
    await crowd.stop();
    expect(crowd.failures).toEqual([]);
    expect(crowd.count).toBeGreaterThan(100);
  });

  test('nor when the agent of a node is killed in the middle: the server serves on, and the next agent goes on with it', async () => {
    const agent = await cluster.pid('agent-1');
    const server = serverPid(1);
    const crowd = new Crowd(addresses, ['GET']);
    await cluster.kubectl(['rollout', 'restart', 'deployment/web']);
    process.kill(agent, 'SIGKILL');
    await rolledOut('web');
    await expect.poll(() => cluster.whole(), limit).toBe(true);
    await crowd.stop();
    expect(crowd.failures).toEqual([]);
    expect(await cluster.pid('agent-1')).not.toBe(agent);
    expect(serverPid(1)).toBe(server);
    expect(await served({ host: 'web.example' })).toBe('web');
  });

  test('a server that is killed is there again', async () => {
    const server = serverPid(1);
    process.kill(server, 'SIGKILL');
    await expect.poll(() => serverPid(1), limit).not.toBe(server);
    await expect.poll(() => served({ host: 'fresh.example' }).catch(String), limit).toBe('other');
  });

  test('a cluster that is down leaves no server, and one without Ingresses clears what was written', async () => {
    await cluster.down();
    expect(cluster.processes()).toEqual([]);
    await cluster.up('--no-ingress', '--wait');
    await expect.poll(() => statusOf('web'), limit).toBe('');
    expect(await cluster.kubectl(['get', 'ingressclasses', '-o', 'name'])).toBe('');
    for (const address of addresses) await expect(ask(address, { host: 'web.example' })).rejects.toThrow('ECONNREFUSED');
    expect(cluster.processes().filter((line) => line.includes('haproxy'))).toEqual([]);
  });
});
