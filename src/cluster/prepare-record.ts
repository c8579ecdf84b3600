/** What a cluster is made of, decided once by the first `up` and kept: addresses, ports, nodes. Later calls change options only. */
import type { Clock, Ctx } from '../base/index.ts';
import { formatTime } from '../base/index.ts';
import { ClusterError } from './cluster-error.ts';
import {
  type ClusterRecord,
  type ComponentFlags,
  type EngineOptions,
  listClusterRecords,
  mergeFlags,
  type NetworkBlock,
  type PublishedPort,
  readClusterRecord,
  writeClusterRecord,
} from './cluster-record.ts';
import { type ClusterPaths, homeFault, machineNames } from './home.ts';
import { aliveOf, controlPlaneRecord } from './launch.ts';
import type { BridgeMark } from './network/bridge-mark.ts';
import { freePort, isPortFree } from './network/free-port.ts';
import { findFreeBlock, findFreeIpv6Block } from './network/host-network.ts';
import { rangesOf } from './network/addresses.ts';
import { withNodeCount } from './nodes/node-plan.ts';
import type { Balance } from '../proxy/index.ts';
import type { NetworkConfiguration } from '../network/configuration/index.ts';

/** Which addresses a cluster has: IPv4 alone, or both families. */
export type IpFamilies = 'ipv4' | 'dual';

export interface WantedCluster {
  readonly home: string;
  readonly name: string;
  /** Undefined: as before, or none for a new cluster. */
  readonly published?: readonly PublishedPort[];
  /** How many it is to have; undefined: as many as before, or one. */
  readonly nodeCount?: number;
  /** Undefined: as before, or IPv4 alone for a new cluster. It cannot be changed. */
  readonly ipFamily?: IpFamilies;
  /** The nodes serve Ingresses; undefined: as before, or not. */
  readonly ingress?: boolean;
  /** Addresses for load balancers, `auto` or `none`; undefined: as before, or none. */
  readonly loadBalancerPool?: string;
  /** How pods of different nodes reach each other; undefined: as before, or the default. */
  readonly podNetwork?: NetworkConfiguration;
  /** How Services choose among their endpoints; undefined: as before, or at random. */
  readonly balance?: Balance;
  /** What is empty in it is as before. */
  readonly engine?: EngineOptions;
  /** What it says of a flag replaces what was said of that flag before; no values: the flag is forgotten. */
  readonly apiServerFlags?: ComponentFlags;
  readonly controllerManagerFlags?: ComponentFlags;
  readonly schedulerFlags?: ComponentFlags;
  readonly clock: Clock;
  /** Told what turned out differently. */
  readonly say: (line: string) => void;
}

const noEngineOptions: EngineOptions = { registryMirrors: {}, proxyEnv: {} };

/** Reads or makes the record, writes it, and returns it. The caller holds the machine's lock: what is chosen is free until it is used. */
export async function prepareRecord(
  wanted: WantedCluster,
  paths: ClusterPaths,
  marks: readonly BridgeMark[],
  ctx: Ctx,
): Promise<ClusterRecord> {
  const others = listClusterRecords(wanted.home).filter(({ name }) => name !== wanted.name);
  const { bridge } = machineNames(wanted.name);
  const takenPorts = [...others, ...marks.filter((mark) => mark.bridge !== bridge)].map(({ apiPort }) => apiPort);
  const known = readClusterRecord(paths);
  await refuseTakenPorts(wanted.published ?? [], known, others);
  const record = known ? await changedRecord(known, wanted, paths, takenPorts) : await newRecord(wanted, others, takenPorts, ctx);
  const fault = homeFault(wanted.home, wanted.name, record.nodes.at(-1)!.index);
  if (fault) throw new ClusterError(fault);
  if (record.loadBalancerPool !== undefined) await (await import('./network/load-balancer-pool.ts')).refusePool(record, others, ctx);
  writeClusterRecord(paths, record);
  return record;
}

/** What the record says of a pool; what understands ranges is loaded only when one is asked for. */
async function requestedPool(
  text: string | undefined,
  known: Pick<ClusterRecord, 'network' | 'loadBalancerPool'>,
): Promise<Pick<ClusterRecord, 'loadBalancerPool'>> {
  if (text !== undefined) return (await import('./network/load-balancer-pool.ts')).poolRequest(text, known);
  return known.loadBalancerPool === undefined ? {} : { loadBalancerPool: known.loadBalancerPool };
}

async function newRecord(
  wanted: WantedCluster,
  others: readonly ClusterRecord[],
  takenPorts: readonly number[],
  ctx: Ctx,
): Promise<ClusterRecord> {
  const reserved = others.map((other) => other.network);
  const block = await findFreeBlock(reserved, wanted.home, ctx.signal);
  const network =
    wanted.ipFamily === 'dual'
      ? { ...block, ipv6: await findFreeIpv6Block({ cluster: wanted.name, nodeCidr: block.nodeCidr, reserved }, ctx.signal) }
      : block;
  const pool = await requestedPool(wanted.loadBalancerPool, { network });
  return {
    format: 1,
    name: wanted.name,
    createdAt: formatTime(wanted.clock.now()),
    apiPort: await freePort(takenPorts),
    network,
    nodes: withNodeCount({ name: wanted.name, network, nodes: [] }, wanted.nodeCount),
    published: wanted.published ?? [],
    engine: mergeEngine(noEngineOptions, wanted.engine, network),
    ...(wanted.ingress && { ingress: true }),
    ...pool,
    ...(wanted.podNetwork && { podNetwork: wanted.podNetwork }),
    ...(wanted.balance && { balance: wanted.balance }),
    apiServerFlags: mergeFlags({}, wanted.apiServerFlags),
    controllerManagerFlags: mergeFlags({}, wanted.controllerManagerFlags),
    schedulerFlags: mergeFlags({}, wanted.schedulerFlags),
  };
}

