/** Objects as rows of a `meta.k8s.io Table`: what `kubectl get` asks for. Cells come from the table renderer; this is the document. */
import { stringifyJson } from '../../api/json/index.ts';
import type { Clock } from '../../base/index.ts';
import type { ListPage } from '../cache/list-reader.ts';
import type { StoredObject } from '../cache/stored-object.ts';
import type { TableRenderer } from '../extension.ts';
import { type MetaVersion, partialMetadataOf } from './partial-metadata.ts';
import { listStart, type Rendering } from './rendering.ts';
import type { ResourceView } from './view.ts';

/** What of each object comes with its row. @source meta/v1 IncludeObjectPolicy */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface TableOptions {
  readonly version: MetaVersion;
  readonly includeObject: IncludeObject;
}

export class TableRendering implements Rendering {
  readonly name: string;
  readonly itemStart = '';
  readonly listEnd = ']}\n';
  readonly #view: ResourceView;
  readonly #tables: TableRenderer;
  readonly #clock: Clock;
  readonly #options: TableOptions;

  constructor(view: ResourceView, tables: TableRenderer, clock: Clock, options: TableOptions) {
    this.#view = view;
    this.#tables = tables;
    this.#clock = clock;
    this.#options = options;
    this.name = `table:${view.apiVersion}:${options.version}:${options.includeObject}`;
  }

  /** A table of one row. */
  object(stored: StoredObject): Uint8Array {
    const page: ListPage = { objects: [stored], revision: stored.revision, continue: '', remainingItemCount: undefined };
    return Buffer.from(`${this.listStart(page)}${stored.key === '' ? '' : this.#row(stored)}]}`);
  }

  listStart(page: ListPage): string {
    const columns = `"columnDefinitions":${JSON.stringify(this.#tables.columns(this.#view.definition))},`;
    return listStart({ kind: 'Table', apiVersion: `meta.k8s.io/${this.#options.version}` }, page, 'rows', columns);
  }

  item(stored: StoredObject): Uint8Array {
    return Buffer.from(this.#row(stored));
  }

  #row(stored: StoredObject): string {
    const object = this.#view.objectOf(stored);
    const cells = this.#tables.cells(this.#view.definition, object, this.#clock.now());
    return stringifyJson({ cells, ...this.#included(stored) });
  }

  #included(stored: StoredObject): { readonly object?: unknown } {
    const object = this.#view.objectOf(stored);
    const { includeObject, version } = this.#options;
    if (includeObject === 'None') return {};
    return { object: includeObject === 'Object' ? object : partialMetadataOf(object, version) };
  }
}
