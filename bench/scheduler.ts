/**
 * The scheduler by upstream's named workloads: a real control-plane process over LMDB as `up` starts it, nodes with nothing behind them,
 * pods decided and bound through the API. Each workload runs twice: with all pods waiting when the scheduler begins to lead, and with pods that
 * arrive while it works, as many at a time as the API server takes. What was placed is looked at afterwards; a wrong placement fails.
 */
import type { corev1, KubeList } from '../src/api/index.ts';
import { type BareControlPlane, startBareControlPlane } from './bare-control-plane.ts';
import { type Figure, formatFigure, quantile } from './figure.ts';
import { H2Connection, type H2Target } from './h2-client.ts';
import { cpuSeconds, residentMib } from './process-cost.ts';
import { violations } from './scheduler-checks.ts';
import { churn, pause, renewLeases } from './scheduler-churn.ts';
import { RunHome } from './scheduler-home.ts';
import { pod } from './scheduler-objects.ts';
import { letSchedulerBegin } from './scheduler-start.ts';
import { BindingWatch } from './scheduler-watch.ts';
import { roomyNode, type SchedulerWorkload, schedulerWorkloads } from './scheduler-workloads.ts';
import { fillStore, many, measuredName, namespaceOf, nodeNames, variantOf } from './scheduler-world.ts';

/** Nodes' pod ranges for up to 32,768 nodes. */
const podCidr = '10.128.0.0/9';
const arriving = 48;
/** Nothing was bound for so long: nothing more will be. */
const stalledMs = 30_000;
const limitMs = 300_000;
const shownViolations = 5;
const distinctSpecs = 1_000;

export interface SchedulerBenchOptions {
  /** Only workloads whose name begins so. */
  readonly workload?: string;
  /** How many different specs the pods have; left out: one, and 1,000 for the first workload as well. */
  readonly specs?: number;
  /** Only that way of the two. */
  readonly mode?: Mode;
  /** Nodes and pods are that share of upstream's; for quick looks. */
  readonly scale?: number;
  /** More flags for the control plane's Node, such as those of a profiler. */
  readonly flags?: readonly string[];
}

type Mode = 'waiting' | 'arriving';

interface Run {
  readonly workload: SchedulerWorkload;
  readonly mode: Mode;
  readonly specs: number;
  readonly flags: readonly string[];
}

/** When a placement is wrong, or pods are left without a node, that is told and the process will end with 1. */
export async function measureScheduler(options: SchedulerBenchOptions = {}): Promise<Figure[]> {
  const { workload: wanted = '', specs, mode, scale = 1, flags = [] } = options;
  const chosen = schedulerWorkloads.filter(({ name }) => name.startsWith(wanted));
  if (chosen.length === 0) throw new Error(`no workload "${wanted}"; there are: ${schedulerWorkloads.map(({ name }) => name).join(', ')}`);
  const figures: Figure[] = [];
  for (const workload of chosen) {
    const variants = specs !== undefined ? [specs] : workload === schedulerWorkloads[0] ? [1, distinctSpecs] : [1];
    for (const specs of variants)
      for (const way of mode ? [mode] : (['waiting', 'arriving'] as const)) {
        const measured = await measureOne({ workload: scaled(workload, scale), mode: way, specs, flags });
        figures.push(...measured.figures);
        // Figures of the others are worth having all the same.
        for (const fault of measured.faults) console.error(`  WRONG ${fault}`);
        if (measured.faults.length > 0) process.exitCode = 1;
        console.error(`  ${formatFigure(measured.figures[0]!)}`);
      }
  }
  return figures;
}

function scaled(workload: SchedulerWorkload, scale: number): SchedulerWorkload {
  const part = (count: number): number => Math.max(1, Math.round(count * scale));
  return {
    ...workload,
    nodes: part(workload.nodes),
    before: workload.before.map((group) => ({ ...group, count: part(group.count) })),
    measured: { ...workload.measured, count: part(workload.measured.count) },
  };
}

interface Measured {
  readonly figures: readonly Figure[];
  readonly faults: readonly string[];
}

async function measureOne(run: Run): Promise<Measured> {
  using home = new RunHome();
  try {
    const measured = await measureIn(home.path, run);
    if (measured.faults.length > 0) home.keepLog();
    return measured;
  } catch (error) {
    home.keepLog();
    throw error;
  }
}

async function measureIn(home: string, run: Run): Promise<Measured> {
  const { workload, mode, specs, flags } = run;
  const prepare = (paths: Parameters<typeof fillStore>[0]): Promise<void> =>
    fillStore(paths, { workload, specs, waiting: mode === 'waiting' });
  await using knarr = await startBareControlPlane({ home, prepare, podCidr, flags });
  const result = await watchRun(knarr, run);
  const title = `${workload.name}${specs > 1 ? `, ${specs.toLocaleString('en')} specs` : ''}, ${mode}`;
  const found = [...result.rebound, ...violations(await placements(knarr.target))];
  const missing = workload.measured.count - result.bound;
  if (missing > 0) found.unshift(`${missing} of ${workload.measured.count} pods were not bound`);
  if (found.length > shownViolations) found.splice(shownViolations, Infinity, `and ${found.length - shownViolations} more`);
  const { goal, gate } = workload;
  const aims = [
    ...(goal !== undefined ? [`≥ ${goal.toLocaleString('en')}`] : []),
    ...(gate !== undefined ? [`upstream's gate ${gate}`] : []),
  ];
  const figures: Figure[] = [
    { name: `${title}: pods`, value: result.perSecond, unit: '/s', ...(aims.length > 0 && { goal: aims.join('; ') }) },
    { name: `${title}: CPU of 1,000 pods`, value: result.cpuPer1000, unit: 's' },
    { name: `${title}: memory afterwards`, value: residentMib(knarr.pid), unit: 'MiB' },
    ...(result.latencies.length === 0
      ? []
      : [
          { name: `${title}: created → bound, p50`, value: quantile(result.latencies, 0.5), unit: 'ms' },
          { name: `${title}: created → bound, p99`, value: quantile(result.latencies, 0.99), unit: 'ms' },
        ]),
  ];
  return { figures, faults: found.map((fault) => `${title}: ${fault}`) };
}

