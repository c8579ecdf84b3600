/**
 * A resource as one version serves it: a table entry over a collection. Views of other versions than the stored one convert each
 * object once.
 */
import { apiVersionOf, type Draft, type JsonObject, type KubeObject, type ResourceDefinition } from '../../api/index.ts';
import { stringifyJson } from '../../api/json/index.ts';
import { encodeMessage, hasProtobuf } from '../../api/protobuf/index.ts';
import type { Collection } from '../cache/collection.ts';
import { ObjectHead, type StoredObject } from '../cache/stored-object.ts';

export class ResourceView {
  readonly definition: ResourceDefinition;
  readonly collection: Collection;
  readonly apiVersion: string;
  /** Objects are stored as this view shows them. */
  readonly isStorageVersion: boolean;
  /** Objects of this view have a protobuf message. */
  readonly hasProtobuf: boolean;
  readonly #itemOffset: number;
  readonly #converted = new WeakMap<KubeObject, KubeObject>();
  readonly #convertedBytes = new WeakMap<StoredObject, Buffer>();
  readonly #convertedMessages = new WeakMap<StoredObject, Uint8Array>();

  constructor(definition: ResourceDefinition, collection: Collection) {
    this.definition = definition;
    this.collection = collection;
    this.apiVersion = apiVersionOf(definition);
    this.isStorageVersion = definition.storage.fromStorage === undefined;
    this.hasProtobuf = hasProtobuf(definition.schema);
    this.#itemOffset = new ObjectHead({ kind: definition.kind, apiVersion: this.apiVersion }).metadataOffset;
  }

  /** The object as this view serves it; shared. */
  objectOf(stored: StoredObject): KubeObject {
    if (this.isStorageVersion) return stored.object;
    // A bookmark is no object of the kind: there is nothing to convert.
    if (stored.key === '') return { ...stored.object, kind: this.definition.kind, apiVersion: this.apiVersion };
    return this.convert(stored.object);
  }

  /** @param object of the storage version */
  convert(object: KubeObject): KubeObject {
    if (this.isStorageVersion) return object;
    let converted = this.#converted.get(object);
    if (!converted) this.#converted.set(object, (converted = this.definition.storage.fromStorage!(object)));
    return converted;
  }

  /** The object's JSON as this view serves it, with a final newline. */
  textOf(stored: StoredObject): Buffer {
    if (this.isStorageVersion) return stored.text;
    let bytes = this.#convertedBytes.get(stored);
    if (!bytes) this.#convertedBytes.set(stored, (bytes = encodeHeadFirst(this.objectOf(stored))));
    return bytes;
  }

  /** The object's protobuf message as this view serves it. Only for a view that `hasProtobuf`. */
  messageOf(stored: StoredObject): Uint8Array {
    // An object is a JSON tree.
    const make = (): Uint8Array => encodeMessage(this.objectOf(stored) as unknown as JsonObject, this.definition.schema);
    if (this.isStorageVersion) return stored.message(make);
    let message = this.#convertedMessages.get(stored);
    if (!message) this.#convertedMessages.set(stored, (message = make()));
    return message;
  }

  /** Where an item of a list begins in `textOf`: after kind and apiVersion. */
  get itemOffset(): number {
    return this.#itemOffset;
  }

  /** The object as it is stored; the draft must not be used after. */
  toStorage(draft: Draft<KubeObject>): KubeObject {
    const { toStorage } = this.definition.storage;
    return toStorage ? toStorage(draft) : draft;
  }
}

function encodeHeadFirst(object: KubeObject): Buffer {
  const { kind, apiVersion, metadata, ...rest } = object;
  return Buffer.from(`${stringifyJson({ kind, apiVersion, metadata, ...rest })}\n`);
}
