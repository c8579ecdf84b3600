import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keepAlive } from '../base/index.ts';
import { dual, type PodName, ProxiedNode } from './testdata/proxied-node.ts';
import { addresses, canTest, type MachineName, type Question, TestNode } from './testdata/test-node.ts';

const node = new TestNode('traffic');
const proxied = new ProxiedNode(node);
const serve: ProxiedNode['serve'] = (...args) => proxied.serve(...args);
const askMany: ProxiedNode['askMany'] = (...args) => proxied.askMany(...args);
const ask = (machine: MachineName, host: string, port = 80, protocol: Question['protocol'] = 'TCP', from?: string): Promise<string> =>
  proxied.ask(machine, host, port, protocol, from);
const startProxy: ProxiedNode['startProxy'] = (options) => proxied.startProxy(options);
const stopProxy = (): Promise<void> => proxied.stopProxy();
const virtualHosts = ['10.96.0.1', 'fd00:96::1'] as const;
using _alive = keepAlive();

describe.skipIf(!canTest)('real traffic through the rules', { timeout: 20_000 }, () => {
  beforeAll(async () => {
    await node.start();
    startProxy();
  });
  afterAll(async () => {
    await stopProxy();
    node.stop();
  });

  test('a cluster IP leads to every endpoint, keeps pods’ addresses and hides others’', async () => {
    await serve('web', dual(1), ['pod1', 'far']);
    for (const [at, host] of virtualHosts.entries()) {
      expect(await askMany('pod2', host, 20)).toEqual(new Set(['pod1', 'far']));
      for (const protocol of ['TCP', 'UDP'] as const) {
        expect(['pod1', 'far'].map((pod) => `${pod} ${addresses.pod2[at]}`)).toContain(await ask('pod2', host, 80, protocol));
        const answer = await ask('client', host, 80, protocol);
        expect(answer).toMatch(/^(pod1|far) /);
        expect(answer).not.toContain(addresses.client[at]);
        expect(await ask('node', host, 80, protocol)).toMatch(/^(pod1|far) /);
      }
    }
  });

  test('UDP finds every endpoint, after changes too', async () => {
    await serve('web', dual(1), ['far']);
    await serve('web', dual(1), ['pod1', 'far']);
    for (const host of virtualHosts) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask('pod2', host, 80, 'UDP')));
      expect(new Set(answers.map((answer) => answer.split(' ')[0]))).toEqual(new Set(['pod1', 'far']));
    }
  });

  test('an endpoint reaches itself, as somebody else', async () => {
    await serve('web', dual(1), ['pod1']);
    for (const protocol of ['TCP', 'UDP'] as const) {
      expect(await ask('pod1', '10.96.0.1', 80, protocol)).toBe('pod1 10.244.1.1');
      expect(await ask('pod1', 'fd00:96::1', 80, protocol)).toBe('pod1 fd00:244:1::1');
    }
  });

  test('other ports of a cluster IP are refused, other cluster IPs swallow packets', async () => {
    await serve('web', dual(1), ['pod1']);
    const everywhere = (hosts: readonly string[], port: number): Promise<string[]> =>
      Promise.all(hosts.flatMap((host) => (['pod2', 'client', 'node'] as const).map((machine) => ask(machine, host, port))));
    expect(await everywhere(virtualHosts, 81)).toEqual(Array.from({ length: 6 }, () => 'ECONNREFUSED'));
    expect(await everywhere(['10.96.7.7', 'fd00:96::7:7'], 80)).toEqual(Array.from({ length: 6 }, () => 'ETIMEDOUT'));
  });

  test('without endpoints everybody is refused, by TCP and UDP', async () => {
    await serve('web', dual(1), []);
    for (const machine of ['pod2', 'client', 'node'] as const)
      for (const host of virtualHosts) expect([machine, host, await ask(machine, host)]).toEqual([machine, host, 'ECONNREFUSED']);
    for (const host of virtualHosts) expect(await ask('pod2', host, 80, 'UDP')).toBe('ECONNREFUSED');
  });

  test('a UDP client on one socket moves on when its endpoint is gone, and stays while it serves', async () => {
    for (const [at, host] of ['10.96.0.5', 'fd00:96::5'].entries()) {
      await serve('talk', dual(5), ['pod1']);
      expect(await ask('pod2', host, 80, 'UDP', `moving-${at}`)).toMatch(/^pod1 /);
      await serve('talk', dual(5), ['far', 'pod1']);
      expect(await ask('pod2', host, 80, 'UDP', `moving-${at}`)).toMatch(/^pod1 /);
      await serve('talk', dual(5), ['far']);
      await expect.poll(() => ask('pod2', host, 80, 'UDP', `moving-${at}`), { timeout: 5000 }).toMatch(/^far /);
    }
  });

  test('a UDP client that asked before there was an endpoint, or a Service, is answered once there is', async () => {
    await serve('late', dual(6), []);
    expect(await ask('pod2', '10.96.0.6', 80, 'UDP', 'early')).toMatch(/ETIMEDOUT|ECONNREFUSED/);
    // Nobody has this address yet: the packet leaves the node, and the kernel remembers that it did.
    expect(await ask('pod2', '203.0.113.77', 80, 'UDP', 'earlier')).toMatch(/ETIMEDOUT|EHOSTUNREACH/);
    await serve('late', { ...dual(6), externalIPs: ['203.0.113.77'] }, ['far']);
    await expect.poll(() => ask('pod2', '10.96.0.6', 80, 'UDP', 'early'), { timeout: 5000 }).toMatch(/^far /);
    await expect.poll(() => ask('pod2', '203.0.113.77', 80, 'UDP', 'earlier'), { timeout: 5000 }).toMatch(/^far /);
  });

  test('node ports are not taken from the node’s own loopback', async () => {
    await serve('open', { ...dual(2), type: 'NodePort', ports: [{ name: 'tcp', port: 80, nodePort: 30080 }] }, ['far']);
    for (const host of ['127.0.0.1', '::1']) expect(await ask('node', host, 30080)).toBe('ECONNREFUSED');
    expect(await ask('node', '192.0.2.1', 30080)).toMatch(/^far /);
  });

  test('round robin goes around exactly, for each family and Service by itself', async () => {
    await stopProxy();
    startProxy({ balance: 'round-robin' });
    await serve('turns', dual(7), ['pod1', 'pod2', 'far']);
    for (const host of ['10.96.0.7', 'fd00:96::7']) {
      const names: string[] = [];
      for (let turn = 0; turn < 9; turn++) names.push((await ask('client', host)).split(' ')[0]!);
      expect(new Set(names.slice(0, 3)).size).toBe(3);
      expect(names.slice(3)).toEqual([...names.slice(0, 3), ...names.slice(0, 3)]);
    }
    await stopProxy();
    startProxy();
    await proxied.settled();
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
      { status: balanced },
    );
    expect(await ask('client', '203.0.113.5')).toBe('ETIMEDOUT');
    expect(await ask('client', '203.0.113.9')).toMatch(/^pod1 /);
    await serve('lb', { ...dual(3), type: 'LoadBalancer', loadBalancerSourceRanges: ['192.0.0.0/16', '192.0.2.0/24'] }, ['pod1'], {
      status: balanced,
    });
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
      await proxied.settled();
      expect(await askMany('client', host)).toEqual(new Set([first]));
      const left = (['pod1', 'pod2', 'far'] as PodName[]).filter((pod) => pod !== first);
      await serve('sticky', { ...dual(4), sessionAffinity: 'ClientIP' }, left);
      const [second, ...more] = await askMany('client', host);
      expect(left).toContain(second);
      expect(more).toEqual([]);
      await serve('sticky', { ...dual(4), sessionAffinity: 'ClientIP' }, ['pod1', 'pod2', 'far']);
      expect(await askMany('client', host)).toEqual(new Set([second]));
    }
  });
});