interface RunResult {
  readonly bound: number;
  readonly perSecond: number;
  readonly cpuPer1000: number;
  readonly rebound: readonly string[];
  /** Milliseconds from the answer of a pod's creation to its binding, where pods arrive. */
  readonly latencies: readonly number[];
}

async function watchRun({ pid, target }: BareControlPlane, { workload, mode, specs }: Run): Promise<RunResult> {
  const over = new AbortController();
  const { signal } = over;
  using connection = await H2Connection.open(target);
  const watch = new BindingWatch();
  await watch.open(connection, signal);
  if (mode === 'waiting') await letSchedulerBegin(target);
  else await untilNodesAreKnown(target, workload);
  let cpuBefore = cpuSeconds(pid);
  // A scheduler that begins reads the whole cluster first, which is no part of what a pod costs.
  if (mode === 'waiting') watch.onFirst(() => (cpuBefore = cpuSeconds(pid)));
  const beside = [renewLeases(target, nodeNames(workload), signal), ...(workload.churn ? [churn(target, workload.churn, signal)] : [])];
  const createdMs = new Map<string, number>();
  const creating = mode === 'arriving' ? createAll(target, { workload, specs, createdMs }) : Promise.resolve();
  await Promise.race([untilBound(watch, workload.measured.count), creating.then(() => new Promise(() => {})), ...beside]);
  const cpu = cpuSeconds(pid) - cpuBefore;
  over.abort();
  await Promise.all([creating, ...beside]);
  return {
    bound: watch.seen.size,
    perSecond: watch.seen.size > 0 ? watch.seen.size / (watch.elapsedMs / 1000) : 0,
    cpuPer1000: (cpu / Math.max(1, watch.seen.size)) * 1000,
    rebound: watch.rebound,
    latencies: [...createdMs].flatMap(([name, atMs]) => (watch.seen.has(name) ? [Math.max(0, watch.seen.get(name)! - atMs)] : [])),
  };
}

/** Resolves when all are bound, or when nothing moves any more. */
async function untilBound(watch: BindingWatch, count: number): Promise<void> {
  const lateMs = performance.now() + limitMs;
  for (let before = -1; watch.seen.size < count && performance.now() < lateMs && watch.seen.size > before;) {
    before = watch.seen.size;
    const stalled = new AbortController();
    watch.onSeen(() => {
      if (watch.seen.size >= count) stalled.abort();
    });
    await pause(stalledMs, stalled.signal);
  }
}

/** The scheduler has heard of the nodes when it has bound a pod; that pod is gone before anything is measured. */
async function untilNodesAreKnown(target: H2Target, { roomyNode: roomy }: SchedulerWorkload): Promise<void> {
  using connection = await H2Connection.open(target);
  const name = 'first';
  const body = JSON.stringify(pod({ name, namespace: 'default', shape: roomy === roomyNode ? 'daemon' : 'low-priority', variant: 0 }));
  const path = `/api/v1/namespaces/default/pods`;
  await connection.request({ method: 'POST', path, body });
  for (;;) {
    const { text } = await connection.request({ method: 'GET', path: `${path}/${name}` });
    if ((JSON.parse(text()) as corev1.Pod).spec.nodeName) break;
    await pause(20, new AbortController().signal);
  }
  await connection.request({ method: 'DELETE', path: `${path}/${name}?gracePeriodSeconds=0` });
}

async function createAll(
  target: H2Target,
  { workload: { measured }, specs, createdMs }: Pick<Run, 'workload' | 'specs'> & { readonly createdMs: Map<string, number> },
): Promise<void> {
  using connection = await H2Connection.open(target);
  const namespace = namespaceOf(measured);
  const create = async (index: number): Promise<void> => {
    const name = measuredName(index);
    const body = JSON.stringify(pod({ name, namespace, shape: measured.shape, variant: variantOf(index, specs) }));
    const { status, text } = await connection.request({ method: 'POST', path: `/api/v1/namespaces/${namespace}/pods`, body });
    if (status !== 201) throw new Error(`pod ${name}: ${text()}`);
    createdMs.set(name, performance.now());
  };
  await many(measured.count, create, arriving);
}

async function placements(target: H2Target) {
  using connection = await H2Connection.open(target);
  const list = async <T extends corev1.Pod | corev1.Node>(path: string): Promise<readonly T[]> =>
    (JSON.parse((await connection.request({ method: 'GET', path })).text()) as KubeList<T>).items;
  return { nodes: await list<corev1.Node>('/api/v1/nodes'), pods: await list<corev1.Pod>('/api/v1/pods') };
}
