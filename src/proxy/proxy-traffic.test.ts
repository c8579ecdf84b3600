import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { corev1, discoveryv1 } from '../api/index.ts';
import { keepAlive, Registry, silentLogger, systemClock } from '../base/index.ts';
import type { RecordedEvent } from '../client/index.ts';
import { ProxySync } from './proxy-sync.ts';
import { addresses, canTest, type MachineName, type Question, TestNode } from './testdata/test-node.ts';
import { removeProxyTable } from './table-writer.ts';

const node = new TestNode('traffic');
const services = new Map<string, corev1.Service>();
const slices = new Map<string, discoveryv1.EndpointSlice[]>();
const events: RecordedEvent[] = [];
let stop = new AbortController();
let sync: ProxySync;
let running: Promise<unknown>;
using _alive = keepAlive();

function startProxy(): void {
  stop = new AbortController();
  sync = new ProxySync(
    {
      service: ({ namespace, name }) => services.get(`${namespace}/${name}`),
      services: () => [...services.values()],
      slicesOf: (service) => slices.get(service) ?? [],
      zone: () => undefined,
      serviceCidrs: () => ['10.96.0.0/16', 'fd00:96::/64'],
    },
    {
      name: 'test-services',
      nodeName: 'here',
      nodeIps: addresses.node,
      podCidrs: { IPv4: '10.244.0.0/16', IPv6: 'fd00:244::/48' },
      families: ['IPv4', 'IPv6'],
      masqueradeMark: 0x4000,
      balance: 'random',
      clock: systemClock,
      registry: new Registry(),
      recorder: { event: (_object, event) => events.push(event) },
      run: node.run,
    },
  );
  running = sync.run({ signal: stop.signal, log: silentLogger }).catch(() => {});
}

async function stopProxy(): Promise<void> {
  stop.abort(new Error('stopped'));
  await running;
}

type PodName = 'pod1' | 'pod2' | 'far';

/** Puts a Service with endpoints in place of the one before, and waits until the rules are there. */
async function serve(
  name: string,
  spec: Partial<corev1.ServiceSpec>,
  pods: readonly PodName[],
  status: corev1.ServiceStatus = {},
): Promise<void> {
  const metadata = { name, namespace: 'test', uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
  const protocols = ['TCP', 'UDP'] as const;
  services.set(`test/${name}`, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: {
      ports: protocols.map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: 80 })),
      ...spec,
      clusterIP: spec.clusterIPs![0]!,
    },
    status,
  });
  slices.set(
    `test/${name}`,
    (['IPv4', 'IPv6'] as const).map((addressType, at) => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata, name: `${name}-${at}` },
      addressType,
      ports: protocols.map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: 8080 })),
      endpoints: pods.map((pod) => ({
        addresses: [addresses[pod][at]!],
        nodeName: pod === 'far' ? 'there' : 'here',
        conditions: { ready: true },
      })),
    })),
  );
  sync.serviceChanged(`test/${name}`);
  await settled();
}

/** Resolves when a marker Service, changed after everything else, is in the kernel. */
let markers = 0;
async function settled(): Promise<void> {
  const ip = `10.96.255.${(++markers % 250) + 1}`;
  const metadata = {
    name: 'marker',
    namespace: 'test',
    uid: 'm',
    resourceVersion: String(markers),
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
  services.set('test/marker', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: { clusterIP: ip, clusterIPs: [ip], ports: [{ port: 1 }] },
    status: {},
  });
  sync.serviceChanged('test/marker');
  await expect.poll(() => node.inNode('nft list set ip test-services cluster-ips || true'), { timeout: 5000, interval: 10 }).toContain(ip);
}

const ask = (machine: MachineName, host: string, port = 80, protocol: Question['protocol'] = 'TCP'): Promise<string> =>
  node.ask(machine, { protocol, host, port });
const askMany = async (machine: MachineName, host: string, times = 12): Promise<Set<string>> =>
  new Set((await Promise.all(Array.from({ length: times }, () => ask(machine, host)))).map((answer) => answer.split(' ')[0]!));

