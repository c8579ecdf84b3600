/**
 * How stored objects are written for one kind of reader: as they are, as metadata only, or as rows of a table. A rendering gives
 * the bytes of one object, of a list around many, and of one watch event; what it makes for one watcher serves all.
 */
import { Buffer } from 'node:buffer';
import type { JsonObject } from '../../api/index.ts';
import { stringifyJson } from '../../api/json/index.ts';
import type { ListPage } from '../cache/list-reader.ts';
import type { StoredObject } from '../cache/stored-object.ts';
import type { TellableEvent } from '../cache/watcher.ts';
import type { ResourceView } from './view.ts';

export interface Rendering {
  /** Names what it makes: equal names, equal bytes. */
  readonly name: string;
  /** One object by itself, without a final newline. */
  object(stored: StoredObject): Uint8Array;
  /** What comes before the first item of a list. */
  listStart(page: ListPage): string;
  /** An item of a list, ready to stand after `[` or `,`: in two parts, so that no copy is needed. */
  readonly itemStart: string;
  /** The rest of an item after `itemStart`, or bytes that hold it; see `itemRange`. */
  item(stored: StoredObject): Uint8Array;
  /** How many bytes of `item` come before the item and after it; undefined: none. A view of every item would cost more than its copy. */
  readonly itemRange?: { readonly from: number; readonly trim: number };
  readonly listEnd: string;
}

/** How the events of a watch are written. */
export interface EventForm {
  /** Names what it makes: equal names, equal bytes. */
  readonly name: string;
  event(type: string, stored: StoredObject): Buffer;
  /** The last event of a watch that failed. */
  failure(status: JsonObject): Buffer;
}

/** Events as lines of JSON. */
export function jsonEvents(rendering: Rendering): EventForm {
  return {
    name: rendering.name,
    event: (type, stored) => eventLine(type, rendering.object(stored)),
    failure: (status) => eventLine('ERROR', Buffer.from(stringifyJson(status))),
  };
}

/** Objects as they are stored and served. */
export class FullRendering implements Rendering {
  readonly name: string;
  readonly itemStart = '{';
  readonly listEnd = ']}\n';
  /** Without kind, apiVersion and the final newline. */
  readonly itemRange: { readonly from: number; readonly trim: number };
  readonly #view: ResourceView;

  constructor(view: ResourceView) {
    this.#view = view;
    this.name = `full:${view.apiVersion}`;
    this.itemRange = { from: view.itemOffset, trim: 1 };
  }

  object(stored: StoredObject): Uint8Array {
    return this.#view.textOf(stored).subarray(0, -1);
  }

  listStart(page: ListPage): string {
    return listStart({ kind: this.#view.definition.listKind, apiVersion: this.#view.apiVersion }, page, 'items');
  }

  item(stored: StoredObject): Uint8Array {
    return this.#view.textOf(stored);
  }
}

/** The beginning of any list document up to the bracket of its items. */
export function listStart(type: { readonly kind: string; readonly apiVersion: string }, page: ListPage, items: string, extra = ''): string {
  return (
    `{"kind":${JSON.stringify(type.kind)},"apiVersion":${JSON.stringify(type.apiVersion)},` +
    `"metadata":${JSON.stringify(listMetaOf(page))},${extra}"${items}":[`
  );
}

export interface ListMetaFields {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export function listMetaOf(page: ListPage): ListMetaFields {
  return {
    resourceVersion: String(page.revision),
    ...(page.continue !== '' && { continue: page.continue }),
    ...(page.remainingItemCount !== undefined && { remainingItemCount: page.remainingItemCount }),
  };
}

/** One event of a watch, made once for all watchers of this form. */
export function frameOf(event: TellableEvent, form: EventForm): Buffer {
  return event.frame(form.name, () => form.event(event.type, event.object));
}

const lineEnd = Buffer.from('}\n');

function eventLine(type: string, object: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`{"type":"${type}","object":`), object, lineEnd]);
}
