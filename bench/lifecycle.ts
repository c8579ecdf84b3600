/** A cluster's life by the clock: up, Ready, first pod, memory and CPU at rest, down. Times start at the launcher; the machine is warm. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { corev1Resources, isConditionTrue, type KubeObject } from '../src/api/index.ts';
import { appsv1Resources } from '../src/api/index.ts';
import { run } from '../src/base/index.ts';
import { clusterPaths, readClusterRecord } from '../src/cluster/index.ts';
import { adminClient, clusterStatus, proportionalBytes } from '../src/cluster/lifecycle/index.ts';
import { type Figure, median } from './figure.ts';
import { buildToolboxImage, toolbox } from '../test/e2e/images.ts';

const launcher = fileURLToPath(new URL('../bin/knarr', import.meta.url));
const rounds = 3;
const restMs = 60_000;
const idleWindowMs = 20_000;
const ticksPerSecond = 100;

export async function measureLifecycle(): Promise<Figure[]> {
  const home = mkdtempSync(join(tmpdir(), 'kn-'));
  const name = `bench-${process.pid}`;
  try {
    // Not counted: makes keys, fills the compile cache, loads the image.
    await knarr(home, ['up', '--name', name, '--no-kubeconfig']);
    await buildToolboxImage(home, name);
    await knarr(home, ['down', '--name', name]);
    const times: Record<'api' | 'node' | 'pod' | 'down', number[]> = { api: [], node: [], pod: [], down: [] };
    for (let round = 0; round < rounds; round++) {
      const startMs = performance.now();
      const child = spawn(launcher, ['up', '--name', name, '--no-kubeconfig'], {
        env: { ...process.env, KNARR_HOME: home },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      const ended = new Promise((resolve) => child.once('close', resolve));
      await untilApi(home, name);
      times.api.push(performance.now() - startMs);
      await untilNode(home, name);
      times.node.push(performance.now() - startMs);
      await firstPod(home, name, `first-${round}`);
      times.pod.push(performance.now() - startMs);
      await ended;
      if (round < rounds - 1) times.down.push(await timedDown(home, name));
    }
    const rest = await atRest(home, name);
    times.down.push(await timedDown(home, name));
    const seconds = (values: readonly number[]): number => median(values) / 1000;
    return [
      { name: 'up → API ready', value: seconds(times.api), unit: 's', goal: '≤ 1.0' },
      { name: 'up → node Ready', value: seconds(times.node), unit: 's', goal: '≤ 2.5' },
      { name: 'up → first pod of a Deployment Running', value: seconds(times.pod), unit: 's', goal: '≤ 3.5' },
      { name: 'down', value: seconds(times.down), unit: 's', goal: '≤ 4' },
      ...rest,
    ];
  } finally {
    await knarr(home, ['delete', '--name', name]).catch(() => {});
    rmSync(home, { recursive: true, force: true });
  }
}

async function knarr(home: string, args: readonly string[]): Promise<void> {
  await run([launcher, ...args], { env: { KNARR_HOME: home } });
}

async function timedDown(home: string, name: string): Promise<number> {
  const startMs = performance.now();
  await knarr(home, ['down', '--name', name]);
  return performance.now() - startMs;
}

/** `/readyz` without a credential answers 200 once the server is ready. */
async function untilApi(home: string, name: string): Promise<void> {
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
    await pause(5);
  }
}

async function untilNode(home: string, name: string): Promise<void> {
  await using client = await open(home, name);
  for (;;) {
    const { items } = await client.api.list(corev1Resources.nodes, { signal: client.signal });
    const node = items[0];
    if (node && isConditionTrue(node.status.conditions, 'Ready') && !node.spec.taints?.length) return;
    await pause(10);
  }
}

/** Makes a Deployment of one pod and waits until that pod runs. */
async function firstPod(home: string, name: string, deployment: string): Promise<void> {
  await using client = await open(home, name);
  const labels = { app: deployment };
  const container = { name: 'main', image: toolbox, args: ['-c', 'exec sleep 100000'] };
  const object = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: deployment, namespace: 'default' },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } },
    },
  };
  const { signal } = client;
  await client.api.patch<KubeObject>(
    appsv1Resources.deployments,
    { namespace: 'default', name: deployment },
    { type: 'application/apply-patch+yaml', body: object },
    { signal, query: { fieldManager: 'bench' } },
  );
  for (;;) {
    const { items } = await client.api.list(corev1Resources.pods, { signal, namespace: 'default', labelSelector: `app=${deployment}` });
    if (items[0]?.status.phase === 'Running') break;
    await pause(10);
  }
  await client.api.delete(appsv1Resources.deployments, { namespace: 'default', name: deployment }, { signal });
}

async function open(
  home: string,
  name: string,
): Promise<
  { readonly api: Awaited<ReturnType<ReturnType<typeof adminClient>['open']>>['api']; readonly signal: AbortSignal } & AsyncDisposable
> {
  const paths = clusterPaths(home, name);
  const opened = await adminClient(readClusterRecord(paths)!, paths).open();
  const { signal } = new AbortController();
  return { api: opened.api, signal, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
}

/** PSS and CPU of each process, a minute after it became Ready. */
async function atRest(home: string, name: string): Promise<Figure[]> {
  await pause(restMs);
  const { signal } = new AbortController();
  const { components } = await clusterStatus({ home, name }, { signal, log: (await import('../src/base/index.ts')).silentLogger });
  const ours = components.flatMap(({ name: component, pid }) => (pid === null ? [] : [{ component, pid }]));
  const before = ours.map(({ pid }) => cpuTicks(pid));
  await pause(idleWindowMs);
  const goals: Readonly<Record<string, string>> = { 'control-plane': '≤ 150', 'agent-1': '≤ 90' };
  const memory = ours.map(({ component, pid }): Figure => ({
    name: `memory of ${component} at rest`,
    value: proportionalBytes(pid) / 2 ** 20,
    unit: 'MiB',
    ...(goals[component] && { goal: goals[component] }),
  }));
  const cpu = ours.map(({ component, pid }, at): Figure => {
    const percent = ((cpuTicks(pid) - before[at]!) / ticksPerSecond / (idleWindowMs / 1000)) * 100;
    return {
      name: `CPU of ${component} at rest`,
      value: percent,
      unit: '% of a core',
      ...(component === 'control-plane' && { goal: '≤ 1' }),
    };
  });
  return [...memory, ...cpu];
}

/** User and system time of a process, in clock ticks. */
function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
