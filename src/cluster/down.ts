/**
 * `knarr down` and `knarr delete`: ends everything a cluster runs on this machine and leaves the machine as it was. Works by what is there
 * (cgroups, records, pins), not by what should be, so it also cleans up after a crash.
 */
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Ctx, ProcessIdentity } from '../base/index.ts';
import { endProcesses, otherClustersStand, removeCgroups } from './cgroups.ts';
import { ClusterError } from './cluster-error.ts';
import { type ClusterRecord, readClusterRecord } from './cluster-record.ts';
import { type ClusterPaths, clusterPaths } from './home.ts';
import { agentRecord, aliveOf, controlPlaneRecord } from './launch.ts';
import { withClusterLock, withMachineLock } from './locks.ts';
import { foreignMark, listBridgeMarks } from './network/bridge-mark.ts';
import { lowerHostNetwork } from './network/host-network.ts';
import { lowerNodeNamespaces, removeMountPoints, removePins } from './network/node-namespaces.ts';
import { forgetBoot, unmountBelow } from './nodes/node-files.ts';
import { isRunning, signalRecorded } from './process-record.ts';

export interface DownOptions {
  readonly home: string;
  readonly name: string;
  readonly clock: Clock;
  /** Told when another command has to be waited for. */
  readonly say: (line: string) => void;
}

/** Of what is removed, the context in the user's kubeconfig is found by the environment. */
export interface DeleteOptions extends DownOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Time for containers to end by themselves, and for our own processes. */
const podGraceMs = 1500;
const processGraceMs = 2000;
const pollMs = 10;

/** Stops the cluster; its state stays. Harmless when it is stopped already. @throws ClusterError when there is no such cluster */
export async function down(options: DownOptions, ctx: Ctx): Promise<void> {
  const paths = requirePaths(options);
  await withClusterLock(paths, options, ctx, async () => {
    const record = readClusterRecord(paths);
    if (record && existsSync(paths.run)) await tearDown(options, record, paths, ctx);
  });
}

/** Stops the cluster and removes everything that was kept of it. @throws ClusterError when there is no such cluster */
export async function deleteCluster(options: DeleteOptions, ctx: Ctx): Promise<void> {
  const paths = requirePaths(options);
  const clusters = join(options.home, 'clusters');
  await withClusterLock(paths, options, ctx, async () => {
    const record = readClusterRecord(paths);
    if (record) await tearDown(options, record, paths, ctx);
    const { removeContext } = await import('./kubeconfig-file.ts');
    await removeContext(options.name, options.env);
    // In one step, the lock with it: whoever waits for the lock finds nothing, not half of a cluster.
    renameSync(paths.root, join(clusters, `.deleted-${options.name}-${process.pid}`));
  });
  // Also what a delete that was interrupted here has left.
  for (const name of readdirSync(clusters))
    if (name.startsWith('.deleted-')) rmSync(join(clusters, name), { recursive: true, force: true });
  if (readdirSync(clusters).length === 0) rmSync(clusters, { recursive: true });
}

/** An `up` that was killed early leaves a directory without a record: that is a cluster to delete, too. */
function requirePaths({ home, name }: DownOptions): ClusterPaths {
  const paths = clusterPaths(home, name);
  if (!existsSync(paths.root)) throw new ClusterError(`there is no cluster "${name}"`);
  return paths;
}

/** Ends and removes all that stands of the cluster on this machine. The caller holds its lock. */
export async function tearDown(options: DownOptions, record: ClusterRecord, paths: ClusterPaths, ctx: Ctx): Promise<void> {
  const { name, clock } = options;
  const { signal } = ctx;
  // What carries this name on the machine is then not ours; nothing of ours ever stood.
  const foreign = foreignMark(await listBridgeMarks(ctx), options) !== undefined;
  if (!foreign) {
    if (existsSync(paths.run)) writeFileSync(paths.stoppingMark, '');
    const ours = [controlPlaneRecord(paths), ...record.nodes.map(({ index }) => agentRecord(paths, index))];
    // The agents among the first: a kubelet that lives would start again what is stopped below.
    await endAll(
      ours.flatMap((each) => aliveOf(each) ?? []),
      clock,
      ctx,
    );
    await endProcesses({ cluster: name, podsOnly: true }, { graceMs: podGraceMs, clock, signal });
    await endProcesses({ cluster: name }, { graceMs: 0, clock, signal });
    for (const { index } of record.nodes) {
      await lowerNodeNamespaces(name, index, paths, ctx);
      forgetBoot(paths, index);
    }
    await removePins(paths, ctx);
    await withMachineLock(options, ctx, async () => {
      await lowerHostNetwork(name, ctx);
      await removeCgroups({ cluster: name }, { clock, signal });
      if (!otherClustersStand(name)) await removeMountPoints(ctx);
    });
  }
  await unmountBelow(paths.root, ctx);
  rmSync(paths.run, { recursive: true, force: true });
}

async function endAll(processes: readonly ProcessIdentity[], clock: Clock, { signal }: Ctx): Promise<void> {
  for (const each of processes) signalRecorded(each, 'SIGTERM');
  const endMs = clock.monotonic() + processGraceMs;
  while (processes.some(isRunning) && clock.monotonic() < endMs) await clock.sleep(pollMs, signal);
  for (const each of processes) signalRecorded(each, 'SIGKILL');
  while (processes.some(isRunning)) await clock.sleep(pollMs, signal);
}
