/**
 * A node that comes, or comes back, is given the images that were put into the others: no registry has them. What was pulled can be pulled
 * again, and is known by the digest that came with it.
 */
import { join } from 'node:path';
import { type Ctx, ProcessError } from '../../base/index.ts';
import type { ClusterRecord, NodeRecord } from '../cluster-record.ts';
import { type ClusterPaths, nodePaths } from '../home.ts';
import { nodesOn } from '../nodes/power.ts';
import { type EngineAddress, exportImages, importArchive, inScratch, type ListedImage, listImages } from './images.ts';
import { pauseImageName } from './pause-image-name.ts';

/** Names of images that were put into the first engine and that the second does not have. Pure. */
export function imagesToShare(here: readonly ListedImage[], there: readonly ListedImage[]): string[] {
  const pulled = new Set(here.flatMap(({ name, id }) => (name.includes('@') ? [id] : [])));
  const known = new Set(there.map(({ name, id }) => `${name} ${id}`));
  return here
    .filter(({ name, id }) => !name.includes('@') && !pulled.has(id) && name !== pauseImageName && !known.has(`${name} ${id}`))
    .map(({ name }) => name);
}

/** Copies what is missing from the first other node that is on. What cannot be copied is told of, and no fault of the node. */
export async function shareImages(
  options: {
    readonly home: string;
    readonly record: ClusterRecord;
    readonly paths: ClusterPaths;
    readonly nodes: readonly NodeRecord[];
    readonly say: (line: string) => void;
  },
  ctx: Ctx,
): Promise<void> {
  const { home, record, paths, nodes, say } = options;
  const engineOf = ({ index }: NodeRecord): EngineAddress => ({ criSocket: nodePaths(paths, index).criSocket, home });
  const source = nodesOn(record, paths).find((node) => !nodes.some(({ index }) => index === node.index));
  if (!source) return;
  try {
    const here = await listImages([engineOf(source)], ctx);
    for (const node of nodes) {
      const missing = imagesToShare(here, await listImages([engineOf(node)], ctx));
      if (missing.length === 0) continue;
      await inScratch(async (scratch) => {
        const archive = join(scratch, 'images.tar');
        await exportImages(engineOf(source), missing, archive, ctx);
        await importArchive([engineOf(node)], archive, ctx);
      });
      say(`node ${node.name} has the images of ${source.name}: ${missing.join(', ')}`);
    }
  } catch (error) {
    if (!(error instanceof ProcessError) && !(error instanceof Error && error.cause instanceof ProcessError)) throw error;
    say(`images could not be copied from ${source.name}: ${error.message}`);
  }
}
