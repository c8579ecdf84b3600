/**
 * Nodes that come, go, lose power and are cut off, in a cluster of its own with real pods. The cluster takes a silent node for dead after
 * seconds, and pods tolerate that for seconds, so that what takes minutes elsewhere is seen here.
 */
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import { buildToolboxImage, toolbox } from './images.ts';
import { unavailable } from './kubectl.ts';
import { nothing, OwnCluster } from './own-cluster.ts';

const graceSeconds = 6;
const limit = { timeout: 60_000, interval: 250 };

/** A Deployment whose pods stay on a dead node for `tolerationSeconds`, spread over the nodes. */
const spread = (name: string, options: { readonly replicas: number; readonly tolerationSeconds: number }): string => {
  const tolerations = ['not-ready', 'unreachable'].map((condition) => ({
    key: `node.kubernetes.io/${condition}`,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: options.tolerationSeconds,
  }));
  return manifest('Deployment', name, { replicas: options.replicas }, { tolerations });
};

/** A StatefulSet whose pods write down each of their lives, one pod a node. */
const stateful = (name: string, replicas: number): string =>
  manifest(
    'StatefulSet',
    name,
    {
      replicas,
      serviceName: name,
      podManagementPolicy: 'Parallel',
      volumeClaimTemplates: [
        { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } } },
      ],
    },
    {},
    { args: ['-c', 'echo life >> /data/lives; exec sleep 100000'], volumeMounts: [{ name: 'data', mountPath: '/data' }] },
  );

function manifest(kind: string, name: string, spec: object, podSpec: object, container: object = {}): string {
  const labels = { app: name };
  const topologySpreadConstraints = [
    { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway', labelSelector: { matchLabels: labels } },
  ];
  const containers = [{ name: 'main', image: toolbox, args: ['-c', 'exec sleep 100000'], ...container }];
  const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, topologySpreadConstraints, containers, ...podSpec } };
  const body = { ...spec, selector: { matchLabels: labels }, template };
  return JSON.stringify({ apiVersion: 'apps/v1', kind, metadata: { name }, spec: body });
}

