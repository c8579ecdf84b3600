/**
 * `knarr up`: from nothing, or from a stopped cluster, to Ready nodes. Every step finds out by itself what is there already, so running it
 * again repairs and is quick, whatever ended the run before.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { type Clock, type Ctx, currentBootId, writeFileAtomically } from '../base/index.ts';
import { announceCluster } from './cgroups.ts';
import { ClusterError } from './cluster-error.ts';
import { ensurePki } from './cluster-pki.ts';
import {
  type ClusterRecord,
  type ComponentFlags,
  type EngineOptions,
  type NodeRecord,
  type PublishedPort,
  readClusterRecord,
} from './cluster-record.ts';
import { ingressRequirements, missingRequirements, requirements } from './engine/programs.ts';
import { clusterNameFault, type ClusterPaths, clusterPaths, homeFault, makePrivateDirectory } from './home.ts';
import { launchControlPlane, type LaunchContext } from './launch.ts';
import { withClusterLock, withMachineLock } from './locks.ts';
import { listBridgeMarks, refuseForeign } from './network/bridge-mark.ts';
import { loadBridgeFilter } from './network/bridge-filter.ts';
import { admitTraffic, raiseBridge } from './network/host-network.ts';
import { nodesOn } from './nodes/power.ts';
import { startNode } from './nodes/start-node.ts';
import { type IpFamilies, prepareRecord } from './prepare-record.ts';
import { ProcessWatch } from './process-watch.ts';
import { announceChange } from './supervision.ts';
import type { Balance } from '../proxy/index.ts';
import type { NetworkConfiguration } from '../network/configuration/index.ts';

export interface UpOptions {
  readonly home: string;
  readonly name: string;
  /** Undefined: as before, or none for a new cluster. */
  readonly published?: readonly PublishedPort[];
  /** How many nodes it is to have; undefined: as many as before, or one. @throws ClusterError by `up` when it has more */
  readonly nodeCount?: number;
  /** Which addresses it has; undefined: as before, or IPv4 alone. @throws ClusterError by `up` when it was made with others */
  readonly ipFamily?: IpFamilies;
  /** The nodes serve Ingresses; undefined: as before, or not. */
  readonly ingress?: boolean;
  /** Addresses for load balancers, `auto` or `none`; undefined: as before, or none. */
  readonly loadBalancerPool?: string;
  /** What is empty in it is as before. */
  readonly engine?: EngineOptions;
  /** What it says of a flag replaces what was said of that flag before; no values: the flag is forgotten. */
  /** How pods of different nodes reach each other; undefined: as before, or the default. */
  readonly podNetwork?: NetworkConfiguration;
  /** How Services choose among their endpoints; undefined: as before, or at random. */
  readonly balance?: Balance;
  readonly apiServerFlags?: ComponentFlags;
  readonly controllerManagerFlags?: ComponentFlags;
  readonly schedulerFlags?: ComponentFlags;
  /** Put the context into the user's kubeconfig. Default true. */
  readonly writeKubeconfig?: boolean;
  /** Wait until names are answered too. Default false: the node's readiness is enough. */
  readonly waitForAll?: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Told each step. */
  readonly say: (line: string) => void;
}

export interface UpResult {
  readonly record: ClusterRecord;
  readonly paths: ClusterPaths;
  /** File that the context went into; undefined when it was not wanted. */
  readonly kubeconfig: string | undefined;
}

/** @throws ClusterError that says what to do */
export async function up(options: UpOptions, ctx: Ctx): Promise<UpResult> {
  const { home, name, clock, say } = options;
  await checkMachine(options);
  const paths = clusterPaths(home, name);
  makePrivateDirectory(home);
  refuseForeign(await listBridgeMarks(ctx), options);
  const { record, nodes, controlPlane, agents } = await withClusterLock(paths, options, ctx, () => startEverything(options, paths, ctx));
  // Others may change the cluster again from here on: this only looks. What it needs for that is loaded while the processes start.
  const { untilApiReady, untilNodesReady } = await import('./readiness.ts');
  const kubeconfigText = await untilApiReady({ record, paths, clock }, controlPlane, ctx);
  say(`API server answers on https://127.0.0.1:${record.apiPort}`);
  const kubeconfig =
    options.writeKubeconfig === false
      ? undefined
      : await (await import('./kubeconfig-file.ts')).addContext(name, kubeconfigText, options.env);
  await untilNodesReady({ record, paths, clock, nodes, all: options.waitForAll ?? false }, { controlPlane, agents }, ctx);
  say(`node${nodes.length > 1 ? 's' : ''} ${nodes.map((node) => node.name).join(', ')} Ready`);
  const off = record.nodes.filter((node) => !nodes.includes(node));
  for (const node of off) say(`node ${node.name} is switched off: knarr node start ${node.name} --name ${name}`);
  return { record, paths, kubeconfig };
}

