/**
 * What becomes of the pod network and of names when the outside is dead, somebody meddles with a node's devices, or a node is cut off:
 * clients ask all the time, and only who has nobody living to ask may notice.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { run } from '../../src/base/index.ts';
import { buildNetexecImage } from './images.ts';
import { unavailable } from './kubectl.ts';
import { OwnCluster } from './own-cluster.ts';
import { Administrator, onNode, serve, type ServerPod, startServers, SteadyClients } from './steady-clients.ts';

const graceSeconds = 6;
const limit = { timeout: 100_000, interval: 100 };
const tell = (text: string): void => {
  if (process.env['KNARR_TEST_VERBOSE']) console.log(text);
};

/** Asks for many names outside and, while nobody answers those, for one inside: `{ inside: [ms], outside: code }`. */
const resolving = (server: string, name: string): string => `
const { Resolver } = require('node:dns').promises;
const resolver = () => { const one = new Resolver({ timeout: 20_000, tries: 1 }); one.setServers(['${server}']); return one; };
const outside = Array.from({ length: 100 }, (_, at) => resolver().resolve4('outside-' + at + '.example.org').then(() => 'answered', ({ code }) => code));
(async () => {
  const inside = [];
  for (let at = 0; at < 50; at++) {
    const began = performance.now();
    await resolver().resolve4('${name}');
    inside.push(performance.now() - began);
  }
  const began = performance.now();
  const codes = [...new Set(await Promise.all(outside))];
  console.log(JSON.stringify({ inside, outside: codes, outsideMs: performance.now() - began }));
})();`;

