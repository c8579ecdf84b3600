/** How much there is of each resource, as flow control asks for every list and write: an object a resource, made once. */
import type { Collection } from '../cache/collection.ts';
import type { CollectionUsage } from '../extension.ts';
import type { ResourceTable } from '../registry/registry.ts';

/** Objects looked at to know their size. */
const sampleSize = 16;
/** A sample is good until a collection has grown or shrunk by this part. */
const staleAfter = 0.25;

export class CollectionUsages {
  readonly #table: ResourceTable;
  readonly #known = new Map<string, CollectionUsage | undefined>();

  constructor(table: ResourceTable) {
    this.#table = table;
  }

  of(group: string, resource: string): CollectionUsage | undefined {
    const key = group === '' ? resource : `${resource}.${group}`;
    if (this.#known.has(key)) return this.#known.get(key);
    const definition = this.#table.definitions.find((one) => one.group === group && one.plural === resource);
    const view = definition && this.#table.view(definition);
    const usage = view && new Usage(view.collection);
    // Names that nobody serves are not kept: clients choose them.
    if (definition) this.#known.set(key, usage);
    return usage;
  }
}

class Usage implements CollectionUsage {
  readonly #collection: Collection;
  #average = 0;
  #sampledAt = 0;

  constructor(collection: Collection) {
    this.#collection = collection;
  }

  get objects(): number {
    return this.#collection.size;
  }

  get watches(): number {
    return this.#collection.watchers.size;
  }

  averageBytes(): number {
    const { size } = this.#collection;
    if (Math.abs(size - this.#sampledAt) > staleAfter * this.#sampledAt) {
      const sample = this.#collection.list({ namespace: '', limit: sampleSize });
      this.#average = sample.reduce((sum, object) => sum + object.storedBytes().length, 0) / Math.max(1, sample.length);
      this.#sampledAt = size;
    }
    return this.#average;
  }
}
