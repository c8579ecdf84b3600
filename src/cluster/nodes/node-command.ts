/** What the commands about one node have in common: which cluster, which node, and what has to be so before they begin. */
import { existsSync } from 'node:fs';
import type { Clock } from '../../base/index.ts';
import { ClusterError } from '../cluster-error.ts';
import { type ClusterRecord, type NodeRecord, readClusterRecord } from '../cluster-record.ts';
import { type ClusterPaths, clusterPaths } from '../home.ts';
import { isUp, type LaunchContext } from '../launch.ts';

export interface ClusterOptions {
  readonly home: string;
  /** The cluster's. */
  readonly name: string;
  readonly clock: Clock;
  /** Told each step. */
  readonly say: (line: string) => void;
}

export interface NodeOptions extends ClusterOptions {
  readonly node: string;
}

/** @throws ClusterError when there is no such cluster */
export function requireRecord({ home, name }: ClusterOptions): { readonly paths: ClusterPaths; readonly record: ClusterRecord } {
  const paths = clusterPaths(home, name);
  const record = readClusterRecord(paths);
  if (!record) throw new ClusterError(`there is no cluster "${name}"; start one with: knarr up --name ${name}`);
  return { paths, record };
}

/** @throws ClusterError when the cluster has no such node */
export function requireNode(record: ClusterRecord, node: string): NodeRecord {
  const found = record.nodes.find(({ name }) => name === node);
  if (!found)
    throw new ClusterError(
      `cluster "${record.name}" has no node "${node}"; its nodes are: ${record.nodes.map(({ name }) => name).join(', ')}`,
    );
  return found;
}

/** Whether the cluster is up, or on its way there. */
export function isRunningCluster(paths: ClusterPaths): boolean {
  return isUp(paths) && !existsSync(paths.stoppingMark);
}

/** @throws ClusterError when the cluster is stopped */
export function requireRunning({ name }: ClusterOptions, paths: ClusterPaths): void {
  if (!isRunningCluster(paths)) throw new ClusterError(`cluster "${name}" is stopped; start it with: knarr up --name ${name}`);
}

export function launchContext({ home, name }: ClusterOptions, record: ClusterRecord, paths: ClusterPaths): LaunchContext {
  return { home, cluster: name, paths, engineEnv: record.engine.proxyEnv };
}
