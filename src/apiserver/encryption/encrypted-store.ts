/**
 * A store whose values are encrypted on their way in and decrypted on their way out, as their resource says. Invariants: what is above never
 * sees a value that was not decrypted; what is below never gets one that should be encrypted; a value that cannot be read fails the one
 * read that wants it, by name, and a watch goes on without it.
 */
import type { ResourceDefinition } from '../../api/index.ts';
import { Counter, type Logger, type Registry } from '../../base/index.ts';
import type { KeyValue, RangeOptions, RangeResult, Store, StoreEvent, Txn, TxnResult, Watch, WatchOptions } from '../../store/index.ts';
import { DecryptionError, isEncrypted, type Transformers, type ValueTransformer } from './transformers.ts';

const registryPrefix = '/registry/';

export class EncryptedStore implements Store {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #failures: Counter;
  /** Group and plural by storage prefix. */
  readonly #resources: ReadonlyMap<string, { readonly group: string; readonly plural: string }>;
  #transformers: Transformers;
  /** By storage prefix; undefined: stored as it is. */
  readonly #byPrefix = new Map<string, ValueTransformer | undefined>();
  /** What each value that was read or written last begins with, of resources that have a transformer. */
  readonly #writtenBy = new Map<string, string>();
  /** Plain text of values that this process sealed, while the store still has those very bytes in hand. */
  readonly #sealed = new WeakMap<Uint8Array, Uint8Array>();

  constructor(
    store: Store,
    options: {
      readonly transformers: Transformers;
      readonly definitions: readonly ResourceDefinition[];
      readonly log: Logger;
      readonly metrics: Registry;
    },
  ) {
    this.#store = store;
    this.#transformers = options.transformers;
    this.#log = options.log;
    this.#resources = new Map(options.definitions.map(({ storage, plural }) => [storage.prefix, { group: storage.group, plural }]));
    const help = 'Stored values that could not be decrypted.';
    this.#failures = new Counter({ name: 'apiserver_storage_decode_errors_total', help, registers: [options.metrics] });
  }

  /** From now on other keys and providers. */
  reconfigure(transformers: Transformers): void {
    this.#transformers = transformers;
    this.#byPrefix.clear();
  }

  /** Whether the value at a key is stored as it would be written now; if not, an update that changes nothing is written all the same. */
  isCurrent(storeKey: string): boolean {
    const transformer = this.#of(storeKey);
    const writtenBy = this.#writtenBy.get(storeKey);
    return writtenBy === undefined ? transformer === undefined || transformer.prefix === '' : writtenBy === (transformer?.prefix ?? '');
  }

  revision(): Promise<number> {
    return this.#store.revision();
  }

  async get(key: string, revision?: number): Promise<KeyValue | undefined> {
    const kv = await this.#store.get(key, revision);
    return kv && this.#opened(kv);
  }

  async range(prefix: string, options?: RangeOptions): Promise<RangeResult> {
    const result = await this.#store.range(prefix, options);
    return { ...result, kvs: result.kvs.map((kv) => this.#opened(kv)) };
  }

  async txn(txn: Txn): Promise<TxnResult> {
    const { key, op } = txn;
    const result = await this.#store.txn(op.type === 'put' ? { ...txn, op: { ...op, value: this.#seal(key, op.value) } } : txn);
    if (result.ok || !result.current) return result;
    return { ...result, current: this.#opened(result.current) };
  }

  watch(options: WatchOptions): Promise<Watch> {
    return this.#store.watch({
      ...options,
      onEvents: (events, revision) => options.onEvents(this.#openedEvents(events), revision),
    });
  }

  compact(revision: number): Promise<void> {
    return this.#store.compact(revision);
  }

  compactedRevision(): Promise<number> {
    return this.#store.compactedRevision();
  }

  grantLease(ttlSeconds: number): Promise<number> {
    return this.#store.grantLease(ttlSeconds);
  }

  keepAliveLease(id: number): Promise<void> {
    return this.#store.keepAliveLease(id);
  }

  revokeLease(id: number): Promise<void> {
    return this.#store.revokeLease(id);
  }

  sizeBytes(): Promise<number> {
    return this.#store.sizeBytes();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #seal(key: string, value: Uint8Array): Uint8Array {
    const transformer = this.#of(key);
    if (!transformer) return value;
    const sealed = transformer.seal(value, key);
    if (sealed !== value) this.#sealed.set(sealed, value);
    return sealed;
  }

  /** @throws DecryptionError */
  #opened(kv: KeyValue): KeyValue {
    const transformer = this.#of(kv.key);
    if (!transformer) {
      if (!isEncrypted(kv.value)) {
        this.#writtenBy.delete(kv.key);
        return kv;
      }
      this.#failures.inc();
      throw new DecryptionError(kv.key, 'the value is encrypted, and the encryption configuration does not name its resource');
    }
    const known = this.#sealed.get(kv.value);
    if (known) {
      this.#writtenBy.set(kv.key, transformer.prefix);
      return { ...kv, value: known };
    }
    try {
      const { value, prefix } = transformer.open(kv.value, kv.key);
      this.#writtenBy.set(kv.key, prefix);
      return prefix === '' ? kv : { ...kv, value };
    } catch (error) {
      if (error instanceof DecryptionError) this.#failures.inc();
      throw error;
    }
  }

  #openedEvents(events: readonly StoreEvent[]): readonly StoreEvent[] {
    const opened: StoreEvent[] = [];
    for (const event of events) {
      if (event.type === 'delete') {
        this.#writtenBy.delete(event.key);
        opened.push(event);
        continue;
      }
      try {
        opened.push({ type: 'put', kv: this.#opened(event.kv) });
      } catch (error) {
        if (!(error instanceof DecryptionError)) throw error;
        // Readers keep the version before; whoever writes the object is told.
        this.#log.error('a change of an object cannot be read and is not shown', { err: error, key: event.kv.key });
      }
    }
    return opened;
  }

  #of(key: string): ValueTransformer | undefined {
    const prefix = this.#prefixOf(key);
    if (this.#byPrefix.has(prefix)) return this.#byPrefix.get(prefix);
    const resource = this.#resources.get(prefix);
    const transformer = resource && this.#transformers.of(resource.group, resource.plural);
    if (resource) this.#byPrefix.set(prefix, transformer);
    return transformer;
  }

  /** The storage prefix of a key: one part, or a group and one part. */
  #prefixOf(key: string): string {
    if (!key.startsWith(registryPrefix)) return '';
    const first = key.indexOf('/', registryPrefix.length);
    if (first < 0) return '';
    const short = key.slice(registryPrefix.length, first);
    if (this.#resources.has(short)) return short;
    const second = key.indexOf('/', first + 1);
    return second < 0 ? '' : key.slice(registryPrefix.length, second);
  }
}
