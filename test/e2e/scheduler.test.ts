/** The scheduler of a real cluster with a configuration and a plugin of one's own, and schedulers beside it that die and take over. */
import { type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { unavailable } from './kubectl.ts';
import { OwnCluster } from './own-cluster.ts';

const wait = { timeout: 90_000, interval: 250 };
const pluginFile = join(import.meta.dirname, '../../examples/scheduler-plugin/quiet-nodes.js');

const configuration = {
  apiVersion: 'kubescheduler.config.k8s.io/v1',
  kind: 'KubeSchedulerConfiguration',
  profiles: [
    {
      schedulerName: 'default-scheduler',
      plugins: { multiPoint: { enabled: [{ name: 'QuietNodes', weight: 2 }] } },
      pluginConfig: [{ name: 'QuietNodes', args: { label: 'example.com/hush' } }],
    },
    {
      schedulerName: 'packed',
      pluginConfig: [
        { name: 'NodeResourcesFit', args: { scoringStrategy: { type: 'MostAllocated', resources: [{ name: 'cpu', weight: 1 }] } } },
      ],
    },
  ],
};

/** Of a scheduler beside the cluster's own. */
const beside = {
  apiVersion: 'kubescheduler.config.k8s.io/v1',
  kind: 'KubeSchedulerConfiguration',
  leaderElection: { leaderElect: true, resourceName: 'beside', leaseDuration: '4s', renewDeadline: '3s', retryPeriod: '500ms' },
  profiles: [{ schedulerName: 'beside' }],
};

/** Where a pod goes is all that counts here: no kubelet need be there. */
const paperNodes = ['paper-1', 'paper-2'] as const;
const [first, second] = paperNodes;
const paperNode = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { paper: 'yes', 'kubernetes.io/hostname': name } },
  status: { capacity: { cpu: '4', memory: '8Gi', pods: '500' }, allocatable: { cpu: '4', memory: '8Gi', pods: '500' } },
});

const waiting = (name: string, spec: object = {}, cpu = '10m'): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: name.replace(/-\d+$/, '') } },
  spec: {
    terminationGracePeriodSeconds: 0,
    nodeSelector: { paper: 'yes' },
    tolerations: [{ operator: 'Exists' }],
    containers: [{ name: 'main', image: 'example.invalid/none:1', imagePullPolicy: 'Never', resources: { requests: { cpu } } }],
    ...spec,
  },
});

