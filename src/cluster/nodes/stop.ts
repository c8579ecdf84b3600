/** `knarr node stop`: a node loses its power, in a cluster that goes on. */
import type { Ctx } from '../../base/index.ts';
import { withClusterLock, withMachineLock } from '../locks.ts';
import { leadAround } from '../network/host-network.ts';
import { announceChange } from '../supervision.ts';
import { type NodeOptions, requireNode, requireRecord, requireRunning } from './node-command.ts';
import { powerOff } from './power-off.ts';
import { nodesOn } from './power.ts';

/** Harmless when the node is off; ends what an interrupted call left. @throws ClusterError that says what to do */
export async function stopNode(options: NodeOptions, ctx: Ctx): Promise<void> {
  const { name, clock } = options;
  const { paths } = requireRecord(options);
  await withClusterLock(paths, options, ctx, async () => {
    const { record } = requireRecord(options);
    const { index } = requireNode(record, options.node);
    requireRunning(options, paths);
    await powerOff({ cluster: name, index }, paths, clock, ctx);
    await withMachineLock(options, ctx, () => leadAround(record, nodesOn(record, paths), ctx));
    await announceChange(paths, clock, ctx);
  });
}
