/**
 * Large clusters: nodes that register, pods that come to run, a Deployment that grows and goes. The control plane is a real process over
 * LMDB; nodes are objects, and one process beside it writes what their kubelets would write (`scale-nodes.ts`).
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { appsv1, corev1, KubeList } from '../src/api/index.ts';
import { type BareControlPlane, startBareControlPlane } from './bare-control-plane.ts';
import type { Figure } from './figure.ts';
import { H2Connection, type H2Target } from './h2-client.ts';
import { anonymousMib, cpuSeconds, residentMib } from './process-cost.ts';
import type { NodesJob, NodesProgress } from './scale-nodes.ts';
import { pause } from './scheduler-churn.ts';
import { leaseNamespace, node, nodeLease } from './scheduler-objects.ts';
import { many } from './scheduler-world.ts';

const podCidr = '10.128.0.0/9';
const registering = { connections: 4, inFlight: 16 };
const deployments = 20;
const lookEveryMs = 250;
const limitMs = 900_000;
const nodesProgram = fileURLToPath(new URL('./scale-nodes.ts', import.meta.url));
const { signal } = new AbortController();

/** @param options.scale nodes and pods are that share; for quick looks */
export async function measureScale({ scale = 1 }: { readonly scale?: number } = {}): Promise<Figure[]> {
  const count = { nodes: Math.round(5_000 * scale), deployed: Math.round(5_000 * scale), pods: Math.round(100_000 * scale) };
  await using knarr = await startBareControlPlane({ podCidr });
  const names = Array.from({ length: count.nodes }, (_, index) => `node-${index}`);
  const registered = await register(knarr.target, names);
  // From here on the nodes renew their Leases: on a busy machine they take long to settle.
  using nodes = new NodesProcess({ target: knarr.target, nodes: names });
  const settledMs = await timed(() => untilNodesAreReady(knarr.target, count.nodes));
  const growMs = await scaleOne(knarr.target, count.deployed);
  const shrinkMs = await scaleOne(knarr.target, 0);
  const filled = await fill(knarr, nodes, count.pods);
  const shown = (value: number): string => value.toLocaleString('en');
  return [
    { name: `${shown(count.nodes)} nodes registered`, value: registered, unit: '/s', goal: '≥ 1,000' },
    { name: `${shown(count.nodes)} nodes: all have ranges and no taint after`, value: settledMs / 1000, unit: 's' },
    { name: `Deployment 0 → ${shown(count.deployed)} ready`, value: growMs / 1000, unit: 's' },
    { name: `Deployment ${shown(count.deployed)} → 0 pods`, value: shrinkMs / 1000, unit: 's' },
    { name: `Deployment 0 → ${shown(count.deployed)} → 0`, value: (growMs + shrinkMs) / 1000, unit: 's', goal: '≤ 30' },
    { name: `${shown(count.pods)} pods Running`, value: filled.perSecond, unit: '/s', goal: '≥ 500' },
    { name: `${shown(count.pods)} pods Running: CPU of 1,000`, value: filled.cpuPer1000, unit: 's' },
    { name: `the first ${shown(count.pods / 2)} of them`, value: filled.half.perSecond, unit: '/s' },
    ...memoryFigures(`${shown(count.nodes)} nodes, ${shown(count.pods / 2)} pods`, filled.half.memory, '≤ 1,536'),
    ...memoryFigures(`${shown(count.nodes)} nodes, ${shown(count.pods)} pods`, filled.whole),
  ];
}

/** MiB. */
interface Memory {
  readonly resident: number;
  readonly anonymous: number;
}

function memoryOf(pid: number): Memory {
  return { resident: residentMib(pid), anonymous: anonymousMib(pid) };
}

function memoryFigures(when: string, { resident, anonymous }: Memory, goal?: string): Figure[] {
  return [
    { name: `memory at ${when}`, value: resident, unit: 'MiB', ...(goal !== undefined && { goal }) },
    { name: `memory at ${when}, without pages of files`, value: anonymous, unit: 'MiB' },
  ];
}