async function checkMachine({ home, name, env, ingress }: UpOptions): Promise<void> {
  const fault = clusterNameFault(name) ?? homeFault(home, name);
  if (fault) throw new ClusterError(fault);
  if (process.platform !== 'linux') throw new ClusterError('Knarr runs nodes on Linux only');
  if (process.getuid?.() !== 0) throw new ClusterError('a node needs root: namespaces, mounts and nftables are made. Run it with sudo.');
  const withIngress = ingress ?? readClusterRecord(clusterPaths(home, name))?.ingress ?? false;
  const missing = missingRequirements(home, withIngress ? [...requirements, ...ingressRequirements] : requirements);
  if (missing.length === 0) return;
  const { missingReport } = await import('./install/install.ts');
  const packages = [...new Set(missing.map((each) => each.package))];
  const report = missingReport({ missing, packages, isRoot: true, apt: true, forbidden: env['KNARR_NO_INSTALL'] === '1' });
  throw new ClusterError(
    report.replace(/^These programs are missing, and .*:$/m, 'These programs are missing:') + '\nor let Knarr install them: knarr install',
  );
}

interface Started {
  readonly record: ClusterRecord;
  /** Those that are switched on. */
  readonly nodes: readonly NodeRecord[];
  readonly controlPlane: ProcessWatch;
  readonly agents: readonly ProcessWatch[];
}

/** Everything that changes the machine. The caller holds the cluster's lock. */
async function startEverything(options: UpOptions, paths: ClusterPaths, ctx: Ctx): Promise<Started> {
  const { home, name, clock } = options;
  await clearRemains(options, paths, ctx);
  makePrivateDirectory(paths.run);
  writeFileAtomically(paths.bootId, currentBootId());
  const record = await withMachineLock(options, ctx, async () => {
    const marks = await listBridgeMarks(ctx);
    refuseForeign(marks, options);
    const prepared = await prepareRecord(options, paths, marks, ctx);
    announceCluster(name);
    await raiseBridge(prepared, nodesOn(prepared, paths), home, ctx);
    return prepared;
  });
  const launch: LaunchContext = { home, cluster: name, paths, engineEnv: record.engine.proxyEnv };
  await ensurePki(record, paths, clock);
  const controlPlane = ProcessWatch.ofControlPlane(paths, clock);
  const nodes = nodesOn(record, paths);
  const agents = nodes.map((node) => ProcessWatch.ofAgent(paths, node, clock));
  // It has all it needs: the rest is built while it starts.
  launchControlPlane(launch, { fromNode: false });
  await loadBridgeFilter(ctx);
  await allToTheEnd([
    ...nodes.map((node) => startNode(record, node, launch, ctx)),
    withMachineLock(options, ctx, () => admitTraffic(record, nodes, ctx)),
  ]);
  // A control plane that ran before knows of the new ones when it is told.
  await announceChange(paths, clock, ctx);
  return { record, nodes, controlPlane, agents };
}

/** Waits for all, also when one of them fails: the lock must not go while something is still being changed. */
async function allToTheEnd(changes: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(changes)) if (result.status === 'rejected') throw result.reason;
}

/** Ends a stop that was interrupted, and clears what an earlier boot of the machine left: nothing of it works any more. */
async function clearRemains(options: UpOptions, paths: ClusterPaths, ctx: Ctx): Promise<void> {
  if (!existsSync(paths.run)) return;
  const sameBoot = existsSync(paths.bootId) && readFileSync(paths.bootId, 'utf8') === currentBootId();
  if (sameBoot && !existsSync(paths.stoppingMark)) return;
  const record = readClusterRecord(paths);
  if (record) await (await import('./down.ts')).tearDown(options, record, paths, ctx);
  else rmSync(paths.run, { recursive: true, force: true });
}
