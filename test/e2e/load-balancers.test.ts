/**
 * Services of type LoadBalancer on three nodes, asked from the host as anybody outside would: by addresses of nodes and of a pool, while
 * endpoints and nodes come and go. The cluster takes a silent node for dead after seconds, so that a takeover is seen soon.
 */
import { createSocket } from 'node:dgram';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import { buildNetexecImage, netexec, netexecProgram } from './images.ts';
import { unavailable } from './kubectl.ts';
import { nothing, OwnCluster } from './own-cluster.ts';

interface Service {
  readonly spec: { readonly clusterIP: string; readonly healthCheckNodePort?: number };
  readonly status: { readonly loadBalancer: { readonly ingress?: readonly { readonly ip: string }[] } };
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

const limit = { timeout: 60_000, interval: 200 };
const graceSeconds = 6;
const httpPort = 8080;
const udpPort = 8081;
const askTimeoutMs = 2000;

/** A page, over a connection of its own. */
function ask(host: string, port: number, path: string): Promise<Reply> {
  return new Promise((answered, failed) => {
    const asked = request({ host, port, path, agent: false, timeout: askTimeoutMs }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => answered({ status: response.statusCode ?? 0, text }));
      response.on('error', failed);
    });
    asked.on('timeout', () => asked.destroy(new Error('timeout')));
    asked.on('error', failed);
    asked.end();
  });
}

async function page(host: string, port: number, path: string): Promise<string> {
  const { status, text } = await ask(host, port, path);
  if (status !== 200) throw new Error(`${host}:${port}${path} answered ${status}: ${text}`);
  return text;
}

/** What comes back for a datagram. */
function askUdp(host: string, port: number, text: string): Promise<string> {
  return new Promise((answered, failed) => {
    const socket = createSocket('udp4');
    const end = (then: () => void): void => {
      clearTimeout(timer);
      socket.close();
      then();
    };
    const timer = setTimeout(() => end(() => failed(new Error('timeout'))), askTimeoutMs);
    socket.on('error', (error) => end(() => failed(error)));
    socket.on('message', (bytes) => end(() => answered(bytes.toString())));
    socket.send(text, port, host);
  });
}

/** What went wrong, in one word; `answered` when nothing did. */
async function outcome(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
    return 'answered';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
  }
}

