/**
 * Writes a LIST from the bytes that the cache holds. Small lists go out as one buffer; large ones in chunks that wait until the
 * client has taken the ones before, so that a thousand slow readers of a long list cost a thousand chunks. Items are rendered when
 * their chunk is filled, and chunks are used again: a list of any length costs no memory that grows with it.
 */
import type { ListPage } from '../cache/list-reader.ts';
import type { Rendering } from '../rendering/rendering.ts';
import type { ResponseSink } from '../request.ts';

/** Lists up to this size are sent whole. */
export const maxWholeListBytes = 256 * 1024;

const chunkBytes = 128 * 1024;

/** Chunks that nobody fills which are kept for the next list. */
const maxIdleChunks = 16;

const comma = 0x2c;

/** The whole list as one buffer; undefined when it is longer than `maxBytes`. */
export function wholeList(page: ListPage, rendering: Rendering, maxBytes = Infinity): Buffer | undefined {
  const start = Buffer.from(rendering.listStart(page));
  const end = Buffer.from(rendering.listEnd);
  const items: Buffer[] = [];
  const cut = cutOf(rendering);
  let totalBytes = start.length + end.length + cut.added * page.objects.length - (page.objects.length > 0 ? 1 : 0);
  for (const object of page.objects) {
    const item = asBuffer(rendering.item(object));
    items.push(item);
    totalBytes += item.length;
    if (totalBytes > maxBytes) return undefined;
  }
  const bytes = Buffer.allocUnsafe(totalBytes);
  let at = start.copy(bytes);
  for (let i = 0; i < items.length; i++) at = putItem(bytes, at, items[i]!, cut, i > 0);
  end.copy(bytes, at);
  return bytes;
}

/** Writes the list in chunks. @returns how many bytes it had @throws the reason when the client is gone */
export async function writeList(page: ListPage, rendering: Rendering, sink: ResponseSink): Promise<number> {
  const cut = cutOf(rendering);
  const { objects } = page;
  const start = Buffer.from(rendering.listStart(page));
  let chunk = takeChunk(start.length);
  let used = start.copy(chunk);
  let written = 0;
  const send = async (): Promise<void> => {
    const full = chunk;
    written += used;
    await sink.write(full.subarray(0, used), () => giveBack(full));
    chunk = takeChunk(0);
    used = 0;
  };
  for (let i = 0; i < objects.length; i++) {
    const item = asBuffer(rendering.item(objects[i]!));
    const size = item.length + cut.added;
    const isLarge = size > chunkBytes;
    if (used + (isLarge ? cut.itemStart.length + 1 : size) > chunk.length) await send();
    if (isLarge) {
      used = putItemStart(chunk, used, cut, i > 0);
      await send();
      written += await writePieces(item.subarray(cut.from, item.length - cut.trim), sink);
    } else {
      used = putItem(chunk, used, item, cut, i > 0);
    }
  }
  await send();
  giveBack(chunk);
  const end = Buffer.from(rendering.listEnd);
  await sink.write(end);
  return written + end.length;
}

/** What is larger than a chunk goes out as it lies, but not at once: others have their turn between two pieces. */
async function writePieces(bytes: Buffer, sink: ResponseSink): Promise<number> {
  for (let at = 0; at < bytes.length; at += chunkBytes) await sink.write(bytes.subarray(at, at + chunkBytes));
  return bytes.length;
}

/** How an item is cut out of the bytes that the rendering has of it. */
interface Cut {
  readonly itemStart: Buffer;
  readonly from: number;
  readonly trim: number;
  /** Most bytes by which an item in a list, with its comma, is longer than its bytes; negative when it is shorter. */
  readonly added: number;
}

function cutOf({ itemStart, itemRange }: Rendering): Cut {
  const { from = 0, trim = 0 } = itemRange ?? {};
  const startBytes = Buffer.from(itemStart);
  return { itemStart: startBytes, from, trim, added: startBytes.length + 1 - from - trim };
}

function putItem(target: Buffer, start: number, item: Buffer, cut: Cut, isLater: boolean): number {
  const at = putItemStart(target, start, cut, isLater);
  // By range: a view of each item would cost more than its copy.
  return at + item.copy(target, at, cut.from, item.length - cut.trim);
}

function putItemStart(target: Buffer, start: number, { itemStart }: Cut, isLater: boolean): number {
  let at = start;
  if (isLater) target[at++] = comma;
  if (itemStart.length === 1) target[at++] = itemStart[0]!;
  else if (itemStart.length > 1) at += itemStart.copy(target, at);
  return at;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const idleChunks: Buffer[] = [];

/** The start of a list may be larger than a chunk. */
function takeChunk(atLeast: number): Buffer {
  if (atLeast > chunkBytes) return Buffer.allocUnsafeSlow(atLeast);
  return idleChunks.pop() ?? Buffer.allocUnsafeSlow(chunkBytes);
}

function giveBack(chunk: Buffer): void {
  if (chunk.length === chunkBytes && idleChunks.length < maxIdleChunks) idleChunks.push(chunk);
}
