/** The door to a cluster's life on this machine: up, down, status, installing. What takes long to load is loaded when it is called. */
import type { Ctx } from '../../base/index.ts';
import type { DeleteOptions, DownOptions } from '../down.ts';
import type { DeleteNodeOptions } from '../nodes/delete.ts';
import type { ClusterOptions, NodeOptions } from '../nodes/node-command.ts';
import type { ClusterStatus } from '../status.ts';
import type { UpOptions, UpResult } from '../up.ts';

export { ensureHelloImage, helloManifest, readHelloManifest } from '../hello-example.ts';
export { installMissing } from '../install/install.ts';
export { type ClientPrograms, fetchClientPrograms } from '../install/kubectl-package.ts';
export { isUp } from '../launch.ts';
export { proportionalBytes } from '../process-memory.ts';
export type { ClusterStatus, UpOptions, UpResult };

/** Starts the cluster, or what of it does not run. @throws ClusterError that says what to do */
export async function up(options: UpOptions, ctx: Ctx): Promise<UpResult> {
  return (await import('../up.ts')).up(options, ctx);
}

/** Stops the cluster; its state stays. Harmless when it is stopped already. @throws ClusterError when there is no such cluster */
export async function down(options: DownOptions, ctx: Ctx): Promise<void> {
  await (await import('../down.ts')).down(options, ctx);
}

/** Stops the cluster and removes everything that was kept of it. @throws ClusterError when there is no such cluster */
export async function deleteCluster(options: DeleteOptions, ctx: Ctx): Promise<void> {
  await (await import('../down.ts')).deleteCluster(options, ctx);
}

/** What runs of the cluster, and what it takes. @throws ClusterError when there is no such cluster */
export async function clusterStatus(options: { readonly home: string; readonly name: string }, ctx: Ctx): Promise<ClusterStatus> {
  return (await import('../status.ts')).clusterStatus(options, ctx);
}

/** Adds a node; returns its name. @throws ClusterError that says what to do */
export async function addNode(options: ClusterOptions & { readonly node?: string }, ctx: Ctx): Promise<string> {
  return (await import('../nodes/start.ts')).addNode(options, ctx);
}

/** Switches a node on that was switched off. @throws ClusterError that says what to do */
export async function startNode(options: NodeOptions, ctx: Ctx): Promise<void> {
  await (await import('../nodes/start.ts')).startStoppedNode(options, ctx);
}

/** Switches a node off, as if it lost power. @throws ClusterError that says what to do */
export async function stopNode(options: NodeOptions, ctx: Ctx): Promise<void> {
  await (await import('../nodes/stop.ts')).stopNode(options, ctx);
}

/** Lets a node's pods leave, then removes the node and all that was kept of it. @throws ClusterError that says what to do */
export async function deleteNode(options: DeleteNodeOptions, ctx: Ctx): Promise<void> {
  await (await import('../nodes/delete.ts')).deleteNode(options, ctx);
}
