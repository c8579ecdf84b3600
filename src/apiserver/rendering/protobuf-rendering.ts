/**
 * Objects of one view in protobuf, whole or as metadata only: by themselves, as a list, as events of a watch. What an object's version
 * is in bytes is made once and kept with it; everything around it is made for each answer.
 */
import type { JsonObject } from '../../api/index.ts';
import {
  encodeMessage,
  encodeProtobuf,
  envelope,
  envelopeEnd,
  envelopeStart,
  type EnvelopeType,
  WireWriter,
} from '../../api/protobuf/index.ts';
import type { ListPage } from '../cache/list-reader.ts';
import type { StoredObject } from '../cache/stored-object.ts';
import type { MetaVersion } from './partial-metadata.ts';
import { type EventForm, listMetaOf } from './rendering.ts';
import type { ResourceView } from './view.ts';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** A list without its items: `start`, then each item after its head, then `end`. */
export interface MessageList {
  readonly start: Uint8Array;
  readonly items: readonly Uint8Array[];
  readonly itemTag: number;
  readonly end: Uint8Array;
  readonly totalBytes: number;
}

export class ProtobufRendering implements EventForm {
  readonly name: string;
  readonly #view: ResourceView;
  readonly #type: EnvelopeType;
  readonly #listType: EnvelopeType;
  readonly #fields: { readonly metadata: number; readonly items: number };
  readonly #asMetadata: boolean;

  constructor(view: ResourceView, as: 'object' | 'metadata', version: MetaVersion) {
    this.#view = view;
    this.#asMetadata = as === 'metadata';
    const apiVersion = this.#asMetadata ? `meta.k8s.io/${version}` : view.apiVersion;
    const kind = this.#asMetadata ? 'PartialObjectMetadata' : view.definition.kind;
    this.#type = { apiVersion, kind };
    this.#listType = { apiVersion, kind: this.#asMetadata ? 'PartialObjectMetadataList' : view.definition.listKind };
    // One message of all lists has its two fields the other way round.
    this.#fields = this.#asMetadata && version === 'v1beta1' ? { metadata: 2, items: 1 } : { metadata: 1, items: 2 };
    this.name = `protobuf:${as}:${view.apiVersion}:${version}`;
  }

  /** One object by itself. */
  object(stored: StoredObject): Uint8Array {
    return envelope(this.#type, this.#message(stored));
  }

  /** @param pause waits until others had their turn; called before each part of the work that takes a while */
  async list(page: ListPage, pause: () => Promise<void>): Promise<MessageList> {
    const items: Uint8Array[] = [];
    let bytes = 0;
    for (const [i, object] of page.objects.entries()) {
      if (i % objectsAtOnce === objectsAtOnce - 1) await pause();
      const item = this.#message(object);
      items.push(item);
      bytes += 1 + countBytes(item.length) + item.length;
    }
    // List metadata is plain data.
    const metadata = field(this.#fields.metadata, encodeMessage(listMetaOf(page) as unknown as JsonObject, `${meta}.ListMeta`));
    const head = envelopeStart(this.#listType, bytes + metadata.length);
    const isFirst = this.#fields.metadata < this.#fields.items;
    const start = isFirst ? Buffer.concat([head, metadata]) : head;
    const end = isFirst ? envelopeEnd : Buffer.concat([metadata, envelopeEnd]);
    return { start, items, end, itemTag: (this.#fields.items << 3) | 2, totalBytes: start.length + bytes + end.length };
  }

  event(type: string, stored: StoredObject): Buffer {
    return eventMessage(type, this.object(stored));
  }

  failure(status: JsonObject): Buffer {
    return eventMessage('ERROR', encodeProtobuf({ ...status, apiVersion: 'v1', kind: 'Status' }, `${meta}.Status`));
  }

  #message(stored: StoredObject): Uint8Array {
    if (!this.#asMetadata) return this.#view.messageOf(stored);
    // An object is a JSON tree.
    const { metadata } = this.#view.objectOf(stored) as unknown as JsonObject;
    return encodeMessage({ metadata: metadata! }, `${meta}.PartialObjectMetadata`);
  }
}

/** Objects that are encoded without a pause; some milliseconds at most. */
const objectsAtOnce = 128;

const writer = new WireWriter();

/** A `WatchEvent` after its length in four bytes. @source apimachinery runtime/serializer/protobuf LengthDelimitedFramer */
function eventMessage(type: string, object: Uint8Array): Buffer {
  writer.block(object);
  writer.byte(firstField);
  writer.count(writer.length);
  writer.byte(secondField);
  writer.text(type);
  writer.byte(firstField);
  const { length } = writer;
  writer.raw(Uint8Array.of(length >>> 24, length >>> 16, length >>> 8, length));
  const bytes = writer.take();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

const firstField = (1 << 3) | 2;
const secondField = (2 << 3) | 2;

function field(number: number, message: Uint8Array): Uint8Array {
  writer.block(message);
  writer.byte((number << 3) | 2);
  return writer.take();
}

/** How many bytes a length takes. */
export function countBytes(length: number): number {
  return length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : length < 0x1000_0000 ? 4 : 5;
}
