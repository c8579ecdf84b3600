/** Switches one node on: its registries, namespaces and agent. The rest of the node is the agent's work. */
import type { Ctx } from '../../base/index.ts';
import type { ClusterRecord, NodeRecord } from '../cluster-record.ts';
import { writeRegistryConfig } from '../engine/registry-config.ts';
import { nodePaths } from '../home.ts';
import { launchAgent, type LaunchContext } from '../launch.ts';
import { raiseNodeNamespaces } from '../network/node-namespaces.ts';

/** Does what is not done yet. The caller holds the cluster's lock; the bridge stands, and so do the node's certificates. */
export async function startNode(record: ClusterRecord, node: NodeRecord, launch: LaunchContext, ctx: Ctx): Promise<void> {
  writeRegistryConfig(nodePaths(launch.paths, node.index), record.engine);
  await raiseNodeNamespaces(record, node, launch.paths, ctx);
  launchAgent(launch, node.index);
}
