/** What a node keeps on the machine's disk, and when it goes: some of it with the node's life, all of it with the node. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Ctx, run } from '../../base/index.ts';
import type { NodeRecord } from '../cluster-record.ts';
import { type ClusterPaths, nodePaths } from '../home.ts';
import { agentRecord, containerdRecord, startedRecord } from '../launch.ts';

/** What an engine keeps for running containers means nothing without them; addresses that were given out would never come back. */
export function forgetBoot(paths: ClusterPaths, index: number): void {
  const node = nodePaths(paths, index);
  for (const path of [node.containerdState, node.overlay, node.criSocket, `${node.criSocket}.ttrpc`, join(node.root, 'ipam')])
    rmSync(path, { recursive: true, force: true });
}

/** Of the node's Ingress server: which process it is, and what it says. */
export function ingressFiles(paths: ClusterPaths, index: number): { readonly record: string; readonly log: string } {
  return { record: join(paths.run, `ingress-${index}.json`), log: join(paths.logs, `ingress-${index}.log`) };
}

/** Removes all that was kept of a node: engine, volumes, certificates, logs. Its processes and namespaces are gone. */
export async function removeNodeFiles(paths: ClusterPaths, { name, index }: NodeRecord, ctx: Ctx): Promise<void> {
  const node = nodePaths(paths, index);
  await unmountBelow(node.root, ctx);
  const records = [agentRecord(paths, index), startedRecord(agentRecord(paths, index)), containerdRecord(paths, index)];
  const ingress = ingressFiles(paths, index);
  const files = [node.root, node.log, node.containerdLog, ingress.record, ingress.log, `${ingress.log}.1`, ...records];
  for (const path of [...files, join(paths.pki, 'nodes', name)]) rmSync(path, { recursive: true, force: true });
}

/** Unmounts what is mounted below a directory in this namespace (after a crash in the middle of `up`). */
export async function unmountBelow(directory: string, { signal }: Ctx): Promise<void> {
  const script = `awk -v d='${directory}/' 'index($5, d) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while read -r m; do umount -l "$m"; done`;
  await run(['sh', '-c', script], { signal });
}
