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
  let at = put(bytes, 0, list.start);
  for (let i = 0; i < list.items.length; i++) at = putItem(bytes, at, list, i);
  put(bytes, at, list.end);
  return bytes;
}

/** Writes the list in chunks. @throws the reason when the client is gone */
export async function writeList(list: RenderedList, sink: ResponseSink): Promise<void> {
  const { start, end, itemStart, items } = list;
  let chunk = Buffer.allocUnsafeSlow(chunkBytes);
  let used = put(chunk, 0, start);
  for (let i = 0; i < items.length; i++) {
    const size = items[i]!.length + itemStart.length + 1;
    if (used + size > chunkBytes) {
      await sink.write(chunk.subarray(0, used));
      // The one before may still be on its way. An item larger than a chunk gets one of its own.
      chunk = Buffer.allocUnsafeSlow(Math.max(chunkBytes, size));
      used = 0;
    }
    used = putItem(chunk, used, list, i);
  }
  await sink.write(chunk.subarray(0, used));
  await sink.write(end);
}

const comma = 0x2c;

function putItem(target: Buffer, start: number, { itemStart, items }: RenderedList, index: number): number {
  let at = start;
  if (index > 0) target[at++] = comma;
  if (itemStart.length > 0) at = put(target, at, itemStart);
  return put(target, at, items[index]!);
}

function put(target: Buffer, at: number, bytes: Uint8Array): number {
  target.set(bytes, at);
  return at + bytes.length;
}