async function changedRecord(
  known: ClusterRecord,
  wanted: WantedCluster,
  paths: ClusterPaths,
  takenPorts: readonly number[],
): Promise<ClusterRecord> {
  refuseOtherFamily(known, wanted.ipFamily);
  let { apiPort } = known;
  const runs = aliveOf(controlPlaneRecord(paths)) !== undefined;
  if (!runs && !(await isPortFree(apiPort))) {
    apiPort = await freePort(takenPorts);
    wanted.say(`port ${known.apiPort} is taken by another program; the API server takes ${apiPort}`);
  }
  const apiServerFlags = mergeFlags(known.apiServerFlags ?? {}, wanted.apiServerFlags);
  const controllerManagerFlags = mergeFlags(known.controllerManagerFlags ?? {}, wanted.controllerManagerFlags);
  const schedulerFlags = mergeFlags(known.schedulerFlags ?? {}, wanted.schedulerFlags);
  const ingress = wanted.ingress ?? known.ingress ?? false;
  const differ = (now: ComponentFlags, before: ComponentFlags = {}): boolean => JSON.stringify(now) !== JSON.stringify(before);
  if (runs && wanted.podNetwork && JSON.stringify(wanted.podNetwork) !== JSON.stringify(known.podNetwork))
    wanted.say('the cluster runs: its nodes take the new network after knarr down and knarr up');
  if (runs && wanted.balance && wanted.balance !== (known.balance ?? 'random'))
    wanted.say('the cluster runs: its Services choose among endpoints that way after knarr down and knarr up');
  for (const [component, changed] of [
    ['API server', differ(apiServerFlags, known.apiServerFlags)],
    ['controller manager', differ(controllerManagerFlags, known.controllerManagerFlags)],
    ['scheduler', differ(schedulerFlags, known.schedulerFlags)],
  ] as const) {
    if (runs && changed) wanted.say(`the cluster runs: its ${component} takes the new flags after knarr down and knarr up`);
  }
  if (runs && ingress !== (known.ingress ?? false))
    wanted.say(`the cluster runs: its nodes ${ingress ? 'serve' : 'stop serving'} Ingresses after knarr down and knarr up`);
  const { loadBalancerPool: poolBefore, ...rest } = known;
  const pool = await requestedPool(wanted.loadBalancerPool, known);
  if (runs && pool.loadBalancerPool !== poolBefore)
    wanted.say('the cluster runs: load balancers take the new pool after knarr down and knarr up');
  return {
    ...rest,
    apiPort,
    ...pool,
    ...(wanted.podNetwork && { podNetwork: wanted.podNetwork }),
    ...(wanted.balance && { balance: wanted.balance }),
    apiServerFlags,
    controllerManagerFlags,
    schedulerFlags,
    nodes: withNodeCount(known, wanted.nodeCount),
    published: wanted.published ?? known.published,
    engine: mergeEngine(known.engine, wanted.engine, known.network),
    ingress,
  };
}

/** @throws ClusterError when the cluster was made with other addresses: what is in it was built on them */
function refuseOtherFamily({ name, network }: ClusterRecord, wanted: IpFamilies | undefined): void {
  const has: IpFamilies = network.ipv6 ? 'dual' : 'ipv4';
  if (wanted !== undefined && wanted !== has)
    throw new ClusterError(`cluster "${name}" was made with --ip-family ${has}, which cannot be changed; delete it and start it anew`);
}

/** @throws ClusterError when a port that is to be published would be taken away from somebody */
async function refuseTakenPorts(
  published: readonly PublishedPort[],
  known: ClusterRecord | undefined,
  others: readonly ClusterRecord[],
): Promise<void> {
  for (const { hostPort } of published) {
    if (known?.published.some((each) => each.hostPort === hostPort)) continue;
    const other = others.find((each) => each.published.some((port) => port.hostPort === hostPort));
    if (other) throw new ClusterError(`port ${hostPort} is published by cluster "${other.name}" already`);
    if (!(await isPortFree(hostPort))) throw new ClusterError(`port ${hostPort} cannot be published: a program listens on it`);
  }
}

/** New options over those of before; what is empty in the new ones stays. What is inside the cluster is reached without the proxy. Pure. */
export function mergeEngine(before: EngineOptions, wanted: EngineOptions | undefined, network: NetworkBlock): EngineOptions {
  if (!wanted) return before;
  const empty = (record: Readonly<Record<string, string>>): boolean => Object.keys(record).length === 0;
  const registryCa = wanted.registryCa ?? before.registryCa;
  return {
    registryMirrors: empty(wanted.registryMirrors) ? before.registryMirrors : wanted.registryMirrors,
    proxyEnv: empty(wanted.proxyEnv) ? before.proxyEnv : withOwnRanges(wanted.proxyEnv, network),
    ...(registryCa && { registryCa }),
  };
}

function withOwnRanges(proxyEnv: Readonly<Record<string, string>>, network: NetworkBlock): Record<string, string> {
  const ranges = (['nodeCidr', 'podCidr', 'serviceCidr'] as const).flatMap((kind) => rangesOf(network, kind));
  const own = ['127.0.0.1', 'localhost', ...ranges, '.svc', '.cluster.local'];
  const given = proxyEnv['NO_PROXY'] ?? proxyEnv['no_proxy'] ?? '';
  const exceptions = [...new Set([...given.split(',').filter(Boolean), ...own])].join(',');
  return { ...proxyEnv, NO_PROXY: exceptions, no_proxy: exceptions };
}
