/**
 * Reads everything below a prefix as of one moment, page by page: whoever keeps what it reads in a form of its own never holds all of it
 * twice. Pages are of about the same number of bytes, since objects are of a hundred bytes or of a million.
 */
import type { RangeResult, Store } from '../../store/index.ts';

const firstPageKeys = 500;
const pageBytes = 16 * 1024 * 1024;
const maxPageKeys = 20_000;
const minPageKeys = 16;

/** Pages in key order, of which there is at least one; all are of the revision of the first. */
export async function* statePages(store: Pick<Store, 'range'>, prefix: string): AsyncGenerator<RangeResult, void> {
  let page = await store.range(prefix, { limit: firstPageKeys });
  const { revision } = page;
  for (;;) {
    yield page;
    const { kvs, count } = page;
    if (count <= kvs.length) return;
    const bytes = kvs.reduce((sum, { value }) => sum + value.length, 1);
    const wanted = Math.floor((pageBytes / bytes) * kvs.length);
    const limit = Math.min(Math.max(wanted, minPageKeys), maxPageKeys);
    page = await store.range(prefix, { limit, after: kvs.at(-1)!.key, revision });
  }
}