describe.skipIf(unavailable)('load balancers', () => {
  let cluster: OwnCluster;
  const nodeName = (index: number): string => `${cluster.name}-${index}`;
  /** Addresses that are nobody's: those of RFC 2544, told apart by the process. */
  const outside = `198.18.${process.pid % 250}`;
  let nodeIps: string[] = [];
  let hostIp = '';

  const get = async <T>(...args: string[]): Promise<T> => JSON.parse(await cluster.kubectl(['get', ...args, '-o', 'json'])) as T;
  const apply = (...objects: object[]): Promise<string> =>
    cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  const container = (...flags: string[]): object => ({
    name: 'main',
    image: netexec,
    args: [netexecProgram, ...flags],
    ports: [{ containerPort: httpPort }],
    readinessProbe: { httpGet: { path: '/healthz', port: httpPort }, periodSeconds: 1 },
  });
  const pod = (name: string, app: string, node: number): object => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app } },
    spec: { nodeName: nodeName(node), terminationGracePeriodSeconds: 1, containers: [container()] },
  });
  const service = (name: string, spec: object = {}, annotations: object = {}): object => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, annotations },
    spec: { type: 'LoadBalancer', selector: { app: 'server' }, ports: [{ port: 80, targetPort: httpPort }], ...spec },
  });
  const ready = (...pods: string[]): Promise<string> =>
    cluster.kubectl(['wait', '--for=condition=Ready', '--timeout=60s', ...pods.map((name) => `pod/${name}`)]);
  /** The addresses of a Service, once it has some. */
  const addresses = async (name: string): Promise<string[]> => {
    const read = async (): Promise<string[]> => {
      const { status } = await get<Service>('service', name);
      return (status.loadBalancer.ingress ?? []).map(({ ip }) => ip);
    };
    await expect.poll(async () => (await read()).length, limit).toBeGreaterThan(0);
    return read();
  };
  /** Numbers of the nodes on whose interface an address stands. */
  const holders = async (ip: string): Promise<number[]> => {
    const found: number[] = [];
    for (const index of [1, 2, 3]) {
      const { stdout } = await run([
        'sh',
        '-c',
        `[ ! -e /run/netns/knarr-${nodeName(index)} ] || ip -n knarr-${nodeName(index)} -o addr show to ${ip}/32`,
      ]);
      if (stdout.includes(`${ip}/32`)) found.push(index);
    }
    return found;
  };
  const hardwareAddress = async (index: number): Promise<string> =>
    (await run(['ip', 'netns', 'exec', `knarr-${nodeName(index)}`, 'cat', '/sys/class/net/eth0/address'])).stdout.trim();
  /** Until everyone of `expected` has answered at an address, and nobody else. */
  const answeredBy = (host: string, port: number, expected: readonly string[]): Promise<void> => {
    const seen = new Set<string>();
    return expect
      .poll(async () => {
        seen.add(await page(host, port, '/hostname').catch(String));
        // What an earlier state left behind does not count for ever.
        const now = [...seen].toSorted();
        if (now.length > expected.length) seen.clear();
        return now;
      }, limit)
      .toEqual(expected.toSorted());
  };

  beforeAll(async () => {
    if (unavailable) return;
    cluster = new OwnCluster({ name: `b${process.pid}` });
    await cluster.up(
      '--nodes',
      '3',
      '--load-balancer-pool',
      `auto,${outside}.66-${outside}.70`,
      '--extra-config',
      `controller-manager.node-monitor-grace-period=${graceSeconds}s`,
    );
    await buildNetexecImage(cluster.home, cluster.name);
    const { items } = await get<{ items: { status: { addresses: { address: string }[] } }[] }>('nodes');
    nodeIps = items.map(({ status }) => status.addresses[0]!.address).toSorted();
    hostIp = nodeIps[0]!.replace(/\.\d+$/, '.1');
    await apply(pod('server-1', 'server', 1), pod('server-2', 'server', 2), pod('asker-3', 'asker', 3));
    await ready('server-1', 'server-2', 'asker-3');
  });
  afterAll(() => cluster?.remove());

  test('by the class of node addresses, every node answers at its own', async () => {
    await apply(service('by-nodes', { loadBalancerClass: 'knarr.io/node-addresses', ports: [{ port: 8000, targetPort: httpPort }] }));
    expect((await addresses('by-nodes')).toSorted()).toEqual(nodeIps);
    for (const ip of nodeIps) await answeredBy(ip, 8000, ['server-1', 'server-2']);
    await cluster.kubectl(['delete', 'service', 'by-nodes']);
  });

  test('one node answers for an address of the pool, over TCP and UDP', async () => {
    const ports = [
      { name: 'http', port: 80, targetPort: httpPort },
      { name: 'udp', port: 80, protocol: 'UDP', targetPort: udpPort },
    ];
    await apply(service('pooled', { ports }));
    const [ip = ''] = await addresses('pooled');
    expect(ip).toBe(hostIp.replace(/\.1$/, '.240'));
    await answeredBy(ip, 80, ['server-1', 'server-2']);
    await expect.poll(() => askUdp(ip, 80, 'hostname').catch(String), limit).toMatch(/^server-[12]$/);
    expect(await holders(ip)).toHaveLength(1);
    await expect.poll(() => cluster.kubectl(['get', 'events']), limit).toMatch(/AddressAnnounced.*service\/pooled +node "\S+" answers for/);
  });

  test('an address outside the nodes network is reached as well', async () => {
    await apply(service('outside', {}, { 'knarr.io/load-balancer-ips': `${outside}.68` }));
    expect(await addresses('outside')).toEqual([`${outside}.68`]);
    await answeredBy(`${outside}.68`, 80, ['server-1', 'server-2']);
    await cluster.kubectl(['delete', 'service', 'outside']);
    await expect.poll(() => holders(`${outside}.68`), limit).toEqual([]);
  });

  test('only those whom the source ranges name get in', async () => {
    await apply(service('guarded', { loadBalancerSourceRanges: ['203.0.113.0/24'] }));
    const [ip = ''] = await addresses('guarded');
    await expect.poll(() => outcome(page(ip, 80, '/hostname')), limit).toBe('timeout');
    const ranges = { spec: { loadBalancerSourceRanges: ['203.0.113.0/24', `${hostIp}/32`] } };
    await cluster.kubectl(['patch', 'service', 'guarded', '-p', JSON.stringify(ranges)]);
    await answeredBy(ip, 80, ['server-1', 'server-2']);
    await cluster.kubectl(['delete', 'service', 'guarded']);
  });

  test('the external policy Local keeps who asks, and health checks say which nodes have endpoints', async () => {
    await apply(service('local', { externalTrafficPolicy: 'Local' }));
    const [ip = ''] = await addresses('local');
    await expect.poll(() => page(ip, 80, '/clientip').catch(String), limit).toMatch(new RegExp(`^${hostIp.replaceAll('.', '\\.')}:`));
    const [holder = 0] = await holders(ip);
    expect([1, 2]).toContain(holder);
    await answeredBy(ip, 80, [`server-${holder}`]);
    const { healthCheckNodePort = 0 } = (await get<Service>('service', 'local')).spec;
    const health = async (): Promise<string[]> => {
      const replies = await Promise.all(
        nodeIps.map((node) => ask(node, healthCheckNodePort, '/').catch(() => ({ status: 0, text: '{}' }))),
      );
      return replies.map(({ status, text }) => `${status} ${(JSON.parse(text) as { localEndpoints?: number }).localEndpoints}`);
    };
    await expect.poll(health, limit).toEqual(['200 1', '200 1', '503 0']);
  });

  test('when endpoints move, the address does, and whoever remembers the old node is told', async () => {
    await apply(
      pod('mover-1', 'mover', 1),
      service('moving', { externalTrafficPolicy: 'Local', selector: { app: 'mover' }, ports: [{ port: 80, targetPort: httpPort }] }),
    );
    const [ip = ''] = await addresses('moving');
    await answeredBy(ip, 80, ['mover-1']);
    expect(await holders(ip)).toEqual([1]);
    const remembered = async (): Promise<string> => (await run(['ip', 'neigh', 'show', ip])).stdout;
    expect(await remembered()).toContain(await hardwareAddress(1));
    await apply(pod('mover-2', 'mover', 2));
    await ready('mover-2');
    await cluster.kubectl(['delete', 'pod', 'mover-1', '--wait=false']);
    const next = await hardwareAddress(2);
    await expect.poll(remembered, limit).toContain(next);
    expect(await holders(ip)).toEqual([2]);
    await answeredBy(ip, 80, ['mover-2']);
    await cluster.kubectl(['delete', 'service/moving', 'pod/mover-2']);
  });

  test('the internal policy Local leads pods to endpoints of their own node only', async () => {
    await apply(service('inner', { type: 'ClusterIP', internalTrafficPolicy: 'Local' }));
    const { clusterIP } = (await get<Service>('service', 'inner')).spec;
    const podIp = (name: string): Promise<string> => cluster.kubectl(['get', 'pod', name, '-o', 'jsonpath={.status.podIP}']);
    const dial = async (from: string): Promise<string> => {
      const text = await page(await podIp(from), httpPort, `/dial?host=${clusterIP}&port=80&request=hostname&tries=4`);
      return (JSON.parse(text) as { responses: string[] }).responses.join(' ');
    };
    for (const name of ['server-1', 'server-2']) await expect.poll(() => dial(name), limit).toBe([name, name, name, name].join(' '));
    const connects = await page(await podIp('asker-3'), httpPort, `/connect?host=${clusterIP}&port=80&timeoutMs=800`);
    expect(connects).toBe('TIMEOUT');
  });

  test('a rolling update under load loses no request', async () => {
    await apply({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'rolling' },
      spec: {
        replicas: 3,
        selector: { matchLabels: { app: 'rolling' } },
        template: {
          metadata: { labels: { app: 'rolling' } },
          spec: { terminationGracePeriodSeconds: 30, containers: [container('--delay-shutdown=4')] },
        },
      },
    });
    await cluster.kubectl(['rollout', 'status', 'deployment/rolling', '--timeout=60s']);
    await apply(service('rolling', { selector: { app: 'rolling' } }));
    const [ip = ''] = await addresses('rolling');
    await expect.poll(() => outcome(page(ip, 80, '/hostname')), limit).toBe('answered');
    const names = new Set<string>();
    const faults: string[] = [];
    let goesOn = true;
    const load = Array.from({ length: 4 }, async () => {
      while (goesOn) {
        try {
          names.add(await page(ip, 80, '/hostname'));
        } catch (error) {
          faults.push(String(error));
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });
    await cluster.kubectl(['set', 'env', 'deployment/rolling', 'GENERATION=2']);
    await cluster.kubectl(['rollout', 'status', 'deployment/rolling', '--timeout=90s']);
    goesOn = false;
    await Promise.all(load);
    expect(faults).toEqual([]);
    // Both generations have answered.
    expect(names.size).toBeGreaterThan(3);
    await cluster.kubectl(['delete', 'deployment/rolling', 'service/rolling']);
  });

  test('another node takes over when the holder loses its power', async () => {
    const [ip = ''] = await addresses('pooled');
    const [holder = 0] = await holders(ip);
    await page(ip, 80, '/hostname');
    await cluster.knarr(['node', 'stop', nodeName(holder)]);
    await expect.poll(() => holders(ip), limit).toHaveLength(1);
    expect(await holders(ip)).not.toContain(holder);
    await expect.poll(() => outcome(page(ip, 80, '/hostname')), limit).toBe('answered');
    await cluster.knarr(['node', 'start', nodeName(holder)]);
    await expect.poll(() => holders(ip), limit).toEqual([holder]);
    await expect.poll(() => outcome(page(ip, 80, '/hostname')), limit).toBe('answered');
  });

  test('nothing is left when the cluster stops', async () => {
    await cluster.down();
    expect(await cluster.inventory()).toEqual(nothing);
  });
});
