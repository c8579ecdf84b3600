/** What is remembered of a cluster between two runs: its addresses, ports, nodes and the options it was started with. */
import { writeFileAtomically } from '../base/index.ts';
import type { NetworkConfiguration } from '../network/configuration/index.ts';
import type { Balance } from '../proxy/index.ts';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClusterError } from './cluster-error.ts';
import { type ClusterPaths, clusterPaths, makePrivateDirectory } from './home.ts';

/** Addresses of one cluster; no two clusters of a machine share any of them. */
export interface NetworkBlock {
  /** The nodes' own network, such as `10.200.0.0/24`; the host's bridge has its first address. */
  readonly nodeCidr: string;
  readonly hostIp: string;
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly apiServiceIp: string;
  readonly dnsServiceIp: string;
  /** Left out: the cluster has IPv4 alone. */
  readonly ipv6?: Ipv6Block;
}

/** The same in IPv6, for a cluster of both families; the API server and DNS stand in IPv4. */
export interface Ipv6Block {
  readonly nodeCidr: string;
  readonly hostIp: string;
  readonly podCidr: string;
  readonly serviceCidr: string;
}

export interface NodeRecord {
  readonly name: string;
  /** 1 for the first; it numbers addresses and pod subnets. */
  readonly index: number;
  readonly ip: string;
}

/** A port of the host that leads to a NodePort or hostPort of node 1. */
export interface PublishedPort {
  readonly hostPort: number;
  readonly nodePort: number;
}

export interface EngineOptions {
  /** Registry host → mirror URL. */
  readonly registryMirrors: Readonly<Record<string, string>>;
  /** File of a CA that registries are verified with. */
  readonly registryCa?: string;
  /** HTTP_PROXY, HTTPS_PROXY and NO_PROXY for the engine. */
  readonly proxyEnv: Readonly<Record<string, string>>;
}

export interface ClusterRecord {
  /** Version of this record's shape; a newer one is refused. */
  readonly format: 1;
  readonly name: string;
  readonly createdAt: string;
  readonly apiPort: number;
  readonly network: NetworkBlock;
  readonly nodes: readonly NodeRecord[];
  readonly published: readonly PublishedPort[];
  readonly engine: EngineOptions;
  /** Addresses for load balancers, as the user wrote them; left out: they get the nodes' own. */
  readonly loadBalancerPool?: string;
  /** The nodes serve Ingresses. Left out: they do not. */
  readonly ingress?: boolean;
  /** How pods of different nodes reach each other; left out: the default. */
  readonly podNetwork?: NetworkConfiguration;
  /** How Services choose among their endpoints; left out: at random. */
  readonly balance?: Balance;
  /** Flags of the API server that differ from what this program chooses. */
  readonly apiServerFlags?: ComponentFlags;
  /** The same of the controller manager. */
  readonly controllerManagerFlags?: ComponentFlags;
  /** The same of the scheduler. */
  readonly schedulerFlags?: ComponentFlags;
}

/** Values by the name of their flag; several when it is given several times. */
export type ComponentFlags = Readonly<Record<string, readonly string[]>>;

/** Flags of before with those that are given in their place; one without values is forgotten. In the order of their names. Pure. */
export function mergeFlags(before: ComponentFlags, wanted: ComponentFlags = {}): ComponentFlags {
  const merged = Object.entries({ ...before, ...wanted }).filter(([, values]) => values.length > 0);
  return Object.fromEntries(merged.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The record of the cluster at `paths`; undefined when there is none. */
export function readClusterRecord(paths: ClusterPaths): ClusterRecord | undefined {
  if (!existsSync(paths.record)) return undefined;
  // Written by this program; the format number is checked before anything else of it is believed.
  const record = JSON.parse(readFileSync(paths.record, 'utf8')) as ClusterRecord;
  if (record.format !== 1)
    throw new ClusterError(`${paths.record} has format ${String(record.format)}; this version of Knarr knows format 1`);
  return record;
}

export function writeClusterRecord(paths: ClusterPaths, record: ClusterRecord): void {
  makePrivateDirectory(paths.root);
  writeFileAtomically(paths.record, `${JSON.stringify(record, null, 2)}\n`);
}

/** Every cluster that `home` holds. */
export function listClusterRecords(home: string): ClusterRecord[] {
  const directory = join(home, 'clusters');
  if (!existsSync(directory)) return [];
  // A name with a dot in front is a cluster that is being deleted.
  return readdirSync(directory).flatMap((name) => (name.startsWith('.') ? [] : (readClusterRecord(clusterPaths(home, name)) ?? [])));
}
