/**
 * A cluster's life by the clock: up, Ready, first pod, memory and CPU at rest, down. Times start at the launcher, on a warm machine (keys
 * made, compile cache filled, image loaded); the first start of all, with neither keys nor cache, stands beside them.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { corev1Resources, getCondition } from '../src/api/index.ts';
import { silentLogger } from '../src/base/index.ts';
import { clusterPaths, readClusterRecord } from '../src/cluster/index.ts';
import { clusterStatus, proportionalBytes } from '../src/cluster/lifecycle/index.ts';
import { buildToolboxImage } from '../test/e2e/images.ts';
import { knarr } from '../test/e2e/knarr.ts';
import { type BenchCluster, launcher, openClient, pause, runFirstPod, withBenchCluster } from './cluster.ts';
import { type Figure, median } from './figure.ts';

const rounds = 5;
const restMs = 60_000;
const idleWindowMs = 30_000;
const ticksPerSecond = 100;

interface Times {
  readonly api: number;
  readonly node: number;
  readonly pod: number;
}

export function measureLifecycle(): Promise<Figure[]> {
  return withBenchCluster(async (cluster) => {
    const { home, name } = cluster;
    const up = ['up', '--name', name, '--no-kubeconfig'];
    const down = ['down', '--name', name];
    const first = await timed(() => knarr(home, up));
    await buildToolboxImage(home, name);
    const ups: Times[] = [];
    const downs: number[] = [await timed(() => knarr(home, down))];
    for (let round = 1; round <= rounds; round++) {
      ups.push(await timedUp(cluster, `first-${round}`));
      if (round < rounds) downs.push(await timed(() => knarr(home, down)));
    }
    const again = await timed(() => knarr(home, up));
    const rest = await atRest(cluster);
    downs.push(await timed(() => knarr(home, down)));
    const several = await severalNodes(cluster);
    const seconds = (values: readonly number[]): number => median(values) / 1000;
    return [
      { name: 'up → API ready', value: seconds(ups.map(({ api }) => api)), unit: 's', goal: '≤ 1.0' },
      { name: 'up → node Ready', value: seconds(ups.map(({ node }) => node)), unit: 's', goal: '≤ 2.5' },
      { name: 'up → first pod of a Deployment Running', value: seconds(ups.map(({ pod }) => pod)), unit: 's', goal: '≤ 3.5' },
      { name: 'down', value: seconds(downs), unit: 's', goal: '≤ 4' },
      { name: 'up of all, no keys and no compile cache', value: first / 1000, unit: 's' },
      { name: 'up of a cluster that runs', value: again / 1000, unit: 's' },
      ...several,
      ...rest,
    ];
  });
}

/** A cluster that grows from one node by `node add`, and comes up again with three. */
async function severalNodes({ home, name }: BenchCluster): Promise<Figure[]> {
  const call = (...args: string[]): Promise<number> => timed(() => knarr(home, [...args, '--name', name]));
  await call('up', '--no-kubeconfig');
  const adds = [await call('node', 'add'), await call('node', 'add')];
  const ups: number[] = [];
  for (let round = 0; round < 3; round++) {
    await call('down');
    ups.push(await call('up', '--no-kubeconfig', '--nodes', '3'));
  }
  const stop = await call('node', 'stop', `${name}-3`);
  const start = await call('node', 'start', `${name}-3`);
  await pause(restMs);
  const { signal } = new AbortController();
  const { components } = await clusterStatus({ home, name }, { signal, log: silentLogger });
  const added = components.filter((component) => component.name.endsWith('-2')).reduce((sum, { rssBytes }) => sum + rssBytes, 0);
  await call('down');
  return [
    { name: 'up --nodes 3 → three nodes Ready', value: median(ups) / 1000, unit: 's', goal: '≤ 6' },
    { name: 'node add → Ready', value: median(adds) / 1000, unit: 's', goal: '≤ 3' },
    { name: 'node stop', value: stop / 1000, unit: 's' },
    { name: 'node start → Ready', value: start / 1000, unit: 's' },
    { name: 'memory of a further node at rest', value: added / 2 ** 20, unit: 'MiB' },
  ];
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await act();
  return performance.now() - startMs;
}

/** One `up` of a stopped cluster, looked at from outside. */
async function timedUp(cluster: BenchCluster, deployment: string): Promise<Times> {
  const startedAt = Date.now();
  const startMs = performance.now();
  const child = spawn(launcher, ['up', '--name', cluster.name, '--no-kubeconfig'], {
    env: { ...process.env, KNARR_HOME: cluster.home },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await untilApi(cluster);
  const api = performance.now() - startMs;
  await untilNode(cluster, startedAt);
  const node = performance.now() - startMs;
  await runFirstPod(cluster, deployment);
  const pod = performance.now() - startMs;
  await ended;
  return { api, node, pod };
}

/** `/readyz` without a credential answers 200 once the server is ready. */
async function untilApi({ home, name }: BenchCluster): Promise<void> {
  const { apiPort } = readClusterRecord(clusterPaths(home, name))!;
  for (;;) {
    const ready = await new Promise<boolean>((resolve) => {
      const asked = request({ host: '127.0.0.1', port: apiPort, path: '/readyz', rejectUnauthorized: false, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      });
      asked.once('error', () => resolve(false));
      asked.end();
    });
    if (ready) return;
    await pause(10);
  }
}

/** Waits for a Ready that the new agent wrote: the stored node has been Ready since before the last stop. */
async function untilNode(cluster: BenchCluster, startedAt: number): Promise<void> {
  await using client = openClient(cluster);
  for (;;) {
    const { items } = await client.api.list(corev1Resources.nodes, { signal: client.signal });
    const node = items[0];
    const ready = getCondition(node?.status.conditions, 'Ready');
    // Heartbeats are in whole seconds, and a start comes seconds after the last one of an earlier life.
    const fresh = Date.parse(ready?.lastHeartbeatTime ?? '') >= Math.floor(startedAt / 1000) * 1000;
    if (ready?.status === 'True' && fresh && !node?.spec.taints?.length) return;
    await pause(10);
  }
}

/** PSS and CPU of each process, a minute after it became Ready. */
async function atRest({ home, name }: BenchCluster): Promise<Figure[]> {
  await pause(restMs);
  const { signal } = new AbortController();
  const { components } = await clusterStatus({ home, name }, { signal, log: silentLogger });
  const ours = components.flatMap(({ name: component, pid }) => (pid === null ? [] : [{ component, pid }]));
  const before = ours.map(({ pid }) => cpuTicks(pid));
  await pause(idleWindowMs);
  const goals: Readonly<Record<string, string>> = { 'control-plane': '≤ 150', 'agent-1': '≤ 90' };
  const figures = ours.map(({ component, pid }, at): Figure[] => {
    const percent = ((cpuTicks(pid) - before[at]!) / ticksPerSecond / (idleWindowMs / 1000)) * 100;
    const ours = goals[component] !== undefined;
    return [
      {
        name: `memory of ${component} at rest`,
        value: proportionalBytes(pid) / 2 ** 20,
        unit: 'MiB',
        ...(ours && { goal: goals[component]! }),
      },
      { name: `CPU of ${component} at rest`, value: percent, unit: '% of a core', ...(ours && { goal: '≤ 1' }) },
    ];
  });
  return [...figures.map(([memory]) => memory!), ...figures.map(([, cpu]) => cpu!)];
}

/** User and system time of a process, in clock ticks. */
function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
