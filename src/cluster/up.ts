/**
 * `knarr up`: from nothing, or from a stopped cluster, to a Ready node. Every step finds out by itself what is there already, so running it
 * again repairs and is quick.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { corev1Resources, isConditionTrue } from '../api/index.ts';
import { type Clock, type Ctx, formatTime } from '../base/index.ts';
import { adminClient, isReady } from './admin-client.ts';
import { ClusterError } from './cluster-error.ts';
import {
  type ClusterRecord,
  type EngineOptions,
  listClusterRecords,
  type NetworkBlock,
  type PublishedPort,
  readClusterRecord,
  writeClusterRecord,
} from './cluster-record.ts';
import { freeApiPort } from './network/free-port.ts';
import { missingRequirements } from './engine/programs.ts';
import { clusterNameFault, type ClusterPaths, clusterPaths, makePrivateDirectory } from './home.ts';
import { missingReport } from './install/install.ts';
import { addContext } from './kubeconfig-file.ts';
import { agentRecord, controlPlaneRecord, launchAgent, launchControlPlane, type LaunchContext } from './launch.ts';
import { nodeAddress } from './network/address-block.ts';
import { findFreeBlock, raiseHostNetwork } from './network/host-network.ts';
import { raiseNodeNamespaces } from './network/node-namespaces.ts';
import { ensurePki } from './cluster-pki.ts';
import { readRunningRecord } from './process-record.ts';

export interface UpOptions {
  readonly home: string;
  readonly name: string;
  /** Undefined: as before, or none for a new cluster. */
  readonly published?: readonly PublishedPort[];
  readonly engine?: EngineOptions;
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

/** How long the API, and then the node, may take. */
const apiLimitMs = 60_000;
const nodeLimitMs = 120_000;
const pollMs = 10;

export async function up(options: UpOptions, ctx: Ctx): Promise<UpResult> {
  const { home, name, clock, say } = options;
  checkMachine(options);
  const paths = clusterPaths(home, name);
  makePrivateDirectory(paths.run);
  const record = await prepareRecord(options, paths, ctx);
  rmSync(paths.stoppingMark, { force: true });
  const launch: LaunchContext = { home, cluster: name, paths, engineEnv: record.engine.proxyEnv };
  await ensurePki(record, paths, clock);
  await raiseHostNetwork(record, home, paths, ctx);
  launchControlPlane(launch, { fromNode: false });
  for (const node of record.nodes) {
    await raiseNodeNamespaces(record, node, paths, ctx);
    launchAgent(launch, node.index);
  }
  const kubeconfigText = await untilApiReady({ record, paths, clock }, ctx);
  say(`API server answers on https://127.0.0.1:${record.apiPort}`);
  const kubeconfig = options.writeKubeconfig === false ? undefined : addContext(name, kubeconfigText, options.env);
  await untilNodesReady({ record, paths, clock, all: options.waitForAll ?? false }, ctx);
  say(`node${record.nodes.length > 1 ? 's' : ''} ${record.nodes.map((node) => node.name).join(', ')} Ready`);
  return { record, paths, kubeconfig };
}

function checkMachine({ home, name, env }: UpOptions): void {
  const fault = clusterNameFault(name);
  if (fault) throw new ClusterError(fault);
  if (process.platform !== 'linux') throw new ClusterError('Knarr runs nodes on Linux only');
  if (process.getuid?.() !== 0) throw new ClusterError('a node needs root: namespaces, mounts and nftables are made. Run it with sudo.');
  const missing = missingRequirements(home);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((each) => each.package))];
  const report = missingReport({ missing, packages, isRoot: true, apt: true, forbidden: env['KNARR_NO_INSTALL'] === '1' });
  throw new ClusterError(
    report.replace(/^These programs are missing, and .*:$/m, 'These programs are missing:') + '\nor let Knarr install them: knarr install',
  );
}

