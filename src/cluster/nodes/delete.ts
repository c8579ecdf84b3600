/**
 * `knarr node delete`: empties a node as far as its pods' budgets and the given time allow, switches it off, then removes what the API and the
 * disk know of it. The record forgets it last, so a call that was interrupted is finished by the next.
 */
import {
  coordinationv1Resources,
  type corev1,
  corev1Resources,
  isApiError,
  type KubeObject,
  localPath,
  type ResourceRef,
} from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Client, ConnectionError } from '../../client/index.ts';
import { openAdminClient } from '../admin-client.ts';
import { ClusterError } from '../cluster-error.ts';
import { type ClusterRecord, writeClusterRecord } from '../cluster-record.ts';
import type { ClusterPaths } from '../home.ts';
import { withClusterLock, withMachineLock } from '../locks.ts';
import { leadAround } from '../network/host-network.ts';
import { announceChange } from '../supervision.ts';
import { cordon, evictAll, podsOn } from './drain.ts';
import { type NodeOptions, requireNode, requireRecord, requireRunning } from './node-command.ts';
import { removeNodeFiles } from './node-files.ts';
import { powerOff } from './power-off.ts';
import { isOff, markOn, nodesOn } from './power.ts';

export interface DeleteNodeOptions extends NodeOptions {
  /** How long pods may take to leave; those that are left then end with the node. */
  readonly drainLimitMs: number;
}

/** @throws ClusterError that says what to do, when there is no such node, it is the last one, or the cluster does not run */
export async function deleteNode(options: DeleteNodeOptions, ctx: Ctx): Promise<void> {
  const { paths, record: before } = requireRecord(options);
  refuseLast(options, before);
  requireRunning(options, paths);
  await using client = openAdminClient(before, paths);
  const { api } = client;
  try {
    if (!isOff(paths, requireNode(before, options.node).index)) await drain(options, api, ctx);
    await withClusterLock(paths, options, ctx, async () => {
      const { record } = requireRecord(options);
      // Somebody else deleted it while its pods left.
      if (!record.nodes.some(({ name }) => name === options.node)) return;
      refuseLast(options, record);
      requireRunning(options, paths);
      await remove(options, record, paths, api, ctx);
    });
  } catch (error) {
    if (error instanceof ConnectionError)
      throw new ClusterError(`the API server of cluster "${options.name}" does not answer; node ${options.node} stays`, { cause: error });
    throw error;
  }
}

function refuseLast({ name, node }: NodeOptions, record: ClusterRecord): void {
  requireNode(record, node);
  if (record.nodes.length === 1)
    throw new ClusterError(`"${node}" is the last node of cluster "${name}"; the whole cluster goes with: knarr delete --name ${name}`);
}

async function drain({ node, clock, drainLimitMs, say }: DeleteNodeOptions, api: Client, ctx: Ctx): Promise<void> {
  if (!(await cordon(api, node, ctx))) return;
  const left = await evictAll(api, node, { limitMs: drainLimitMs, clock }, ctx);
  if (left.length === 0) return;
  const names = left.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(', ');
  say(`these pods have not left in ${drainLimitMs / 1000} s and end with the node: ${names}`);
}

async function remove(options: DeleteNodeOptions, record: ClusterRecord, paths: ClusterPaths, api: Client, ctx: Ctx): Promise<void> {
  const { name, clock, say } = options;
  const node = requireNode(record, options.node);
  await powerOff({ cluster: name, index: node.index }, paths, clock, ctx);
  // A kubelet that lived would register its node again.
  await forgetInApi(api, node.name, say, ctx);
  await removeNodeFiles(paths, node, ctx);
  const without = { ...record, nodes: record.nodes.filter((each) => each !== node) };
  writeClusterRecord(paths, without);
  markOn(paths, node.index);
  await withMachineLock(options, ctx, () => leadAround(without, nodesOn(without, paths), ctx));
  await announceChange(paths, clock, ctx);
}

/** Node, lease, and whatever only this node could have ended: its pods, and its local volumes, whose data goes with it. */
async function forgetInApi(api: Client, name: string, say: (line: string) => void, ctx: Ctx): Promise<void> {
  const { signal } = ctx;
  const { nodes, pods, persistentvolumes } = corev1Resources;
  const gone = async <T extends KubeObject>(resource: ResourceRef<T>, key: { namespace?: string | undefined; name: string }, body = {}) => {
    try {
      await api.delete(resource, key, { signal, body });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  };
  await gone(nodes, { name });
  await gone(coordinationv1Resources.leases, { namespace: 'kube-node-lease', name });
  for (const { metadata } of await podsOn(api, name, ctx)) await gone(pods, metadata, { gracePeriodSeconds: 0 });
  const { items } = await api.list(persistentvolumes, { signal, labelSelector: `${localPath.nodeLabel}=${name}` });
  for (const volume of items) {
    const { claimRef } = volume.spec;
    if (volume.status.phase === 'Released') await gone(persistentvolumes, volume.metadata);
    else if (claimRef) say(`the data of claim ${claimRef.namespace}/${claimRef.name} was on this node and is gone`);
    await letGo(api, volume, ctx);
  }
}

/** Takes the finalizer off that waits for the directory, which goes with the node. */
async function letGo(api: Client, { metadata: { name } }: corev1.PersistentVolume, { signal }: Ctx): Promise<void> {
  for (;;) {
    try {
      const now = await api.get(corev1Resources.persistentvolumes, { name }, { signal });
      const finalizers = now.metadata.finalizers?.filter((one) => one !== localPath.finalizer) ?? [];
      if (finalizers.length === (now.metadata.finalizers?.length ?? 0)) return;
      await api.update(corev1Resources.persistentvolumes, { ...now, metadata: { ...now.metadata, finalizers } }, { signal });
      return;
    } catch (error) {
      if (isApiError(error, 'NotFound')) return;
      if (!isApiError(error, 'Conflict')) throw error;
    }
  }
}
