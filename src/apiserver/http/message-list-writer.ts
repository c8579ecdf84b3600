/** Writes a LIST in protobuf from the messages that the cache holds: whole when it is small, else in chunks that wait for the client. */
import type { ResponseSink } from '../request.ts';
import { countBytes, type MessageList } from '../rendering/protobuf-rendering.ts';

const chunkBytes = 128 * 1024;

/** The whole list as one buffer. */
export function wholeMessageList(list: MessageList): Buffer {
  const bytes = Buffer.allocUnsafe(list.totalBytes);
  bytes.set(list.start);
  let at = list.start.length;
  for (const item of list.items) at = putItem(bytes, at, list.itemTag, item);
  bytes.set(list.end, at);
  return bytes;
}

/** Writes the list in chunks. @throws the reason when the client is gone */
export async function writeMessageList(list: MessageList, sink: ResponseSink): Promise<void> {
  let chunk = Buffer.allocUnsafe(Math.max(chunkBytes, list.start.length));
  chunk.set(list.start);
  let used = list.start.length;
  for (const item of list.items) {
    const size = 1 + countBytes(item.length) + item.length;
    if (used + size > chunk.length) {
      await sink.write(chunk.subarray(0, used));
      // The one before may still be on its way. An item larger than a chunk gets one of its own.
      chunk = Buffer.allocUnsafe(Math.max(chunkBytes, size));
      used = 0;
    }
    used = putItem(chunk, used, list.itemTag, item);
  }
  await sink.write(chunk.subarray(0, used));
  await sink.write(list.end);
}

function putItem(target: Buffer, start: number, tag: number, item: Uint8Array): number {
  let at = start;
  target[at++] = tag;
  let rest = item.length;
  for (; rest >= 0x80; rest >>>= 7) target[at++] = (rest & 0x7f) | 0x80;
  target[at++] = rest;
  target.set(item, at);
  return at + item.length;
}
