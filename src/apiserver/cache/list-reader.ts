/**
 * LIST: which state a list reads (newest, at least, exactly) and one page of it. The cache answers all but a page or an exact
 * revision that is in the past; those come from the store's history.
 * @source API concepts, "Resource versions"; apiserver cacher and etcd3 store
 */
import { ApiError, badRequest, expired } from '../../api/index.ts';
import type { Clock } from '../../base/index.ts';
import { CompactedError, FutureRevisionError, type Store } from '../../store/index.ts';
import type { Collection } from './collection.ts';
import { decodeContinueToken, encodeContinueToken } from './continue-token.ts';
import { selectInTurns } from './selecting.ts';
import type { Selection } from './selection.ts';
import { StoredObject } from './stored-object.ts';
import type { WatchCache } from './watch-cache.ts';

export interface ListQuery {
  readonly selection: Selection;
  /** 0: no limit. */
  readonly limit: number;
  readonly continue: string;
  /** As the client sent it, empty when absent. */
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
}

export interface ListPage {
  readonly objects: readonly StoredObject[];
  readonly revision: number;
  /** Empty on the last page. */
  readonly continue: string;
  /** Undefined when it is not known or there is nothing more. */
  readonly remainingItemCount: number | undefined;
}

export class ListReader {
  readonly #cache: WatchCache;
  readonly #store: Store;
  readonly #clock: Clock;
  #compactedRevision = 0;

  constructor(cache: WatchCache, store: Store, clock: Clock) {
    this.#cache = cache;
    this.#store = store;
    this.#clock = clock;
  }

  /** What is older than this revision is told to be gone, also where the cache happens to know it: clients count on it. */
  onCompacted(revision: number): void {
    this.#compactedRevision = revision;
  }

  /** @throws ApiError Expired when the state is compacted away, Timeout when it is not there yet, BadRequest */
  async read(collection: Collection, query: ListQuery): Promise<ListPage> {
    const { resourceVersion, resourceVersionMatch: match } = query;
    if (query.continue !== '') return this.#readOn(collection, query);
    const limit = resourceVersion === '0' ? 0 : query.limit;
    if (resourceVersion === '' || resourceVersion === '0') {
      if (resourceVersion === '') await this.#cache.fresh();
      return this.#fromCache(collection, { ...query, limit }, { after: '', revision: this.#cache.revision });
    }
    const revision = parseRevision(resourceVersion);
    await this.#cache.atLeast(revision);
    if (match === 'Exact' || (match === '' && limit > 0)) return this.#exactly(collection, query, { after: '', revision });
    return this.#fromCache(collection, query, { after: '', revision: this.#cache.revision });
  }

  async #readOn(collection: Collection, query: ListQuery): Promise<ListPage> {
    const token = decodeContinueToken(query.continue);
    if (query.resourceVersion !== '' && query.resourceVersion !== '0') {
      throw badRequest('specifying resource version is not allowed when using continue');
    }
    const after = scopePrefix(query.selection) + token.after;
    if (token.revision < 0) {
      await this.#cache.fresh();
      return this.#fromCache(collection, query, { after, revision: this.#cache.revision });
    }
    return this.#exactly(collection, query, { after, revision: token.revision });
  }

  async #exactly(collection: Collection, query: ListQuery, from: PageStart): Promise<ListPage> {
    if (from.revision < this.#compactedRevision) throw tooOld(query, from);
    // Nothing changed since: the cache is that state.
    if (collection.changedAt <= from.revision && from.revision <= this.#cache.revision) return this.#fromCache(collection, query, from);
    try {
      return await this.#fromStore(collection, query, from);
    } catch (error) {
      if (error instanceof CompactedError) throw tooOld(query, from);
      if (error instanceof FutureRevisionError) throw badRequest(`Too large resource version: ${from.revision}`, { cause: error });
      throw error;
    }
  }

  /** Reads the state at once; what a selector makes of it may take a while, and is of that state. */
  #fromCache(collection: Collection, query: ListQuery, from: PageStart): ListPage | Promise<ListPage> {
    const { selection, limit } = query;
    const { namespace, name, indexed, matches } = selection;
    if (name !== '' && (namespace !== '' || !collection.namespaced)) {
      const object = collection.get(collection.namespaced ? `${namespace}/${name}` : name);
      return wholeList(object && (!matches || matches(object)) ? [object] : [], from.revision);
    }
    if (indexed !== '' && limit === 0 && from.after === '' && collection.hasIndexedField) {
      const objects = collection.listIndexed(indexed);
      return wholeList(
        objects.filter((object) => (namespace === '' || object.namespace === namespace) && (!matches || matches(object))),
        from.revision,
      );
    }
    if (limit === 0) {
      const objects = collection.list({ namespace, after: from.after });
      if (!matches) return wholeList(objects, from.revision);
      return selectInTurns(objects, matches, this.#clock).then((selected) => wholeList(selected, from.revision));
    }
    return pageOf(collection.list({ namespace, after: from.after }), query, from.revision);
  }

  async #fromStore(collection: Collection, query: ListQuery, from: PageStart): Promise<ListPage> {
    const { namespace } = query.selection;
    const prefix = namespace === '' ? collection.prefix : `${collection.prefix}${namespace}/`;
    const range = await this.#store.range(prefix, {
      revision: from.revision,
      ...(from.after !== '' && { after: collection.prefix + from.after }),
      // One more than the page shows whether there is a next one; with a selector nobody knows how many to read.
      ...(query.limit > 0 && !query.selection.matches && { limit: query.limit + 1 }),
    });
    const objects = range.kvs.map((kv) => new StoredObject(collection, kv.key.slice(collection.prefix.length), kv.modRevision, kv.value));
    const page = pageOf(objects, query, from.revision);
    return page.continue === '' || !query.selection.isWholeScope
      ? page
      : { ...page, remainingItemCount: range.count - page.objects.length };
  }
}

