/**
 * What `up` waits for after it has started everything: the API server's answer, then Ready nodes. A process that keeps ending is told of at
 * once instead of waiting for time to run out.
 */
import { existsSync } from 'node:fs';
import { ApiError, corev1Resources, type corev1, getCondition } from '../api/index.ts';
import { type Clock, type Ctx, writeFileAtomically } from '../base/index.ts';
import { type Client, ConnectionError } from '../client/index.ts';
import { openAdminClient, ReadyProbe } from './admin-client.ts';
import { renderAdminKubeconfig } from './admin-kubeconfig.ts';
import { ClusterError } from './cluster-error.ts';
import type { ClusterRecord, NodeRecord } from './cluster-record.ts';
import type { ClusterPaths } from './home.ts';
import type { ProcessWatch } from './process-watch.ts';

/**
 * How long the API, and then the nodes, may take: seconds, but more than a minute on an emulated or overloaded machine. A process that ended
 * is seen at once, so waiting costs nobody anything.
 */
const apiLimitMs = 300_000;
const nodeLimitMs = 300_000;
/** An API server that is not ready by then and has logged an error will not be ready for this reason. */
const patienceMs = 15_000;
const pollMs = 10;

export interface Waiting {
  readonly record: ClusterRecord;
  readonly paths: ClusterPaths;
  readonly clock: Clock;
}

/** Waits for the API and returns the administrator's kubeconfig. @throws ClusterError that says why, when it does not come */
export async function untilApiReady({ record, paths, clock }: Waiting, controlPlane: ProcessWatch, { signal }: Ctx): Promise<string> {
  const endMs = clock.monotonic() + apiLimitMs;
  using probe = new ReadyProbe(record, paths);
  while (!(await probe.isReady(signal))) {
    refuseStopped(record, paths);
    controlPlane.look();
    const leftMs = endMs - clock.monotonic();
    if (leftMs < 0 || (leftMs < apiLimitMs - patienceMs && controlPlane.complaint)) controlPlane.fail('does not become ready');
    await clock.sleep(pollMs, signal);
  }
  refuseStopped(record, paths);
  const kubeconfig = renderAdminKubeconfig(record, paths);
  writeFileAtomically(paths.adminKubeconfig, kubeconfig);
  return kubeconfig;
}

/** Waits for `nodes`, each of which has a watch at the same place, and with `all` for what is made for every cluster too. @throws ClusterError that says why, when it does not come */
export async function untilNodesReady(
  { record, paths, clock, nodes, all }: Waiting & { readonly nodes: readonly NodeRecord[]; readonly all: boolean },
  watches: { readonly controlPlane: ProcessWatch; readonly agents: readonly ProcessWatch[] },
  { signal }: Ctx,
): Promise<void> {
  const endMs = clock.monotonic() + nodeLimitMs;
  await using client = openAdminClient(record, paths);
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
  for (const [at, node] of nodes.entries()) {
    const agent = watches.agents[at]!;
    await until(
      async () => {
        agent.look();
        const { since } = agent;
        return since !== undefined && (await isNodeReady(client.api, { name: node.name, since }, signal));
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

/** Whether the node is Ready in the eyes of the agent that began at `since`: the stored node may have been so since before the last stop. */
async function isNodeReady(
  api: Client,
  { name, since }: { readonly name: string; readonly since: number },
  signal: AbortSignal,
): Promise<boolean> {
  const { items } = await api.list(corev1Resources.nodes, { signal, fieldSelector: `metadata.name=${name}` });
  const node: corev1.Node | undefined = items[0];
  const ready = getCondition(node?.status.conditions, 'Ready');
  // Heartbeats are told in whole seconds.
  const fresh = Date.parse(ready?.lastHeartbeatTime ?? '') >= Math.floor(since / 1000) * 1000;
  const tainted = node?.spec.taints?.some(({ key }) => key.startsWith('node.kubernetes.io/')) ?? false;
  return ready?.status === 'True' && fresh && !tainted;
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
