/** What tests of a store write and hear with: short forms of its verbs, and a watch that keeps what it was told. */
import { expect } from 'vitest';
import type { KeyValue, Store, StoreEvent, TxnResult, Watch } from './store.ts';

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Plain data, whatever kind of byte array a backend uses. */
export const plain = (kv: KeyValue | undefined) => kv && { ...kv, value: Buffer.from(kv.value).toString() };

export function plainEvent(event: StoreEvent) {
  return event.type === 'put' ? { ...event, kv: plain(event.kv) } : event;
}

export const put = (store: Store, key: string, expectModRevision: number, value = key, lease = 0): Promise<TxnResult> =>
  store.txn({ key, expectModRevision, op: { type: 'put', value: bytes(value), lease } });

export const remove = (store: Store, key: string, expectModRevision: number): Promise<TxnResult> =>
  store.txn({ key, expectModRevision, op: { type: 'delete' } });

/** A watch that keeps what it hears. */
export class Recorder {
  readonly events: StoreEvent[] = [];
  readonly errors: Error[] = [];
  readonly prefix: string;
  readonly fromRevision: number | undefined;
  watch: Watch | undefined;
  #waiting: (() => void) | undefined;

  constructor(prefix: string, fromRevision?: number) {
    this.prefix = prefix;
    this.fromRevision = fromRevision;
  }

  static async open(store: Store, prefix: string, fromRevision?: number): Promise<Recorder> {
    const recorder = new Recorder(prefix, fromRevision);
    recorder.watch = await store.watch({
      prefix,
      ...(fromRevision !== undefined && { fromRevision }),
      onEvents: (events, revision) => {
        recorder.events.push(...events);
        expect(recorder.lastRevision).toBeLessThanOrEqual(revision);
        recorder.#waiting?.();
      },
      onError: (error) => {
        recorder.errors.push(error);
        recorder.#waiting?.();
      },
    });
    return recorder;
  }

  get lastRevision(): number {
    const last = this.events.at(-1);
    return last ? (last.type === 'put' ? last.kv.modRevision : last.modRevision) : 0;
  }

  /** Waits until `done` holds, looking each time something is heard. */
  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => (this.#waiting = resolve));
  }
}