describe.skipIf(unavailable)('the pod network under faults', () => {
  let cluster: OwnCluster;
  let admin: Administrator;
  let pods: ServerPod[];

  beforeAll(async () => {
    if (unavailable) return;
    cluster = new OwnCluster({ name: `w${process.pid}` });
    await cluster.up('--nodes', '3', '--wait', '--extra-config', `controller-manager.node-monitor-grace-period=${graceSeconds}s`);
    await buildNetexecImage(cluster.home, cluster.name);
    pods = await startServers(cluster, [1, 2, 3]);
    admin = new Administrator(cluster);
  });
  afterAll(async () => {
    await admin?.[Symbol.asyncDispose]();
    await cluster?.remove();
  });

  test('resolvers outside are dead: names of the cluster are answered at once', async () => {
    await serve(admin, 'known', { app: 'server' });
    const dns = await cluster.kubectl(['-n', 'kube-system', 'get', 'service', 'kube-dns', '-o', 'jsonpath={.spec.clusterIP}']);
    const script = `table inet knarr-test-silence {
  chain out { type filter hook output priority 0; th dport 53 meta l4proto { tcp, udp } ip daddr != 10.0.0.0/16 drop; }
}`;
    for (const index of [1, 2, 3]) await cutting(index, script);
    const asked = ['nsenter', '-t', String(pods[0]!.pid), '--net', process.execPath, '-e'] as const;
    const { stdout } = await run([...asked, resolving(dns, 'known.default.svc.cluster.local')]);
    for (const index of [1, 2, 3]) await onNode(cluster, index, 'nft', 'delete', 'table', 'inet', 'knarr-test-silence');
    const { inside, outside, outsideMs } = JSON.parse(stdout) as { inside: number[]; outside: string[]; outsideMs: number };
    tell(`inside: slowest ${Math.max(...inside).toFixed(1)} ms; outside: ${outside.join()} after ${Math.round(outsideMs)} ms`);
    expect(outside).not.toContain('answered');
    // A question that waited for the dead ones would have waited for seconds.
    expect(Math.max(...inside)).toBeLessThan(1_000);
  });

  test('a tunnel and an entry of another deleted by hand: pods of those nodes are reached again, others all the while', async () => {
    const targets = { two: `${pods[1]!.ip}:8080`, three: `${pods[2]!.ip}:8080` };
    using fromOne = SteadyClients.start(pods[0]!, targets, 2);
    using fromThree = SteadyClients.start(pods[2]!, { own: `${pods[2]!.ip}:8080` }, 1);
    await expect.poll(() => fromOne.answered('two').length + fromOne.answered('three').length, limit).toBe(2);
    const device = /^\d+: ([^:@]+)/.exec(await onNode(cluster, 2, 'ip', '-o', 'link', 'show', 'type', 'vxlan'))![1]!;
    const entries = (await onNode(cluster, 3, 'bridge', 'fdb', 'show', 'dev', device)).split('\n').filter((line) => line.includes(' dst '));
    const deletedAt = Date.now();
    await onNode(cluster, 2, 'ip', 'link', 'del', device);
    for (const entry of entries) {
      const [mac = '', , to = ''] = entry.split(' ');
      await onNode(cluster, 3, 'bridge', 'fdb', 'del', mac, 'dev', device, 'dst', to);
    }
    await expect.poll(() => fromOne.failures('two', deletedAt).length, limit).toBeGreaterThan(0);
    for (const target of ['two', 'three'] as const) {
      const lookedAt = (): number => Date.now() - 1_500;
      await expect
        .poll(() => fromOne.answered(target, lookedAt()).length > 0 && fromOne.failures(target, lookedAt()).length === 0, limit)
        .toBe(true);
      const lastFailed = fromOne.failures(target).at(-1);
      tell(`${target}: the last question that failed was asked ${(lastFailed?.atMs ?? deletedAt) - deletedAt} ms after`);
    }
    expect(fromThree.failures('own')).toEqual([]);
  });

  test('a node that is cut off: its pods leave the Services after the grace period, others are answered all the while', async () => {
    const near = await serve(admin, 'near', { app: 'server' });
    await cluster.kubectl(['label', 'pod', 'pod-1', 'pod-2', 'side=kept']);
    const kept = await serve(admin, 'kept', { side: 'kept' });
    using fromOne = SteadyClients.start(pods[0]!, { kept, near }, 4);
    using fromTwo = SteadyClients.start(pods[1]!, { kept, near }, 4);
    const clients = [fromOne, fromTwo];
    const settled = (names: readonly string[], lookMs: number) => async (): Promise<void> => {
      for (const each of clients) {
        await vi.waitFor(() => {
          expect(each.answered('near', Date.now() - lookMs)).toEqual(names);
          expect(each.failures('near', Date.now() - lookMs)).toEqual([]);
        }, limit);
      }
    };
    await settled(['pod-1', 'pod-2', 'pod-3'], 1_500)();
    await vi.waitFor(() => clients.forEach((each) => expect(each.answered('kept', Date.now() - 1_500)).toEqual(['pod-1', 'pod-2'])), limit);
    const cutAt = Date.now();
    await cutting(
      3,
      `table inet knarr-test-cut {
  chain in { type filter hook input priority -300; iifname "eth0" drop; }
  chain out { type filter hook output priority -300; oifname "eth0" drop; }
  chain through { type filter hook forward priority -300; oifname "eth0" drop; iifname "eth0" drop; }
}`,
    );
    await settled(['pod-1', 'pod-2'], 3_000)();
    const lastFailed = Math.max(cutAt, ...clients.flatMap((each) => each.failures('near').map(({ atMs }) => atMs)));
    tell(`the last question that failed was asked ${lastFailed - cutAt} ms after the cut`);
    const joinedAt = Date.now();
    await onNode(cluster, 3, 'nft', 'delete', 'table', 'inet', 'knarr-test-cut');
    await settled(['pod-1', 'pod-2', 'pod-3'], 1_500)();
    tell(`all three answer ${Date.now() - joinedAt} ms after the end of the cut`);
    for (const each of clients) {
      tell(each.summary('kept'));
      tell(each.summary('near'));
      expect(each.failures('kept', cutAt)).toEqual([]);
    }
  });

  const cutting = async (index: number, script: string): Promise<void> => {
    await run(['nsenter', `--net=/run/netns/knarr-${cluster.name}-${index}`, 'nft', '-f', '-'], { input: script });
  };
});