describe.skipIf(!canTest)('real traffic through the rules', { timeout: 20_000 }, () => {
  beforeAll(async () => {
    await node.start();
    startProxy();
  });
  afterAll(async () => {
    await stopProxy();
    node.stop();
  });

  const dual = (low: number): Partial<corev1.ServiceSpec> => ({ clusterIPs: [`10.96.0.${low}`, `fd00:96::${low}`] });

  test('a cluster IP leads to every endpoint, keeps pods’ addresses and hides others’', async () => {
    await serve('web', dual(1), ['pod1', 'far']);
    for (const [at, host] of ['10.96.0.1'].entries()) {
      expect(await askMany('pod2', host)).toEqual(new Set(['pod1', 'far']));
      for (const protocol of ['TCP', 'UDP'] as const) {
        expect(['pod1', 'far'].map((pod) => `${pod} ${addresses.pod2[at]}`)).toContain(await ask('pod2', host, 80, protocol));
        expect(await ask('client', host, 80, protocol)).not.toContain(addresses.client[at]);
        expect(await ask('node', host, 80, protocol)).toMatch(/^(pod1|far) /);
      }
    }
  });

  test('an endpoint reaches itself, as somebody else', async () => {
    await serve('web', dual(1), ['pod1']);
    expect(await ask('pod1', '10.96.0.1')).toBe('pod1 10.244.1.1');
  });

  test('other ports of a cluster IP are refused, other cluster IPs swallow packets', async () => {
    await serve('web', dual(1), ['pod1']);
    for (const machine of ['pod2'] as const) {
      expect(await ask(machine, '10.96.0.1', 81)).toBe('ECONNREFUSED');
      expect(await ask(machine, '10.96.7.7')).toBe('ETIMEDOUT');
    }
  });

  test('without endpoints it is refused; with endpoints on other nodes only, a local policy drops', async () => {
    await serve('web', { ...dual(1), internalTrafficPolicy: 'Local' }, []);
    expect(await ask('pod2', '10.96.0.1')).toBe('ECONNREFUSED');
    await serve('web', { ...dual(1), internalTrafficPolicy: 'Local' }, ['far']);
    expect(await ask('pod2', '10.96.0.1')).toBe('ETIMEDOUT');
    await serve('web', { ...dual(1), internalTrafficPolicy: 'Local' }, ['far', 'pod1']);
    expect(await askMany('pod2', '10.96.0.1')).toEqual(new Set(['pod1']));
  });

  test('node ports stand on the primary addresses; with the local policy clients keep their address and pods have all endpoints', async () => {
    const ports = [{ name: 'tcp', port: 80, nodePort: 30080 }];
    await serve('open', { ...dual(2), type: 'NodePort', ports }, ['far']);
    expect(await ask('client', '192.0.2.1', 30080)).toBe('far 10.244.2.1');
    expect(await ask('client', '2001:db8:1::1', 30080)).toBe('far fd00:244:2::1');
    await serve('open', { ...dual(2), type: 'NodePort', externalTrafficPolicy: 'Local', ports }, ['far', 'pod1']);
    expect(await ask('client', '192.0.2.1', 30080)).toBe('pod1 192.0.2.2');
    expect(await ask('client', '2001:db8:1::1', 30080)).toBe('pod1 2001:db8:1::2');
    expect(await askMany('pod2', '192.0.2.1')).toEqual(new Set(['ECONNREFUSED']));
    expect(
      new Set(await Promise.all(Array.from({ length: 12 }, async () => (await ask('pod2', '192.0.2.1', 30080)).split(' ')[0]))),
    ).toEqual(new Set(['pod1', 'far']));
    await serve('open', { ...dual(2), type: 'NodePort', externalTrafficPolicy: 'Local', ports }, ['far']);
    expect(await ask('client', '192.0.2.1', 30080)).toBe('ETIMEDOUT');
    expect(await ask('node', '192.0.2.1', 30080)).toMatch(/^far /);
    expect(await ask('pod2', '192.0.2.1', 30080)).toMatch(/^far 10.244.1.3/);
  });

  test('balancer addresses let in only their source ranges; external addresses everybody', async () => {
    const balanced = { loadBalancer: { ingress: [{ ip: '203.0.113.5' }] } };
    await serve(
      'lb',
      { ...dual(3), type: 'LoadBalancer', externalIPs: ['203.0.113.9'], loadBalancerSourceRanges: ['198.51.100.0/24'] },
      ['pod1'],
      balanced,
    );
    expect(await ask('client', '203.0.113.5')).toBe('ETIMEDOUT');
    expect(await ask('client', '203.0.113.9')).toMatch(/^pod1 /);
    await serve('lb', { ...dual(3), type: 'LoadBalancer', loadBalancerSourceRanges: ['192.0.0.0/16', '192.0.2.0/24'] }, ['pod1'], balanced);
    expect(await ask('client', '203.0.113.5')).toMatch(/^pod1 /);
    expect(await ask('pod2', '203.0.113.5')).toBe('ETIMEDOUT');
  });

  test('a client stays with its endpoint, also when the proxy starts anew, until the endpoint is gone', async () => {
    await serve('sticky', { ...dual(4), sessionAffinity: 'ClientIP' }, ['pod1', 'pod2', 'far']);
    for (const host of ['10.96.0.4', 'fd00:96::4']) {
      const [first, ...others] = await askMany('client', host);
      expect(others).toEqual([]);
      await stopProxy();
      startProxy();
      await settled();
      expect(await askMany('client', host)).toEqual(new Set([first]));
      const left = (['pod1', 'pod2', 'far'] as const).filter((pod) => pod !== first);
      await serve('sticky', { ...dual(4), sessionAffinity: 'ClientIP' }, left);
      const [second, ...more] = await askMany('client', host);
      expect(left).toContain(second);
      expect(more).toEqual([]);
      await serve('sticky', { ...dual(4), sessionAffinity: 'ClientIP' }, ['pod1', 'pod2', 'far']);
      expect(await askMany('client', host)).toEqual(new Set([second]));
    }
  });

  test('a table that somebody deleted is written anew with the next change', async () => {
    await serve('web', dual(1), ['pod1']);
    node.inNode('nft delete table ip test-services');
    await serve('web', dual(1), ['far']);
    expect(await ask('pod2', '10.96.0.1')).toMatch(/^far /);
  });

  test('tables of others stay as they are, and ours are gone when removed', async () => {
    node.inNode('nft add table ip others; nft add chain ip others mine');
    await serve('web', dual(1), ['pod2']);
    await stopProxy();
    await removeProxyTable('test-services', new AbortController().signal, node.run);
    expect(node.inNode('nft list tables')).toBe('table ip others\n');
    startProxy();
  });
});
