/**
 * Switches a node off as a machine loses power: first the cable, so that nobody hears of its end, then every process at once, then what was
 * only in its memory. Its disk stays.
 */
import { type Clock, type Ctx, run } from '../../base/index.ts';
import { endProcesses, removeCgroups } from '../cgroups.ts';
import { type ClusterPaths, machineNames } from '../home.ts';
import { lowerNodeNamespaces } from '../network/node-namespaces.ts';
import { forgetBoot } from './node-files.ts';
import { markOff } from './power.ts';

/** The caller holds the cluster's lock. What is off already stays off; what an interrupted call left is ended. */
export async function powerOff(
  node: { readonly cluster: string; readonly index: number },
  paths: ClusterPaths,
  clock: Clock,
  ctx: Ctx,
): Promise<void> {
  const { cluster, index } = node;
  const { signal } = ctx;
  markOff(paths, index);
  await run(['sh', '-c', `ip link del ${machineNames(cluster).veth(index)} 2>/dev/null; true`], { signal });
  await endProcesses({ cluster, node: index }, { graceMs: 0, clock, signal });
  await lowerNodeNamespaces(cluster, index, paths, ctx);
  await removeCgroups({ cluster, node: index }, { clock, signal });
  forgetBoot(paths, index);
}