describe.skipIf(unavailable)('the scheduler, configured', () => {
  let cluster: OwnCluster;
  const running = new Set<ChildProcess>();
  beforeAll(async () => {
    if (unavailable) return;
    cluster = new OwnCluster({ name: `s${process.pid}` });
    const config = join(cluster.home, 'scheduler.json');
    writeFileSync(config, JSON.stringify(configuration));
    writeFileSync(join(cluster.home, 'beside.json'), JSON.stringify(beside));
    await cluster.up(`--extra-config=scheduler.config=${config}`, `--extra-config=scheduler.plugin=${pluginFile}`);
    await create(...paperNodes.map(paperNode));
  });
  afterAll(async () => {
    for (const child of running) child.kill('SIGKILL');
    await cluster?.remove();
  });

  const create = (...pods: readonly object[]): Promise<string> =>
    cluster.kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: pods }));
  /** Names of the nodes that the pods are bound to; empty for those that wait. */
  const nodesOf = async (app: string): Promise<string[]> => {
    const fields = 'jsonpath={range .items[*]}{.spec.nodeName}{"\\n"}{end}';
    return (await cluster.kubectl(['get', 'pods', '-l', `app=${app}`, '-o', fields])).split('\n').slice(0, -1);
  };
  const holder = async (): Promise<string> => {
    const lease = ['get', 'lease', 'beside', '-n', 'kube-system', '--ignore-not-found', '-o', 'jsonpath={.spec.holderIdentity}'];
    return cluster.kubectl(lease);
  };
  const startBeside = (): ChildProcess => {
    const kubeconfig = join(cluster.directory, 'admin.kubeconfig');
    const config = join(cluster.home, 'beside.json');
    const child = cluster.startBare(['scheduler', `--kubeconfig=${kubeconfig}`, `--config=${config}`, '--secure-port=0']);
    running.add(child);
    child.once('exit', () => running.delete(child));
    return child;
  };

  test('asks the plugin that the cluster was started with, with its arguments', async () => {
    await cluster.kubectl(['label', 'node', first, 'example.com/hush=yes']);
    await create(...Array.from({ length: 4 }, (_, i) => waiting(`loud-${i}`)));
    await vi.waitFor(async () => expect(await nodesOf('loud')).toEqual(Array.from({ length: 4 }, () => second)), wait);
    await create(waiting('hushed', { nodeSelector: { paper: 'yes', 'example.com/hush': 'yes' } }));
    await vi.waitFor(async () => expect(await nodesOf('hushed')).toEqual([first]), wait);
    await create(waiting('stuck', { nodeSelector: { 'kubernetes.io/hostname': first } }));
    await vi.waitFor(
      async () =>
        expect(await cluster.kubectl(['describe', 'pod', 'stuck'])).toMatch(/0\/3 nodes are available: .*1 node\(s\) are kept quiet/),
      wait,
    );
    // The label going is what the plugin waits for.
    await cluster.kubectl(['label', 'node', first, 'example.com/hush-']);
    await vi.waitFor(async () => expect(await nodesOf('stuck')).toEqual([first]), wait);
  });

  test('packs the pods of a profile that wants the fullest node', async () => {
    await create(waiting('packed-0', { schedulerName: 'packed' }, '300m'));
    await vi.waitFor(async () => expect(await nodesOf('packed')).not.toContain(''), wait);
    await create(...Array.from({ length: 3 }, (_, i) => waiting(`packed-${i + 1}`, { schedulerName: 'packed' }, '20m')));
    await vi.waitFor(async () => expect((await nodesOf('packed')).filter(Boolean)).toHaveLength(4), wait);
    expect(new Set(await nodesOf('packed')).size).toBe(1);
  });

  test('refuses a configuration that names what there is not', async () => {
    const config = join(cluster.home, 'wrong.json');
    writeFileSync(config, JSON.stringify({ ...configuration, profiles: [{ plugins: { filter: { enabled: [{ name: 'Nobody' }] } } }] }));
    expect(await cluster.failing(['up', '--no-kubeconfig', `--extra-config=scheduler.config=${config}`])).toContain('Nobody');
  });

  test('when one beside it dies in the midst of a burst, another takes over, and every pod is bound once', async () => {
    const count = 120;
    const one = startBeside();
    await vi.waitFor(async () => expect(await holder()).not.toBe(''), wait);
    const leader = await holder();
    const two = startBeside();
    await create(...Array.from({ length: count }, (_, i) => waiting(`burst-${i}`, { schedulerName: 'beside' }, '1m')));
    await vi.waitFor(async () => expect((await nodesOf('burst')).filter(Boolean).length).toBeGreaterThan(0), wait);
    one.kill('SIGKILL');
    await create(...Array.from({ length: count }, (_, i) => waiting(`burst-${count + i}`, { schedulerName: 'beside' }, '1m')));
    await vi.waitFor(async () => expect((await nodesOf('burst')).filter(Boolean)).toHaveLength(2 * count), wait);
    expect(await holder()).not.toBe(leader);
    const events = await cluster.kubectl([
      'get',
      'events',
      '--field-selector=reason=Scheduled',
      '-o',
      'jsonpath={range .items[*]}{.message}{"\\n"}{end}',
    ]);
    const said = events.split('\n').filter((line) => line.includes('/burst-'));
    expect(said.length).toBe(new Set(said.map((line) => line.split(' to ')[0])).size);
    const ended = new Promise((resolve) => two.once('exit', resolve));
    two.kill('SIGTERM');
    await ended;
    // Whoever ends in peace lets go of its Lease.
    expect(await holder()).toBe('');
  });
});
