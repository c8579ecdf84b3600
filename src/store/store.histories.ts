/** Random histories: operations as fast-check makes them, applied to a backend and to the model, and every answer compared. */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { VirtualClock } from '../base/index.ts';
import { CompactedError } from './errors.ts';
import { StoreModel } from './store.model.ts';
import { bytes, plain, plainEvent, put, Recorder, remove } from './store.probe.ts';
import type { Store } from './store.ts';

/** A backend as the suite is given it. */
export interface Backend {
  /** Opens an empty store. */
  open(clock: VirtualClock): Promise<Store>;
  /** Closes the store and opens what it left behind; absent when nothing outlives it. */
  readonly reopen?: (store: Store, clock: VirtualClock) => Promise<Store>;
  /** Forgets what `open` made. */
  cleanUp(): void;
  /** How many random histories a property is tried on. */
  readonly runs: number;
}

type Write = { readonly key: string; readonly delete: boolean; readonly stale: boolean };
export type Operation =
  | { readonly type: 'write'; readonly writes: readonly Write[] }
  | { readonly type: 'range'; readonly prefix: string; readonly after: string; readonly limit: number; readonly back: number }
  | { readonly type: 'get'; readonly key: string; readonly back: number }
  | { readonly type: 'watch'; readonly prefix: string; readonly back: number | undefined }
  | { readonly type: 'compact'; readonly back: number }
  | { readonly type: 'reopen' };

const aKey = fc.constantFrom('/a', '/a/b', '/a/c', '/ab', '/b', '/b/é', '/b/\u{1f600}');
const aPrefix = fc.constantFrom('', '/', '/a', '/a/', '/b', '/none');
/** How far before the newest revision. */
const aDistance = fc.nat({ max: 12 });
const aWrite: fc.Arbitrary<Write> = fc.record({
  key: aKey,
  delete: fc.boolean(),
  stale: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
});
export const anOperation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constant('write' as const), writes: fc.array(aWrite, { minLength: 1, maxLength: 6 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('range' as const),
      prefix: aPrefix,
      after: fc.option(aKey, { nil: '' }),
      limit: fc.integer({ min: 1, max: 8 }),
      back: aDistance,
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('get' as const), key: aKey, back: aDistance }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('watch' as const), prefix: aPrefix, back: fc.option(aDistance, { nil: undefined }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('compact' as const), back: aDistance }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('reopen' as const) }) },
);

/** Applies operations to a store and to the model, and holds every answer of the one against the other. */
export class ModelRun {
  store: Store;
  readonly #model = new StoreModel();
  readonly #backend: Backend;
  readonly #clock: VirtualClock;
  #recorders: { readonly recorder: Recorder; readonly fromRevision: number }[] = [];
  #writes = 0;

  constructor(store: Store, backend: Backend, clock: VirtualClock) {
    this.store = store;
    this.#backend = backend;
    this.#clock = clock;
  }

  async apply(operation: Operation): Promise<void> {
    switch (operation.type) {
      case 'write':
        return this.#write(operation.writes);
      case 'range':
        return this.#range(operation);
      case 'get':
        return this.#get(operation.key, this.#back(operation.back));
      case 'watch':
        return this.#watch(operation.prefix, operation.back);
      case 'compact':
        return this.#compact(this.#back(operation.back));
      case 'reopen':
        return this.#reopen();
    }
  }

  /** Every watch has heard exactly what the model holds for it, or was told why not. */
  async checkWatches(): Promise<void> {
    for (const { recorder, fromRevision } of this.#recorders) {
      const expected = this.#model.history(recorder.prefix, fromRevision);
      await recorder.until(() => recorder.errors.length > 0 || recorder.events.length >= expected.length);
      if (recorder.errors.length > 0) expect(recorder.errors).toEqual([expect.any(CompactedError)]);
      else expect(recorder.events.map(plainEvent)).toEqual(expected.map(plainEvent));
    }
  }

  #back(distance: number): number {
    return Math.max(this.#model.revision - distance, 0);
  }