/** Nodes a second; each with the Lease that its kubelet makes. */
async function register(target: H2Target, names: readonly string[]): Promise<number> {
  const pool = await Promise.all(Array.from({ length: registering.connections }, () => H2Connection.open(target)));
  const post = async (index: number, path: string, body: object): Promise<void> => {
    const { status, text } = await pool[index % pool.length]!.request({ method: 'POST', path, body: JSON.stringify(body) });
    if (status !== 201) throw new Error(`POST ${path}: ${text()}`);
  };
  const inFlight = registering.connections * registering.inFlight;
  const ms = await timed(() =>
    many(
      names.length,
      async (index) => {
        const { spec: _, ...rest } = node({ name: names[index]!, index });
        await post(index, '/api/v1/nodes', rest);
      },
      inFlight,
    ),
  );
  const leases = `/apis/coordination.k8s.io/v1/namespaces/${leaseNamespace}/leases`;
  await many(names.length, (index) => post(index, leases, nodeLease(names[index]!)), inFlight);
  for (const connection of pool) connection[Symbol.dispose]();
  return names.length / (ms / 1000);
}

async function untilNodesAreReady(target: H2Target, count: number): Promise<void> {
  using connection = await H2Connection.open(target);
  await until('nodes are ready', async () => {
    // A list of them all is work for the server too.
    await pause(lookEveryMs * 4, signal);
    const { items } = await get<KubeList<corev1.Node>>(connection, '/api/v1/nodes');
    return items.filter(({ spec }) => spec.podCIDR && !spec.taints?.length).length >= count;
  });
}

const collection = '/apis/apps/v1/namespaces/default/deployments';

function deployment(name: string, replicas: number) {
  const labels = { app: name };
  const resources = { requests: { cpu: '100m', memory: '128Mi' } };
  const containers = [{ name: 'pause', image: 'registry.k8s.io/pause:3.10.1', resources }];
  const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, containers } };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec: { replicas, selector: { matchLabels: labels }, template } };
}

/** Makes the Deployment when it is missing; returns the milliseconds until all its pods are ready, or none is left. */
async function scaleOne(target: H2Target, replicas: number): Promise<number> {
  using connection = await H2Connection.open(target);
  const name = 'one';
  await connection.request({ method: 'POST', path: collection, body: JSON.stringify(deployment(name, 0)) });
  const path = `${collection}/${name}`;
  return await timed(async () => {
    const body = JSON.stringify({ spec: { replicas } });
    await connection.request({ method: 'PATCH', path, type: 'application/merge-patch+json', body });
    await until(`the Deployment has ${replicas} pods`, async () => {
      const { status } = await get<appsv1.Deployment>(connection, path);
      if ((status.readyReplicas ?? 0) !== replicas || (status.replicas ?? 0) !== replicas) return false;
      if (replicas > 0) return true;
      const left = await get<KubeList<corev1.Pod>>(connection, '/api/v1/namespaces/default/pods?limit=1');
      return left.items.length === 0;
    });
  });
}

async function fill({ target, pid }: BareControlPlane, nodes: NodesProcess, pods: number) {
  using connection = await H2Connection.open(target);
  const before = nodes.progress.running;
  const cpu = cpuSeconds(pid);
  const startMs = performance.now();
  const rate = (count: number): number => count / ((performance.now() - startMs) / 1000);
  for (let index = 0; index < deployments; index++) {
    const body = JSON.stringify(deployment(`many-${index}`, Math.ceil(pods / deployments)));
    await connection.request({ method: 'POST', path: collection, body });
  }
  const running = (): number => nodes.progress.running - before;
  await until(`${pods / 2} pods run`, () => Promise.resolve(running() >= pods / 2));
  const half = { perSecond: rate(running()), memory: memoryOf(pid) };
  await until(`${pods} pods run`, () => Promise.resolve(running() >= pods));
  return { perSecond: rate(pods), cpuPer1000: ((cpuSeconds(pid) - cpu) / pods) * 1000, half, whole: memoryOf(pid) };
}

/** The process of all nodes. */
class NodesProcess implements Disposable {
  readonly #child: ChildProcess;
  progress: NodesProgress = { running: 0, gone: 0 };

  constructor(job: NodesJob) {
    this.#child = fork(nodesProgram);
    this.#child.on('message', (progress: NodesProgress) => (this.progress = progress));
    this.#child.send(job);
  }

  [Symbol.dispose](): void {
    this.#child.disconnect();
  }
}

async function get<T>(connection: H2Connection, path: string): Promise<T> {
  return JSON.parse((await connection.request({ method: 'GET', path })).text()) as T;
}

async function timed(act: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await act();
  return performance.now() - startMs;
}

async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  const lateMs = performance.now() + limitMs;
  while (!(await done())) {
    if (performance.now() > lateMs) throw new Error(`not reached in ${limitMs / 1000} s: ${what}`);
    await pause(lookEveryMs, signal);
  }
}
