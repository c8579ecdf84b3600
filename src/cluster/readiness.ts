/**
 * What `up` waits for after it has started everything: the API server's answer, then Ready nodes. A process that keeps ending is told of at
 * once, in the words of its own log, instead of waiting for time to run out.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { ApiError, corev1Resources, isConditionTrue, type corev1 } from '../api/index.ts';
import type { Clock, Ctx, ProcessIdentity } from '../base/index.ts';
import { type Client, ConnectionError } from '../client/index.ts';
import { adminClient, isReady } from './admin-client.ts';
import { ClusterError } from './cluster-error.ts';
import type { ClusterRecord, NodeRecord } from './cluster-record.ts';
import { type ClusterPaths, nodePaths } from './home.ts';
import { lastErrorIn, logEnd } from './last-error.ts';
import { agentRecord, aliveOf, controlPlaneLog, controlPlaneRecord } from './launch.ts';

/** How long the API, and then the nodes, may take. */
const apiLimitMs = 60_000;
const nodeLimitMs = 120_000;
const pollMs = 10;
/** Ends that are one accident; its restarter makes up for it. */
const toleratedEnds = 2;
/** How long there may be nobody at all: longer than the back-off of the first restarts. */
const absenceLimitMs = 5000;

/** A process that has to live, and what its log says when it does not. */
export class ProcessWatch {
  readonly #what: string;
  readonly #record: string;
  readonly #log: string;
  readonly #logFrom: number;
  readonly #clock: Clock;
  #seen: ProcessIdentity | undefined;
  #seenMs: number;
  #ends = 0;

  /** Made before the process is started: only what it logs from now on is quoted. */
  constructor(what: string, files: { readonly record: string; readonly log: string }, clock: Clock) {
    this.#what = what;
    this.#record = files.record;
    this.#log = files.log;
    this.#logFrom = logEnd(files.log);
    this.#clock = clock;
    this.#seenMs = clock.monotonic();
  }

  static ofControlPlane(paths: ClusterPaths, clock: Clock): ProcessWatch {
    return new ProcessWatch('the control plane', { record: controlPlaneRecord(paths), log: controlPlaneLog(paths) }, clock);
  }

  static ofAgent(paths: ClusterPaths, node: NodeRecord, clock: Clock): ProcessWatch {
    const files = { record: agentRecord(paths, node.index), log: nodePaths(paths, node.index).log };
    return new ProcessWatch(`the agent of node ${node.name}`, files, clock);
  }

  get runs(): boolean {
    return this.#seen !== undefined;
  }

  /** Has a look. @throws ClusterError when the process keeps ending, or nobody starts it */
  look(): void {
    const found = aliveOf(this.#record);
    const nowMs = this.#clock.monotonic();
    if (this.#seen && found?.pid !== this.#seen.pid) this.#ends++;
    if (found) this.#seenMs = nowMs;
    this.#seen = found;
    if (this.#ends > toleratedEnds) this.fail('keeps ending');
    if (nowMs - this.#seenMs > absenceLimitMs) this.fail('does not run');
  }

  fail(how: string): never {
    const error = lastErrorIn(this.#log, this.#logFrom);
    throw new ClusterError(`${this.#what} ${how}${error ? `: ${error}` : ''}; its log is ${this.#log}`);
  }
}

export interface Waiting {
  readonly record: ClusterRecord;
  readonly paths: ClusterPaths;
  readonly clock: Clock;
}

/** Waits for the API and returns the administrator's kubeconfig. @throws ClusterError that says why, when it does not come */
export async function untilApiReady({ record, paths, clock }: Waiting, controlPlane: ProcessWatch, { signal }: Ctx): Promise<string> {
  const endMs = clock.monotonic() + apiLimitMs;
  const { kubeconfig } = adminClient(record, paths);
  while (!(await isReady(record, paths, signal))) {
    refuseStopped(record, paths);
    controlPlane.look();
    if (clock.monotonic() > endMs) controlPlane.fail('does not answer');
    await clock.sleep(pollMs, signal);
  }
  refuseStopped(record, paths);
  writeFileSync(paths.adminKubeconfig, kubeconfig, { mode: 0o600 });
  return kubeconfig;
}

/** Waits for every node, and with `all` for what is made for every cluster too. @throws ClusterError that says why, when it does not come */
export async function untilNodesReady(
  { record, paths, clock, all }: Waiting & { readonly all: boolean },
  watches: { readonly controlPlane: ProcessWatch; readonly agents: readonly ProcessWatch[] },
  { signal }: Ctx,
): Promise<void> {
  const endMs = clock.monotonic() + nodeLimitMs;
  await using client = await adminClient(record, paths).open();
  const until = async (holds: () => Promise<boolean>, late: () => never): Promise<void> => {
    // The control plane may be killed and come back while it is asked.
    while (!(await unlessUnreachable(holds))) {
      refuseStopped(record, paths);
      watches.controlPlane.look();
      for (const agent of watches.agents) agent.look();
      if (clock.monotonic() > endMs) late();
      await clock.sleep(pollMs * 2, signal);
    }
  };
  for (const [at, node] of record.nodes.entries()) {
    const agent = watches.agents[at]!;
    await until(
      async () => {
        agent.look();
        return agent.runs && (await isNodeReady(client.api, node.name, signal));
      },
      () => agent.fail('does not make its node Ready'),
    );
  }
  if (all)
    await until(
      () => hasDefaults(client.api, signal),
      () => watches.controlPlane.fail('does not make the default ServiceAccount and cluster DNS'),
    );
}

/** A Ready from before the last stop says nothing, but then the taints of a node that was lost are still there. */
async function isNodeReady(api: Client, name: string, signal: AbortSignal): Promise<boolean> {
  const { items } = await api.list(corev1Resources.nodes, { signal, fieldSelector: `metadata.name=${name}` });
  const node: corev1.Node | undefined = items[0];
  const tainted = node?.spec.taints?.some(({ key }) => key.startsWith('node.kubernetes.io/')) ?? false;
  return isConditionTrue(node?.status.conditions, 'Ready') && !tainted;
}

async function hasDefaults(api: Client, signal: AbortSignal): Promise<boolean> {
  const accounts = await api.list(corev1Resources.serviceaccounts, { signal, namespace: 'default' });
  const { items } = await api.list(corev1Resources.services, { signal, namespace: 'kube-system' });
  return accounts.items.length > 0 && items.some(({ metadata }) => metadata.name === 'kube-dns');
}

async function unlessUnreachable(ask: () => Promise<boolean>): Promise<boolean> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ConnectionError || (error instanceof ApiError && error.code >= 500)) return false;
    throw error;
  }
}

/** @throws ClusterError when somebody stops the cluster meanwhile */
function refuseStopped({ name }: ClusterRecord, paths: ClusterPaths): void {
  if (existsSync(paths.stoppingMark) || !existsSync(paths.run))
    throw new ClusterError(`cluster "${name}" was stopped while it was coming up`);
}
