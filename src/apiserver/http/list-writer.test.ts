import { expect, test } from 'vitest';
import type { ListPage } from '../cache/list-reader.ts';
import type { StoredObject } from '../cache/stored-object.ts';
import type { Rendering } from '../rendering/rendering.ts';
import type { ResponseSink } from '../request.ts';
import { wholeList, writeList } from './list-writer.ts';

/** The biggest piece that goes out at once. */
const pieceBytes = 128 * 1024;

/** Items of these sizes, of which a list leaves the first two bytes and the last out. */
function listOf(sizes: readonly number[]): { readonly page: ListPage; readonly rendering: Rendering } {
  const items = new Map(sizes.map((size, i) => [i, Buffer.from(`..${String(i).padEnd(size, 'x')}\n`)]));
  const objects = sizes.map((_, i) => i as unknown as StoredObject);
  const page: ListPage = { objects, revision: 1, continue: '', remainingItemCount: undefined };
  const rendering = {
    listStart: () => '[',
    listEnd: ']\n',
    itemStart: '{',
    itemRange: { from: 2, trim: 1 },
    // An object stands for its place here.
    item: (object: StoredObject) => items.get(object as unknown as number)!,
  };
  return { page, rendering: rendering as unknown as Rendering };
}

test.each([
  ['nothing', []],
  ['small ones', [10, 20, 30]],
  ['as many as fill several pieces', Array.from({ length: 3_000 }, (_, i) => 100 + (i % 50))],
  ['one that fills a piece to the last byte', [pieceBytes - 2, 1]],
  ['one that is just too large', [5, pieceBytes - 1, 5]],
  ['very large ones among small ones', [10, 1_000_000, 20, 300_000, 2_000_000, 30]],
])('a list of %s is written as the whole would be, in pieces', async (_, sizes) => {
  const { page, rendering } = listOf(sizes);
  const written: Buffer[] = [];
  const write: ResponseSink['write'] = (chunk, taken?: () => void) => {
    written.push(Buffer.from(chunk));
    taken?.();
    return Promise.resolve();
  };
  const bytes = await writeList(page, rendering, { write });
  const whole = Buffer.concat(written);
  expect(whole.equals(wholeList(page, rendering)!)).toBe(true);
  expect(bytes).toBe(whole.length);
  expect(Math.max(...written.map(({ length }) => length))).toBeLessThanOrEqual(pieceBytes);
});
