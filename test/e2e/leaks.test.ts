/**
 * What a cluster leaves behind: nothing. Its host is a network namespace that the test made, so that whatever stands there afterwards is the
 * cluster's; mounts, cgroups and processes are the machine's, and told apart by name.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import { buildToolboxImage } from './images.ts';
import { unavailable } from './kubectl.ts';
import { web } from './manifests.ts';
import { nothing, OwnCluster } from './own-cluster.ts';

const netns = `flt-host-${process.pid}`;
const inHost = async (...command: string[]): Promise<string> => (await run(['nsenter', `--net=/run/netns/${netns}`, ...command])).stdout;

/** All that a host's network has. */
async function hostNetwork(): Promise<string> {
  const parts = [
    ['ip', '-o', 'link'],
    ['ip', '-4', 'route', 'show', 'table', 'all'],
    ['nft', 'list', 'ruleset'],
    ['cat', '/proc/sys/net/ipv4/ip_forward'],
  ];
  return (await Promise.all(parts.map((part) => inHost(...part)))).join('');
}

describe.skipIf(unavailable)('a cluster that comes and goes', () => {
  let cluster: OwnCluster;
  let before: string;
  const rolledOut = (): Promise<string> => cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=60s']);
  const addresses = async (): Promise<string[]> =>
    (await cluster.kubectl(['get', 'pods', '-o', 'jsonpath={.items[*].status.podIP}'])).split(' ');
  const ipamFiles = (): string[] =>
    readdirSync(join(cluster.directory, 'nodes/1/ipam'), { recursive: true, encoding: 'utf8' }).flatMap((file) =>
      /\d+(\.\d+){3}$/.test(file) ? [file.split('/').at(-1)!] : [],
    );
  /** Each pod runs in one sandbox with one address, and no address is given out to anybody else. */
  const expectNoLeakedPods = async (): Promise<void> => {
    await expect
      .poll(async () => ({ given: ipamFiles().toSorted(), used: (await addresses()).toSorted() }), { timeout: 60_000 })
      .toSatisfy(({ given, used }: { given: string[]; used: string[] }) => given.length === 2 && given.join() === used.join());
    await rolledOut();
    // Two pods: each a pause process and a container.
    expect((await cluster.engine(['tasks', 'ls', '-q'])).trim().split('\n')).toHaveLength(4);
  };

  beforeAll(async () => {
    if (unavailable) return;
    await run(['sh', '-ec', `ip netns add ${netns}; ip -n ${netns} link set lo up`]);
    before = await hostNetwork();
    cluster = new OwnCluster({ name: `l${process.pid}`, netns });
    await cluster.up('--wait');
    await buildToolboxImage(cluster.home, cluster.name);
    await cluster.kubectl(['apply', '-f', '-'], web({ replicas: 2 }));
    await rolledOut();
  });
  afterAll(async () => {
    if (unavailable) return;
    await cluster?.remove();
    await run(['ip', 'netns', 'del', netns]);
  });

  test('down leaves nothing, up brings the workload back', async () => {
    expect(Object.values(await cluster.inventory()).every(({ length }) => length > 0)).toBe(true);
    await cluster.down();
    expect(await cluster.inventory()).toEqual(nothing);
    expect(await hostNetwork()).toBe(before);
    await cluster.up();
    await expectNoLeakedPods();
  });

  test('a stopped cluster is stopped again without complaint', async () => {
    await cluster.down();
    await cluster.down();
    expect((await cluster.status()).components.map(({ pid }) => pid)).toEqual([null, null, null]);
    expect(await cluster.failing(['image', 'ls'])).toContain(`images live in its engine: knarr up --name ${cluster.name}`);
    expect(await cluster.inventory()).toEqual(nothing);
  });

  test('after a reboot up rebuilds what the boot took with it', async () => {
    await cluster.up();
    await expectNoLeakedPods();
    // What stands on the disk when the power goes: the engine's state, given-out addresses and records of processes, all of that boot.
    const node = join(cluster.directory, 'nodes/1');
    const kept = join(cluster.home, 'kept');
    mkdirSync(kept);
    const ofTheBoot = ['state', 'ipam', 'overlay'];
    for (const directory of ofTheBoot) cpSync(join(node, directory), join(kept, directory), { recursive: true, filter: isPlain });
    cpSync(join(cluster.directory, 'run'), join(kept, 'run'), { recursive: true, filter: isPlain });
    await cluster.down();
    for (const directory of ofTheBoot) cpSync(join(kept, directory), join(node, directory), { recursive: true });
    cpSync(join(kept, 'run'), join(cluster.directory, 'run'), { recursive: true });
    rmSync(kept, { recursive: true });
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    for (const file of readdirSync(join(cluster.directory, 'run'))) {
      const path = join(cluster.directory, 'run', file);
      if (/boot-id|json$/.test(file))
        writeFileSync(path, readFileSync(path, 'utf8').replace(bootId, '00000000-0000-0000-0000-000000000000'));
    }
    await cluster.up();
    await expectNoLeakedPods();
    // With the pods goes what the engine kept of their lives before.
    await cluster.kubectl(['delete', 'deployment', 'web', '--cascade=foreground']);
    await expect.poll(() => cluster.engine(['containers', 'ls', '-q']), { timeout: 30_000 }).toBe('');
    expect(ipamFiles()).toEqual([]);
    await cluster.kubectl(['apply', '-f', '-'], web({ replicas: 2 }));
  });

  test('down ends a cluster whose processes hang', async () => {
    for (const component of ['agent-1', 'control-plane', 'containerd-1']) process.kill(await cluster.pid(component), 'SIGSTOP');
    await cluster.down();
    expect(await cluster.inventory()).toEqual(nothing);
    expect(await hostNetwork()).toBe(before);
  });

  test('two ups at the same moment make one cluster', async () => {
    await Promise.all([cluster.up(), cluster.up()]);
    expect(await cluster.whole()).toBe(true);
    // One of each, and nobody waits for the place of another.
    const ours = cluster.processes().filter((line) => /run (control-plane|agent)|containerd --config/.test(line));
    expect(ours).toHaveLength(3);
    await rolledOut();
  });

  test('a second cluster of another home stands beside the first, and neither minds the end of the other', async () => {
    const second = new OwnCluster({ name: `${cluster.name}-1`.slice(-8), netns });
    try {
      await second.up();
      expect(await second.whole()).toBe(true);
      expect(await cluster.whole()).toBe(true);
      // A node that is made while others stand keeps nothing of theirs alive.
      const mounts = readFileSync(`/proc/${await second.pid('agent-1')}/mountinfo`, 'utf8').split('\n');
      expect(mounts.filter((line) => line.includes(cluster.home) || line.includes(`/knarr-${cluster.name}-1 `))).toEqual([]);
      await second.knarr(['delete']);
      expect(await second.inventory()).toEqual(nothing);
      expect(await cluster.whole()).toBe(true);
      expect((await inHost('cat', '/proc/sys/net/ipv4/ip_forward')).trim()).toBe('1');
      await cluster.kubectl(['rollout', 'restart', 'deployment/web']);
      await rolledOut();
    } finally {
      await second.remove();
    }
  });

  test('a name that another home has up is refused, and not touched', async () => {
    const namesake = new OwnCluster({ name: cluster.name, netns });
    expect(await namesake.failing(['up'])).toContain(`is up already, from another KNARR_HOME (${cluster.home})`);
    expect(await namesake.failing(['delete'])).toContain('there is no cluster');
    expect(await cluster.whole()).toBe(true);
    rmSync(namesake.home, { recursive: true });
  });

  test('delete of a running cluster removes all of it', async () => {
    await cluster.knarr(['delete']);
    expect(await cluster.inventory()).toEqual(nothing);
    expect(await hostNetwork()).toBe(before);
    expect(existsSync(join(cluster.home, 'clusters'))).toBe(false);
  });

  test.each(['SIGINT', 'SIGKILL'] as const)('an up that %s ends, wherever it is, is followed by up or delete', async (signal) => {
    for (const [round, afterMs] of [150, 350, 500, 900].entries()) {
      const interrupted = cluster.start(['up', '--no-kubeconfig']);
      const ended = new Promise((resolve) => interrupted.once('close', (code, by) => resolve(by ?? code)));
      await sleep(afterMs);
      interrupted.kill(signal);
      expect([130, 'SIGKILL', 'SIGINT', 0]).toContain(await ended);
      if (round % 2 === 0) await cluster.up();
      // Early on there is nothing to delete yet.
      if (existsSync(cluster.directory)) await cluster.knarr(['delete']);
      expect(await cluster.inventory()).toEqual(nothing);
      expect(await hostNetwork()).toBe(before);
    }
  });

  test.each([
    ['a read-only store', 'ro', /^knarr: the control plane keeps ending: .*read-only file system.*; its log is \//m],
    ['a full disk', 'size=16k', /^knarr: the control plane keeps ending: No space left on device.*; its log is \//m],
  ])('%s is told of by up', async (_, options, message) => {
    const store = join(cluster.directory, 'store');
    mkdirSync(store, { recursive: true });
    await run(['mount', '-t', 'tmpfs', '-o', options, 'tmpfs', store]);
    try {
      expect(await cluster.failing(['up', '--no-kubeconfig'])).toMatch(message);
    } finally {
      await run(['umount', '-l', store]);
    }
    await cluster.knarr(['delete']);
    expect(await cluster.inventory()).toEqual(nothing);
  });

  test('an engine that cannot serve is told of by up, in its own words', async () => {
    const metadata = join(cluster.directory, 'nodes/1/containerd/io.containerd.metadata.v1.bolt/meta.db');
    mkdirSync(metadata, { recursive: true });
    expect(await cluster.failing(['up', '--no-kubeconfig'])).toMatch(
      /the agent of node \S+ (keeps ending|does not run): containerd has no CRI: \S.*; its log is \S+containerd-1\.log/,
    );
    await cluster.knarr(['delete']);
    expect(await cluster.inventory()).toEqual(nothing);
  });
});

/** Sockets and pipes cannot be copied, and mean nothing after a boot. */
function isPlain(path: string): boolean {
  return !/\.(sock|ttrpc)$|\/[a-z0-9-]+-(stdin|stdout|stderr)$|shim-monitor/.test(path) && !/\/(log|s|fifo)\b/.test(path);
}