async function prepareRecord(options: UpOptions, paths: ClusterPaths, ctx: Ctx): Promise<ClusterRecord> {
  const known = readClusterRecord(paths);
  if (known) {
    const changed: ClusterRecord = {
      ...known,
      ...(options.published && { published: options.published }),
      ...(options.engine && { engine: options.engine }),
    };
    writeClusterRecord(paths, changed);
    return changed;
  }
  const others = listClusterRecords(options.home);
  const network = await findFreeBlock(
    others.map((other) => other.network),
    ctx.signal,
  );
  const record: ClusterRecord = {
    format: 1,
    name: options.name,
    createdAt: formatTime(options.clock.now()),
    apiPort: await freeApiPort(others.map(({ apiPort }) => apiPort)),
    network,
    nodes: [{ name: `${options.name}-1`, index: 1, ip: nodeAddress(network, 1) }],
    published: options.published ?? [],
    engine: options.engine ? withOwnRanges(options.engine, network) : { registryMirrors: {}, proxyEnv: {} },
  };
  writeClusterRecord(paths, record);
  return record;
}

/** What is inside the cluster is reached without the proxy. */
export function withOwnRanges(engine: EngineOptions, network: NetworkBlock): EngineOptions {
  if (Object.keys(engine.proxyEnv).length === 0) return engine;
  const own = ['127.0.0.1', 'localhost', network.nodeCidr, network.podCidr, network.serviceCidr, '.svc', '.cluster.local'];
  const given = engine.proxyEnv['NO_PROXY'] ?? engine.proxyEnv['no_proxy'] ?? '';
  const exceptions = [...new Set([...given.split(',').filter(Boolean), ...own])].join(',');
  return { ...engine, proxyEnv: { ...engine.proxyEnv, NO_PROXY: exceptions, no_proxy: exceptions } };
}

interface Waiting {
  readonly record: ClusterRecord;
  readonly paths: ClusterPaths;
  readonly clock: Clock;
}

/** Waits for the API and returns the administrator's kubeconfig. @throws ClusterError that names the log, when the process ended or time is up */
async function untilApiReady({ record, paths, clock }: Waiting, { signal }: Ctx): Promise<string> {
  const endMs = clock.monotonic() + apiLimitMs;
  const { kubeconfig } = adminClient(record, paths);
  while (!(await isReady(record, paths, signal))) {
    if (clock.monotonic() > endMs)
      throw new ClusterError(`the API server does not answer; its log is ${join(paths.logs, 'control-plane.log')}`);
    if (!readRunningRecord(controlPlaneRecord(paths)) && clock.monotonic() > endMs - apiLimitMs + 5000)
      throw new ClusterError(`the control plane ended; its log is ${join(paths.logs, 'control-plane.log')}`);
    await clock.sleep(pollMs, signal);
  }
  writeFileSync(paths.adminKubeconfig, kubeconfig, { mode: 0o600 });
  return kubeconfig;
}

async function untilNodesReady({ record, paths, clock, all }: Waiting & { readonly all: boolean }, { signal }: Ctx): Promise<void> {
  const endMs = clock.monotonic() + nodeLimitMs;
  const { open } = adminClient(record, paths);
  await using client = await open();
  for (const node of record.nodes) {
    for (;;) {
      const { items } = await client.api.list(corev1Resources.nodes, { signal, fieldSelector: `metadata.name=${node.name}` });
      const agentRuns = readRunningRecord(agentRecord(paths, node.index)) !== undefined;
      // A Ready from before the last stop says nothing about this agent.
      if (
        agentRuns &&
        items[0] &&
        isConditionTrue(items[0].status.conditions, 'Ready') &&
        !items[0].spec.taints?.some(({ key }) => key.startsWith('node.kubernetes.io/'))
      )
        break;
      if (clock.monotonic() > endMs)
        throw new ClusterError(`node ${node.name} does not become Ready; its log is ${join(paths.logs, `agent-${node.index}.log`)}`);
      await clock.sleep(pollMs * 2, signal);
    }
  }
  while (all) {
    const accounts = await client.api.list(corev1Resources.serviceaccounts, { signal, namespace: 'default' });
    const { items } = await client.api.list(corev1Resources.services, { signal, namespace: 'kube-system' });
    if (accounts.items.length > 0 && items.some(({ metadata }) => metadata.name === 'kube-dns')) return;
    if (clock.monotonic() > endMs) throw new ClusterError('the default ServiceAccount and cluster DNS do not appear');
    await clock.sleep(pollMs * 2, signal);
  }
}
