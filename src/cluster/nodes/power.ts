/**
 * Which nodes of a cluster are switched on. A node that was switched off has a mark in the cluster's run directory, as the cluster has one
 * while it is being stopped: nobody starts it again. With the directory the marks go, so a cluster that comes up starts all its nodes.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterRecord, NodeRecord } from '../cluster-record.ts';
import type { ClusterPaths } from '../home.ts';

function offMark(paths: ClusterPaths, index: number): string {
  return join(paths.run, `node-${index}.off`);
}

/** Whether somebody switched the node off. */
export function isOff(paths: ClusterPaths, index: number): boolean {
  return existsSync(offMark(paths, index));
}

export function markOff(paths: ClusterPaths, index: number): void {
  writeFileSync(offMark(paths, index), '', { mode: 0o600 });
}

export function markOn(paths: ClusterPaths, index: number): void {
  rmSync(offMark(paths, index), { force: true });
}

/** The nodes that are switched on, in the order of their numbers. */
export function nodesOn(record: Pick<ClusterRecord, 'nodes'>, paths: ClusterPaths): NodeRecord[] {
  return record.nodes.filter(({ index }) => !isOff(paths, index));
}
