/**
 * Writes a LIST from the bytes that the cache holds. Small lists go out as one buffer; large ones in chunks that wait until the
 * client has taken the ones before, so that a thousand slow readers of a long list cost a thousand chunks.
 */
import type { ListPage } from '../cache/list-reader.ts';
import type { Rendering } from '../rendering/rendering.ts';
import type { ResponseSink } from '../request.ts';

/** Lists up to this size are sent whole. */
export const maxWholeListBytes = 256 * 1024;

const chunkBytes = 128 * 1024;

export interface RenderedList {
  readonly start: Buffer;
  readonly end: Buffer;
  readonly itemStart: Buffer;
  readonly items: readonly Uint8Array[];
  readonly totalBytes: number;
}

export function renderList(page: ListPage, rendering: Rendering): RenderedList {
  const start = Buffer.from(rendering.listStart(page));
  const end = Buffer.from(rendering.listEnd);
  const itemStart = Buffer.from(rendering.itemStart);
  const items = page.objects.map((object) => rendering.item(object));
  const separators = Math.max(items.length - 1, 0);
  let totalBytes = start.length + end.length + separators + itemStart.length * items.length;
  for (const item of items) totalBytes += item.length;
  return { start, end, itemStart, items, totalBytes };
}

/** The whole list as one buffer. */
export function wholeList(list: RenderedList): Buffer {
  const bytes = Buffer.allocUnsafe(list.totalBytes);
  let at = 0;
  for (const piece of pieces(list)) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Writes the list in chunks. @throws the reason when the client is gone */
export async function writeList(list: RenderedList, sink: ResponseSink): Promise<void> {
  let chunk = Buffer.allocUnsafeSlow(chunkBytes);
  let used = 0;
  for (const piece of pieces(list)) {
    if (used + piece.length > chunkBytes) {
      if (used > 0) await sink.write(chunk.subarray(0, used));
      used = 0;
      if (piece.length > chunkBytes) {
        await sink.write(piece);
        continue;
      }
      // The one before may still be on its way.
      chunk = Buffer.allocUnsafeSlow(chunkBytes);
    }
    chunk.set(piece, used);
    used += piece.length;
  }
  if (used > 0) await sink.write(chunk.subarray(0, used));
}

const comma = Buffer.from(',');

function* pieces({ start, end, itemStart, items }: RenderedList): Generator<Uint8Array> {
  yield start;
  for (let i = 0; i < items.length; i++) {
    if (i > 0) yield comma;
    if (itemStart.length > 0) yield itemStart;
    yield items[i]!;
  }
  yield end;
}
