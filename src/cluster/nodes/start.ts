/** `knarr node add` and `knarr node start`: a node more, or one that was switched off, in a cluster that runs. */
import type { Ctx } from '../../base/index.ts';
import { ClusterError } from '../cluster-error.ts';
import { ensurePki } from '../cluster-pki.ts';
import { type ClusterRecord, type NodeRecord, writeClusterRecord } from '../cluster-record.ts';
import { type ClusterPaths, homeFault } from '../home.ts';
import { withClusterLock, withMachineLock } from '../locks.ts';
import { leadAround } from '../network/host-network.ts';
import { namespacesStand, nodeNamespaces } from '../network/node-namespaces.ts';
import { ProcessWatch } from '../process-watch.ts';
import { announceChange } from '../supervision.ts';
import {
  type ClusterOptions,
  isRunningCluster,
  launchContext,
  type NodeOptions,
  requireNode,
  requireRecord,
  requireRunning,
} from './node-command.ts';
import { withNode } from './node-plan.ts';
import { isOff, markOn, nodesOn } from './power.ts';
import { startNode } from './start-node.ts';

interface Started {
  readonly record: ClusterRecord;
  readonly node: NodeRecord;
  readonly watches: { readonly controlPlane: ProcessWatch; readonly agents: readonly ProcessWatch[] };
}

/**
 * Adds a node and waits until it is Ready; a stopped cluster has it from the next `up` on. Finishes what an earlier call began. Returns the
 * node's name.
 * @param options.node its name; undefined: the cluster's name and a number
 * @throws ClusterError that says what to do
 */
export async function addNode(options: ClusterOptions & { readonly node?: string }, ctx: Ctx): Promise<string> {
  const { paths } = requireRecord(options);
  const added = await withClusterLock(paths, options, ctx, async () => {
    const { record: before } = requireRecord(options);
    const running = isRunningCluster(paths);
    const unfinished = running ? findUnfinished(before, paths, options.node) : undefined;
    const record = unfinished ? before : await enroll(options, before, paths);
    const node = unfinished ?? record.nodes.find((each) => !before.nodes.includes(each))!;
    return running ? await bring(options, record, node, paths, ctx) : node.name;
  });
  if (typeof added === 'string') {
    options.say(`node ${added} is part of cluster ${options.name}, which is stopped: knarr up --name ${options.name}`);
    return added;
  }
  await untilReady(options, added, paths, ctx);
  return added.node.name;
}

/** Switches a node on again and waits until it is Ready. Harmless when it is on. @throws ClusterError that says what to do */
export async function startStoppedNode(options: NodeOptions, ctx: Ctx): Promise<void> {
  const { paths } = requireRecord(options);
  const started = await withClusterLock(paths, options, ctx, async () => {
    const { record } = requireRecord(options);
    const node = requireNode(record, options.node);
    requireRunning(options, paths);
    return bring(options, record, node, paths, ctx);
  });
  await untilReady(options, started, paths, ctx);
}

/** A node that a killed command left half made: whoever makes one has the lock until its namespaces stand. */
function findUnfinished(record: ClusterRecord, paths: ClusterPaths, name: string | undefined): NodeRecord | undefined {
  return record.nodes.find(
    (node) =>
      (name === undefined || node.name === name) &&
      !isOff(paths, node.index) &&
      !namespacesStand(nodeNamespaces(record.name, paths, node.index)),
  );
}

/** Writes the node down. */
async function enroll({ home, name, node }: ClusterOptions & { readonly node?: string }, before: ClusterRecord, paths: ClusterPaths) {
  const record: ClusterRecord = { ...before, nodes: withNode(before, node) };
  const fault = homeFault(home, name, record.nodes.at(-1)!.index);
  if (fault) throw new ClusterError(fault);
  const added = record.nodes.find((each) => !before.nodes.includes(each))!;
  if (before.loadBalancerPool !== undefined) {
    // What understands ranges is loaded only where there is one.
    const { isPooled } = await import('../network/load-balancer-pool.ts');
    if (isPooled(before.loadBalancerPool, added.ip))
      throw new ClusterError(
        `the address of node ${added.name}, ${added.ip}, is one of load balancers: give them another --load-balancer-pool`,
      );
  }
  writeClusterRecord(paths, record);
  return record;
}

/** All that changes the machine. */
async function bring(options: ClusterOptions, record: ClusterRecord, node: NodeRecord, paths: ClusterPaths, ctx: Ctx): Promise<Started> {
  const { clock } = options;
  const watches = {
    controlPlane: ProcessWatch.ofControlPlane(paths, clock),
    agents: [ProcessWatch.ofAgent(paths, node, clock)],
  };
  markOn(paths, node.index);
  await ensurePki(record, paths, clock);
  await startNode(record, node, launchContext(options, record, paths), ctx);
  await withMachineLock(options, ctx, () => leadAround(record, nodesOn(record, paths), ctx));
  await announceChange(paths, clock, ctx);
  return { record, node, watches };
}

async function untilReady(options: ClusterOptions, { record, node, watches }: Started, paths: ClusterPaths, ctx: Ctx): Promise<void> {
  const { untilNodesReady } = await import('../readiness.ts');
  await untilNodesReady({ record, paths, clock: options.clock, nodes: [node], all: false }, watches, ctx);
  const { shareImages } = await import('../images/share-images.ts');
  await shareImages({ home: options.home, record, paths, nodes: [node], say: options.say }, ctx);
}
