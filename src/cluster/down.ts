/**
 * `knarr down` and `knarr delete`: ends everything a cluster runs on this machine and leaves the machine as it was. Works by what is there
 * (cgroups, records, pins), not by what should be, so it also cleans up after a crash.
 */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, type Ctx, run } from '../base/index.ts';
import { endProcesses, removeCgroups } from './cgroups.ts';
import { ClusterError } from './cluster-error.ts';
import { listClusterRecords, readClusterRecord } from './cluster-record.ts';
import { type ClusterPaths, clusterPaths, nodePaths } from './home.ts';
import { removeContext } from './kubeconfig-file.ts';
import { agentRecord, controlPlaneRecord } from './launch.ts';
import { lowerHostNetwork } from './network/host-network.ts';
import { lowerNodeNamespaces, removePins } from './network/node-namespaces.ts';
import { isRunning, type ProcessRecord, readRunningRecord, signalRecorded } from './process-record.ts';

export interface DownOptions {
  readonly home: string;
  readonly name: string;
  readonly clock: Clock;
}

/** Time for containers to end by themselves, and for our own processes. */
const podGraceMs = 1500;
const processGraceMs = 2000;
const pollMs = 10;

/** Stops the cluster; its state stays. Harmless when it is stopped already. @throws ClusterError when there is no such cluster */
export async function down({ home, name, clock }: DownOptions, ctx: Ctx): Promise<void> {
  const paths = clusterPaths(home, name);
  const record = readClusterRecord(paths);
  if (!record) throw new ClusterError(`there is no cluster "${name}"`);
  if (!existsSync(paths.run)) return;
  writeFileSync(paths.stoppingMark, '');
  // The agents first: a kubelet that lives would start again what is stopped below.
  const agents = record.nodes.flatMap(({ index }) => readRunningRecord(agentRecord(paths, index)) ?? []);
  const controlPlane = readRunningRecord(controlPlaneRecord(paths));
  await Promise.all([endAll(agents, clock, ctx), endAll(controlPlane ? [controlPlane] : [], clock, ctx)]);
  await endProcesses(name, 'pods', { graceMs: podGraceMs, clock, signal: ctx.signal });
  await endProcesses(name, 'all', { graceMs: 0, clock, signal: ctx.signal });
  removeCgroups(name);
  const lastCluster = !listClusterRecords(home).some((other) => other.name !== name && isUp(clusterPaths(home, other.name)));
  for (const { index } of record.nodes) {
    await lowerNodeNamespaces(name, index, paths, ctx);
    forgetBoot(paths, index);
  }
  await removePins(paths, { ...ctx, lastCluster });
  await lowerHostNetwork(name, home, paths, { ...ctx, lastCluster });
  await unmountLeftovers(paths, ctx);
  rmSync(paths.run, { recursive: true, force: true });
}

/** Stops the cluster and removes everything that was kept of it. */
export async function deleteCluster(
  options: DownOptions & { readonly env: Readonly<Record<string, string | undefined>> },
  ctx: Ctx,
): Promise<void> {
  const paths = clusterPaths(options.home, options.name);
  await down(options, ctx);
  removeContext(options.name, options.env);
  rmSync(paths.root, { recursive: true, force: true });
  const clusters = join(options.home, 'clusters');
  if (existsSync(clusters) && readdirSync(clusters).length === 0) rmSync(clusters, { recursive: true });
}

/** Whether anything of the cluster runs. */
export function isUp(paths: ClusterPaths): boolean {
  return existsSync(paths.run) && readRunningRecord(controlPlaneRecord(paths)) !== undefined;
}

async function endAll(records: readonly ProcessRecord[], clock: Clock, { signal }: Ctx): Promise<void> {
  for (const record of records) signalRecorded(record, 'SIGTERM');
  const endMs = clock.monotonic() + processGraceMs;
  while (records.some(isRunning) && clock.monotonic() < endMs) await clock.sleep(pollMs, signal);
  for (const record of records) signalRecorded(record, 'SIGKILL');
  while (records.some(isRunning)) await clock.sleep(pollMs, signal);
}

/** What an engine keeps for running containers means nothing without them; addresses that were given out would never come back. */
function forgetBoot(paths: ClusterPaths, index: number): void {
  const node = nodePaths(paths, index);
  for (const path of [node.containerdState, node.overlay, node.criSocket, `${node.criSocket}.ttrpc`, join(node.root, 'ipam')])
    rmSync(path, { recursive: true, force: true });
}

/** Mounts below the cluster's directory that are left in this namespace (after a crash in the middle of `up`). */
async function unmountLeftovers(paths: ClusterPaths, { signal }: Ctx): Promise<void> {
  const script = `awk -v d='${paths.root}/' 'index($5, d) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while read -r m; do umount -l "$m"; done`;
  await run(['sh', '-c', script], { signal });
}