describe.skipIf(unavailable)('nodes of one machine', () => {
  let cluster: OwnCluster;
  const node = (index: number): string => `${cluster.name}-${index}`;
  const ready = async (name: string): Promise<string> =>
    cluster.kubectl(['get', 'node', name, '-o', 'jsonpath={.status.conditions[?(@.type=="Ready")].status}']);
  const taints = (name: string): Promise<string> => cluster.kubectl(['get', 'node', name, '-o', 'jsonpath={.spec.taints[*].key}']);
  /** `name node` of each pod that nobody has asked to leave. */
  const pods = async (app: string): Promise<string[]> => {
    const { items } = JSON.parse(await cluster.kubectl(['get', 'pods', '-l', `app=${app}`, '-o', 'json'])) as {
      items: { metadata: { name: string; uid: string; deletionTimestamp?: string }; spec: { nodeName: string } }[];
    };
    return items
      .filter(({ metadata }) => !metadata.deletionTimestamp)
      .map(({ metadata, spec }) => `${metadata.name} ${metadata.uid} ${spec.nodeName}`)
      .toSorted();
  };
  const nodesOf = async (app: string): Promise<string[]> => [...new Set((await pods(app)).map((pod) => pod.split(' ')[2]!))].toSorted();
  const available = (kind: string, name: string): Promise<string> =>
    cluster.kubectl(['rollout', 'status', `${kind}/${name}`, '--timeout=60s']);
  const inside = (index: number, ...command: string[]): Promise<unknown> =>
    run(['nsenter', `--net=/run/netns/knarr-${cluster.name}-${index}`, ...command]);

  beforeAll(async () => {
    if (unavailable) return;
    cluster = new OwnCluster({ name: `n${process.pid}` });
    await cluster.up('--nodes', '3', '--wait', '--extra-config', `controller-manager.node-monitor-grace-period=${graceSeconds}s`);
    await buildToolboxImage(cluster.home, cluster.name);
  });
  afterAll(() => cluster?.remove());

  test('three nodes come up, and pods run on all of them', async () => {
    expect((await cluster.status()).nodes).toMatchObject([1, 2, 3].map((index) => ({ name: node(index), ready: true })));
    await cluster.kubectl(['apply', '-f', '-'], spread('web', { replicas: 3, tolerationSeconds: 3 }));
    await cluster.kubectl(['apply', '-f', '-'], spread('patient', { replicas: 3, tolerationSeconds: 600 }));
    await cluster.kubectl(['apply', '-f', '-'], stateful('db', 3));
    await cluster.kubectl(['expose', 'deployment/web', '--port=80']);
    for (const name of ['deployment/web', 'deployment/patient', 'statefulset/db'])
      await available(...(name.split('/') as [string, string]));
    expect(await nodesOf('web')).toEqual([node(1), node(2), node(3)]);
    expect(await nodesOf('db')).toEqual([node(1), node(2), node(3)]);
  });

  test('a node that lost power: it is tainted, its pods leave its Services and are made elsewhere; on its return pods with data come back there', async () => {
    const db = await pods('db');
    const ip = await cluster.kubectl([
      'get',
      'pods',
      '-l',
      'app=web',
      '-o',
      `jsonpath={.items[?(@.spec.nodeName=="${node(2)}")].status.podIP}`,
    ]);
    await cluster.knarr(['node', 'stop', node(2)]);
    expect(await cluster.failing(['node', 'stop', 'nobody'])).toContain(
      `has no node "nobody"; its nodes are: ${node(1)}, ${node(2)}, ${node(3)}`,
    );
    await expect.poll(() => ready(node(2)), limit).toBe('Unknown');
    await expect.poll(() => taints(node(2)), limit).toContain('node.kubernetes.io/unreachable');
    await expect.poll(() => nodesOf('web'), limit).toEqual([node(1), node(3)]);
    await available('deployment', 'web');
    const endpoints = [
      'get',
      'endpointslices',
      '-l',
      'kubernetes.io/service-name=web',
      '-o',
      'jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].addresses[0]}',
    ];
    await expect.poll(async () => (await cluster.kubectl(endpoints)).split(' '), limit).not.toContain(ip);
    // Their data is there, and their toleration long.
    expect(await pods('db')).toEqual(db);
    expect((await cluster.status()).nodes[1]).toMatchObject({ ready: false, off: true });
    // It is meant to be off: nobody starts it.
    await cluster.up();
    expect((await cluster.status()).nodes[1]).toMatchObject({ off: true });
    await cluster.knarr(['node', 'start', node(2)]);
    await available('statefulset', 'db');
    expect(await pods('db')).toEqual(db);
    const at = db.find((pod) => pod.endsWith(node(2)))!.split(' ')[0]!;
    expect(await cluster.kubectl(['exec', at, '--', 'cat', '/data/lives'])).toBe('life\nlife\n');
    await expect.poll(() => cluster.kubectl(['get', 'pods', '-l', 'app=web', '-o', 'name']), limit).toMatch(/^(pod\S+\n){3}$/);
  });

  test('a node that is cut off for less than its pods tolerate keeps them; for more, they are replaced and end on its return', async () => {
    await cluster.kubectl(['apply', '-f', '-'], spread('brief', { replicas: 3, tolerationSeconds: 3 }));
    await available('deployment', 'brief');
    await expect.poll(() => nodesOf('brief'), limit).toEqual([node(1), node(2), node(3)]);
    const patient = await pods('patient');
    const lives = await cluster.containers('app=patient');
    await inside(3, 'nft', 'add table ip cut; add chain ip cut in { type filter hook input priority -300; policy drop; }');
    await expect.poll(() => ready(node(3)), limit).toBe('Unknown');
    await expect.poll(() => nodesOf('brief'), limit).toEqual([node(1), node(2)]);
    await available('deployment', 'brief');
    // Cut off, it goes on with what it has: nobody told it otherwise.
    expect((await engineTasks(cluster, 3)).length).toBeGreaterThanOrEqual(3);
    await inside(3, 'nft', 'delete table ip cut');
    await expect.poll(() => ready(node(3)), limit).toBe('True');
    await expect.poll(() => taints(node(3)), limit).toBe('');
    expect(await pods('patient')).toEqual(patient);
    expect(await cluster.containers('app=patient')).toBe(lives);
    await expect.poll(() => cluster.kubectl(['get', 'pods', '-l', 'app=brief', '-o', 'name']), limit).toMatch(/^(pod\S+\n){3}$/);
  });

  test('the control plane comes back when the first node is off, and agents of other nodes come back too', async () => {
    await cluster.knarr(['node', 'stop', node(1)]);
    for (const component of ['control-plane', 'agent-2']) {
      const pid = await cluster.pid(component);
      process.kill(pid, 'SIGKILL');
      await expect
        .poll(async () => (await cluster.status()).components.find(({ name }) => name === component)?.pid ?? pid, limit)
        .not.toBe(pid);
    }
    await expect.poll(() => cluster.whole(), limit).toBe(true);
    await cluster.knarr(['node', 'start', node(1)]);
    expect(await cluster.whole()).toBe(true);
  });

  test('a node is added with the images that were loaded before, and deleted with all that it had', async () => {
    await cluster.knarr(['node', 'add', 'extra']);
    expect(await cluster.failing(['node', 'add', 'extra'])).toContain('has a node "extra" already');
    expect(await cluster.failing(['up', '--nodes', '2'])).toContain('knarr node delete');
    const only = {
      nodeName: 'extra',
      restartPolicy: 'Never',
      containers: [{ name: 'main', image: toolbox, args: ['-c', 'exec sleep 100000'] }],
    };
    await cluster.kubectl(
      ['apply', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'guest' }, spec: { ...only, terminationGracePeriodSeconds: 0 } }),
    );
    await cluster.kubectl(['wait', 'pod/guest', '--for=condition=Ready', '--timeout=60s']);
    await cluster.knarr(['node', 'delete', 'extra']);
    expect(await cluster.kubectl(['get', 'nodes,leases,pods', '-A', '-o', 'name'])).not.toMatch(/extra|guest/);
    for (const directory of ['nodes', 'pki/nodes', 'logs', 'run'])
      expect(readdirSync(`${cluster.directory}/${directory}`).filter((file) => /extra|\b4\b/.test(file))).toEqual([]);
    expect((await cluster.inventory())['namespaces']).toHaveLength(3);
    expect((await cluster.inventory())['interfaces']).toHaveLength(4);
  });

  test.each(['SIGKILL', 'SIGINT'] as const)('node commands that %s ends are finished by the next', async (signal) => {
    for (const [args, afterMs] of [
      [['node', 'add', 'extra'], 250],
      [['node', 'stop', 'extra'], 150],
      [['node', 'start', 'extra'], 250],
      [['node', 'delete', 'extra'], 400],
    ] as const) {
      const interrupted = cluster.start([...args]);
      const ended = new Promise((resolve) => interrupted.once('close', resolve));
      setTimeout(() => interrupted.kill(signal), afterMs);
      await ended;
      // What was done before it was ended needs no more doing.
      await cluster
        .knarr([...args])
        .catch((error: unknown) => expect(String(error)).toMatch(/has a node "extra" already|has no node "extra"/));
    }
    expect((await cluster.status()).nodes.map(({ name }) => name)).toEqual([1, 2, 3].map(node));
    await expect.poll(() => cluster.whole(), limit).toBe(true);
  });

  test('two nodes are added at the same moment; the first one can go, the last one cannot', async () => {
    await Promise.all([cluster.knarr(['node', 'add']), cluster.knarr(['node', 'add'])]);
    expect((await cluster.status()).nodes.map(({ name }) => name)).toEqual([1, 2, 3, 4, 5].map(node));
    for (const index of [1, 2, 3, 4]) await cluster.knarr(['node', 'delete', node(index), '--timeout', '10']);
    expect(await cluster.failing(['node', 'delete', node(5)])).toContain('is the last node of cluster');
    expect(await cluster.whole()).toBe(true);
    await available('deployment', 'web');
  });

  test('down leaves nothing of any node, and up brings them all, also those that were off', async () => {
    await cluster.up('--nodes', '2');
    await cluster.knarr(['node', 'stop', node(5)]);
    await cluster.down();
    expect(await cluster.inventory()).toEqual(nothing);
    await cluster.up();
    expect((await cluster.status()).nodes).toMatchObject([
      { name: node(1), ready: true },
      { name: node(5), ready: true },
    ]);
  });
});

/** Lines of the running tasks of a node's engine. */
async function engineTasks({ directory }: OwnCluster, index: number): Promise<string[]> {
  const { stdout } = await run(['ctr', '-a', `${directory}/nodes/${index}/cri.sock`, '-n', 'k8s.io', 'tasks', 'ls', '-q']);
  return stdout.trim().split('\n');
}
