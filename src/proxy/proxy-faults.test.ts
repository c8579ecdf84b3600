import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { corev1 } from '../api/index.ts';
import { keepAlive } from '../base/index.ts';
import { removeProxyTable } from './table-writer.ts';
import { dual, type PodName, ProxiedNode } from './testdata/proxied-node.ts';
import { canTest, TestNode } from './testdata/test-node.ts';

const node = new TestNode('faults');
const proxied = new ProxiedNode(node);
using _alive = keepAlive();

describe.skipIf(!canTest)('the rules when something goes wrong', { timeout: 30_000 }, () => {
  beforeAll(async () => {
    await node.start();
    proxied.startProxy({ lookMs: 300 });
  });
  afterAll(async () => {
    await proxied.stopProxy();
    node.stop();
  });

  test('a Service that nft refuses is named and keeps its old rules, the others go through, and it is tried again', async () => {
    await proxied.serve('bad', dual(9), ['pod1']);
    // The API server would not take such a port; nft does not either.
    const ports: corev1.ServicePort[] = [
      { name: 'tcp', port: 80 },
      { name: 'udp', protocol: 'UDP', port: 70_000 },
    ];
    for (const low of [21, 22, 23]) proxied.tell(`good-${low}`, dual(low), ['far']);
    proxied.tell('bad', { ...dual(9), ports }, ['far']);
    for (const low of [24, 25]) proxied.tell(`good-${low}`, dual(low), ['far']);
    await proxied.settled();
    for (const low of [21, 22, 23, 24, 25]) expect(await proxied.ask('pod2', `10.96.0.${low}`)).toMatch(/^far /);
    for (const host of ['10.96.0.9', 'fd00:96::9']) expect(await proxied.ask('pod2', host)).toMatch(/^pod1 /);
    const told = proxied.events.filter(({ of }) => of === 'bad');
    expect(told[0]).toMatchObject({ type: 'Warning', reason: 'ServiceRulesRefused' });
    expect(told[0]!.message).toMatch(/^nftables refused the rules: .+/);
    expect(proxied.events.filter(({ of }) => of !== 'bad')).toEqual([]);
    await expect.poll(() => proxied.events.length, { timeout: 10_000 }).toBeGreaterThan(told.length);
    await proxied.serve('bad', dual(9), ['far']);
    for (const host of ['10.96.0.9', 'fd00:96::9']) expect(await proxied.ask('pod2', host)).toMatch(/^far /);
  });

  test('a refused Service does not keep the whole table from being written anew', async () => {
    await proxied.stopProxy();
    proxied.tell('bad', { ...dual(9), ports: [{ name: 'tcp', port: 70_000 }] }, ['far']);
    proxied.startProxy({ lookMs: 300 });
    await proxied.settled();
    expect(await proxied.ask('pod2', '10.96.0.21')).toMatch(/^far /);
    await proxied.serve('bad', dual(9), ['far']);
    expect(await proxied.ask('pod2', '10.96.0.9')).toMatch(/^far /);
  });

  test.each([
    ['a deleted table', 'nft delete table ip test-services'],
    ['a deleted table of IPv6', 'nft delete table ip6 test-services'],
    ['a flushed table', 'nft flush table ip test-services'],
    ['a flushed ruleset', 'nft flush ruleset'],
  ])('%s comes back by itself though nothing changes', async (_name, command) => {
    await proxied.serve('web', dual(1), ['pod1']);
    node.inNode(command);
    for (const host of ['10.96.0.1', 'fd00:96::1'])
      await expect.poll(() => proxied.ask('pod2', host), { timeout: 10_000, interval: 200 }).toMatch(/^pod1 /);
  });

  test('a deleted table comes back at once with the next change', async () => {
    await proxied.serve('web', dual(1), ['pod1']);
    node.inNode('nft delete table ip test-services');
    await proxied.serve('web', dual(1), ['far']);
    expect(await proxied.ask('pod2', '10.96.0.1')).toMatch(/^far /);
  });

  test('endpoints come and go a hundred times a second, and no connection fails', async () => {
    const all: PodName[][] = [['pod1', 'far'], ['far'], ['pod1', 'pod2', 'far'], ['pod2', 'far'], ['far', 'pod1', 'pod2']];
    await proxied.serve('churn', dual(30), ['far']);
    let running = true;
    let connections = 0;
    const failed: string[] = [];
    const client = async (machine: 'pod2' | 'client', host: string): Promise<void> => {
      while (running) {
        const answer = await proxied.ask(machine, host);
        connections++;
        if (!/^(pod1|pod2|far) /.test(answer)) failed.push(`${machine} ${host} ${answer}`);
      }
    };
    const clients = (['pod2', 'client'] as const).flatMap((machine) => ['10.96.0.30', 'fd00:96::30'].map((host) => client(machine, host)));
    const { promise, resolve } = Promise.withResolvers<void>();
    let changes = 0;
    const timer = setInterval(() => {
      proxied.tell('churn', dual(30), all[changes % all.length]!);
      if (++changes === 150) resolve();
    }, 10);
    await promise;
    clearInterval(timer);
    running = false;
    await Promise.all(clients);
    expect(failed).toEqual([]);
    expect(connections).toBeGreaterThan(100);
  });

  test('a proxy that is killed leaves what stands; the next replaces all of it, and connections go on', async () => {
    await proxied.stopProxy();
    const script = fileURLToPath(new URL('testdata/doomed-proxy.ts', import.meta.url));
    const held = (): Promise<string> => proxied.ask('pod2', '10.96.0.8', 80, 'TCP', 'held');
    for (const afterMs of [3, 15]) {
      const child = spawn('nsenter', [`--net=${node.namespace}`, process.execPath, script, 'test-services'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      expect(await held()).toBe('pod1 10.244.1.3');
      const ended = once(child, 'exit');
      setTimeout(() => child.kill('SIGKILL'), afterMs);
      await ended;
      expect(await held()).toBe('pod1 10.244.1.3');
    }
    proxied.startProxy();
    await proxied.serve('held', { clusterIPs: ['10.96.0.8'], ports: [{ name: 'tcp', port: 80 }] }, ['pod1'], { targetPort: 8081 });
    expect(await held()).toBe('pod1 10.244.1.3');
    expect(node.inNode('nft list map ip test-services services')).not.toContain('10.96.1.');
  });

  test('tables of another cluster and rules of others stand beside ours, and hostPort translation works', async () => {
    const other = new ProxiedNode(node, 'other-services');
    other.startProxy({ serviceCidrs: ['10.97.0.0/16'] });
    node.inNode(`nft -f - <<EOF
table ip nat {
  chain CNI-HOSTPORT-DNAT { ip daddr 192.0.2.1 tcp dport 8088 dnat to 10.244.1.2:8080
  }
  chain PREROUTING { type nat hook prerouting priority -100; jump CNI-HOSTPORT-DNAT
  }
}
EOF`);
    const foreign = node.inNode('nft list table ip nat');
    await proxied.serve('web', dual(1), ['far']);
    other.tell('web', { clusterIPs: ['10.97.0.1'] }, ['pod1']);
    await expect.poll(() => other.ask('pod2', '10.97.0.1'), { timeout: 10_000 }).toMatch(/^pod1 10.244.1.3/);
    expect(await proxied.ask('pod2', '10.96.0.1')).toMatch(/^far 10.244.1.3/);
    expect(await proxied.ask('client', '10.96.0.1')).toMatch(/^far 10.244.2.1/);
    expect(await proxied.ask('client', '192.0.2.1', 8088)).toMatch(/^pod1 /);
    await proxied.stopProxy();
    await removeProxyTable('test-services', new AbortController().signal, node.run);
    expect(await other.ask('pod2', '10.97.0.1')).toMatch(/^pod1 /);
    proxied.startProxy();
    await proxied.settled();
    // Hooks of one priority go by age: ours come after theirs now.
    expect(await proxied.ask('client', '192.0.2.1', 8088)).toMatch(/^pod1 /);
    expect(await proxied.ask('client', '10.96.0.1')).toMatch(/^far /);
    await other.stopProxy();
    for (const table of ['test-services', 'other-services']) {
      if (table === 'test-services') await proxied.stopProxy();
      await removeProxyTable(table, new AbortController().signal, node.run);
    }
    expect(node.inNode('nft list tables')).toBe('table ip nat\n');
    expect(node.inNode('nft list table ip nat')).toBe(foreign);
  });
});