interface PageStart {
  /** Key of the last object of the page before, empty for the first page. */
  readonly after: string;
  readonly revision: number;
}

function wholeList(objects: readonly StoredObject[], revision: number): ListPage {
  return { objects, revision, continue: '', remainingItemCount: undefined };
}

/** What all keys of a list begin with: tokens say only what comes after, so that none leads into another namespace. */
function scopePrefix({ namespace }: Selection): string {
  return namespace === '' ? '' : `${namespace}/`;
}

/** The first page of `candidates`, which are all that is left, in key order. */
function pageOf(candidates: readonly StoredObject[], { limit, selection }: ListQuery, revision: number): ListPage {
  const { matches, name } = selection;
  const objects: StoredObject[] = [];
  let seen = 0;
  const most = limit === 0 ? Infinity : limit;
  for (; seen < candidates.length && objects.length < most; seen++) {
    const object = candidates[seen]!;
    if ((name === '' || object.name === name) && (!matches || matches(object))) objects.push(object);
  }
  const left = candidates.length - seen;
  if (left === 0) return wholeList(objects, revision);
  const after = candidates[seen - 1]!.key;
  return {
    objects,
    revision,
    continue: encodeContinueToken({ revision, after: after.slice(scopePrefix(selection).length) }),
    remainingItemCount: selection.isWholeScope ? left : undefined,
  };
}

/** @throws ApiError BadRequest @source apiserver storage/api_object_versioner.go ParseResourceVersion */
export function parseRevision(resourceVersion: string): number {
  const isNumber = /^\d+$/.test(resourceVersion);
  // Beyond uint64 it is no number to Go; below that, a revision that no store reaches is one to wait for in vain.
  if (isNumber && BigInt(resourceVersion.slice(0, 21)) < 1n << 64n) return Number(resourceVersion);
  const quoted = JSON.stringify(resourceVersion);
  const why = `strconv.ParseUint: parsing ${quoted}: ${isNumber ? 'value out of range' : 'invalid syntax'}`;
  throw badRequest(`invalid resource version: resourceVersion: Invalid value: ${quoted}: ${why}`);
}

/** A page that is too old offers a token that goes on from the newest state. @source etcd3 errors.go handleCompactedErrorForPaging */
function tooOld(query: ListQuery, from: PageStart): ApiError {
  if (query.continue === '') return expired(`The resourceVersion for the provided list is too old.`);
  const after = from.after.slice(scopePrefix(query.selection).length);
  return new ExpiredContinueError(encodeContinueToken({ revision: -1, after }));
}

/** The 410 of a paged list; its Status carries a token in `metadata.continue`. */
class ExpiredContinueError extends ApiError {
  readonly continue: string;

  constructor(token: string) {
    super({
      code: 410,
      reason: 'Expired',
      message:
        'The provided continue parameter is too old to display a consistent list result. You can start a new list without the ' +
        'continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with ' +
        'the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the ' +
        'first chunk was returned and now may show up in the list.',
    });
    this.continue = token;
  }

  override toStatus(): ReturnType<ApiError['toStatus']> {
    return { ...super.toStatus(), metadata: { continue: this.continue } };
  }
}
