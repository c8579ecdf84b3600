/** Where the Ingress server of a node stands on this machine, and what it may take of it. */
import { mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { AgentConfig } from '../../agent/index.ts';
import { ClusterError } from '../cluster-error.ts';
import type { ClusterRecord, NodeRecord } from '../cluster-record.ts';
import { findProgram } from '../engine/programs.ts';
import { type ClusterPaths, machineNames, nodePaths } from '../home.ts';
import { nodeAddresses } from '../network/addresses.ts';
import { ingressFiles } from '../nodes/node-files.ts';

/** Most threads; more serve faster than a laptop's cluster is asked. */
const maxThreads = 4;
const mostConnections = 10_000;
/** Files beside connections: listeners, sockets, pipes. */
const otherFiles = 500;

/** Runs in the node's namespaces: its /run is its own. @throws ClusterError when the program is missing */
export function ingressServer(
  { home, paths, record: { name, network } }: { readonly home: string; readonly paths: ClusterPaths; readonly record: ClusterRecord },
  node: NodeRecord,
): NonNullable<AgentConfig['ingress']> {
  const program = findProgram('haproxy', home);
  if (!program) throw new ClusterError('haproxy is not installed: it serves Ingresses; knarr install --for ingress installs it');
  // Not below the home: a socket's path must be short, and the server makes it longer while it replaces it.
  const sockets = `/run/${machineNames(name).nftTable}-ingress`;
  mkdirSync(sockets, { recursive: true, mode: 0o700 });
  const files = ingressFiles(paths, node.index);
  return {
    program,
    record: files.record,
    serverLog: files.log,
    settings: {
      addresses: nodeAddresses(network, node),
      httpPort: 80,
      httpsPort: 443,
      metricsPort: 10_254,
      directory: join(nodePaths(paths, node.index).root, 'ingress'),
      socket: join(sockets, `${node.index}.sock`),
      threads: Math.min(availableParallelism(), maxThreads),
      maxConnections: maxConnections(readFileSync('/proc/self/limits', 'utf8')),
    },
  };
}

/** As many as there may be open files for: two a connection. Pure. @param limits text of `/proc/PID/limits` */
export function maxConnections(limits: string): number {
  const hard = /^Max open files +\S+ +(\S+)/m.exec(limits)?.[1];
  const files = hard === undefined || hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
  return Math.max(100, Math.min(mostConnections, Math.floor((files - otherFiles) / 2)));
}