  async #write(writes: readonly Write[]): Promise<void> {
    const model = this.#model;
    const answers = writes.map(({ key, delete: deletes, stale }) => {
      const current = model.current(key);
      const expectModRevision = (current?.modRevision ?? 0) + (stale ? 1 : 0);
      const value = `value ${++this.#writes}`;
      const answer = deletes ? remove(this.store, key, expectModRevision) : put(this.store, key, expectModRevision, value);
      if (!stale && deletes && current) return { answer, revision: model.delete(key) };
      if (!stale && !deletes) return { answer, revision: model.put(key, bytes(value)) };
      return { answer, revision: undefined, ok: !stale, current };
    });
    await this.#readDuring(Promise.allSettled(answers.map(({ answer }) => answer)));
    for (const { answer, revision, ok, current } of answers) {
      const result = await answer;
      if (revision !== undefined) expect(result).toEqual({ ok: true, revision });
      else if (ok) expect(result.ok).toBe(true);
      else expect(!result.ok && plain(result.current)).toEqual(plain(current));
    }
    expect(await this.store.revision()).toBe(model.revision);
  }

  /** Reads again and again until `written` settles: each answer is the whole state at the revision it names. */
  async #readDuring(written: Promise<unknown>): Promise<void> {
    const writing = new Set([written]);
    void written.then(() => writing.clear());
    do {
      const { kvs, count, revision } = await this.store.range('/', { limit: 3 });
      const expected = this.#model.range('/', { revision, after: '', limit: 3 });
      expect({ kvs: kvs.map(plain), count }).toEqual({ kvs: expected.kvs.map(plain), count: expected.count });
      await new Promise((resolve) => setImmediate(resolve));
    } while (writing.size > 0);
  }

  async #range(operation: {
    readonly prefix: string;
    readonly after: string;
    readonly limit: number;
    readonly back: number;
  }): Promise<void> {
    const { prefix, after, limit } = operation;
    const revision = this.#back(operation.back);
    const answer = this.store.range(prefix, { after, limit, revision });
    if (revision < this.#model.compactedRevision) {
      await expect(answer).rejects.toThrow(CompactedError);
      return;
    }
    const { kvs, count, revision: readAt } = await answer;
    const expected = this.#model.range(prefix, { revision, after, limit });
    expect({ kvs: kvs.map(plain), count, readAt }).toEqual({ kvs: expected.kvs.map(plain), count: expected.count, readAt: revision });
    expect((await this.store.range(prefix, { after, revision, countOnly: true })).count).toBe(expected.count);
  }

  async #get(key: string, revision: number): Promise<void> {
    if (revision < this.#model.compactedRevision) await expect(this.store.get(key, revision)).rejects.toThrow(CompactedError);
    else expect(plain(await this.store.get(key, revision))).toEqual(plain(this.#model.at(revision).get(key)));
  }

  async #watch(prefix: string, back: number | undefined): Promise<void> {
    const fromRevision = back === undefined ? undefined : Math.max(this.#back(back), 1);
    if (fromRevision !== undefined && fromRevision <= this.#model.compactedRevision) {
      await expect(Recorder.open(this.store, prefix, fromRevision)).rejects.toThrow(CompactedError);
      return;
    }
    const recorder = await Recorder.open(this.store, prefix, fromRevision);
    this.#recorders.push({ recorder, fromRevision: fromRevision ?? this.#model.revision + 1 });
  }

  async #compact(revision: number): Promise<void> {
    await this.store.compact(revision);
    this.#model.compactedRevision = Math.max(this.#model.compactedRevision, revision);
    expect(await this.store.compactedRevision()).toBe(this.#model.compactedRevision);
  }

  async #reopen(): Promise<void> {
    if (!this.#backend.reopen) return;
    await this.checkWatches();
    this.#recorders = [];
    this.store = await this.#backend.reopen(this.store, this.#clock);
    expect(await this.store.revision()).toBe(this.#model.revision);
  }
}
