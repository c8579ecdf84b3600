/**
 * One version of one object: the bytes every reader gets, and on demand its decoded form. The store keeps objects without
 * `resourceVersion`, since the revision is only known at commit; it is spliced in here, once.
 *
 * Stored bytes always begin with `{"kind":K,"apiVersion":V,"metadata":{`, which makes every offset a constant of the collection.
 */
import type { KubeObject } from '../../api/index.ts';
import { stringifyJson } from '../../api/json/index.ts';
import type { Decoded, DecodedObjects } from './decoded-objects.ts';

/** The constant beginning of the bytes of every object of a kind. */
export class ObjectHead {
  /** `{"kind":K,"apiVersion":V,"metadata":{` */
  readonly bytes: Buffer;
  /** Where `"metadata"` begins: items of a list are sent from here, without kind and apiVersion. */
  readonly metadataOffset: number;

  constructor(kind: { readonly kind: string; readonly apiVersion: string }) {
    const type = `{"kind":${JSON.stringify(kind.kind)},"apiVersion":${JSON.stringify(kind.apiVersion)},`;
    this.bytes = Buffer.from(`${type}"metadata":{`);
    this.metadataOffset = type.length;
  }
}

const newline = 0x0a;

const versionField = '"resourceVersion":"';

/** What the store keeps: the object's JSON with kind, apiVersion and metadata first and without resourceVersion. */
export function encodeForStore(object: KubeObject): Buffer {
  const { kind, apiVersion, metadata, ...rest } = object;
  const { resourceVersion: _resourceVersion, ...kept } = metadata;
  return Buffer.from(stringifyJson({ kind, apiVersion, metadata: kept, ...rest }));
}

/** The field to splice in; none at revision 0, which is that of an object that was not written. */
function versionText(revision: number): string {
  return revision === 0 ? '' : `${versionField}${revision}",`;
}

function splice(head: ObjectHead, stored: Uint8Array, revision: number): Buffer {
  const field = versionText(revision);
  const at = head.bytes.length;
  const bytes = Buffer.allocUnsafeSlow(stored.length + field.length + 1);
  bytes.set(stored.subarray(0, at), 0);
  bytes.write(field, at, 'latin1');
  bytes.set(stored.subarray(at), at + field.length);
  bytes[bytes.length - 1] = newline;
  return bytes;
}

/** What a stored object needs to know of its collection. */
export interface ObjectHome {
  readonly head: ObjectHead;
  readonly decoded: DecodedObjects;
  /** Decoded objects are frozen, so that whoever changes a shared one fails. */
  readonly freeze: boolean;
  /** Parses served bytes; the result is shared. */
  decode(bytes: Buffer): KubeObject;
}

export class StoredObject implements Decoded {
  readonly home: ObjectHome;
  /** `namespace/name`, or `name` for cluster-scoped objects. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  /** The whole JSON with resourceVersion and a final newline: the body of a GET. Never write into it. */
  readonly text: Buffer;
  recentlyRead = false;
  decodedPlace = -1;
  #object: KubeObject | undefined;
  #labels: Readonly<Record<string, string>> | undefined;
  #fields: Map<string, string> | undefined;
  #message: Uint8Array | undefined;

  /** @param stored the bytes as the store keeps them @param object the decoded form with this very resourceVersion, when the caller has it */
  constructor(home: ObjectHome, key: string, revision: number, stored: Uint8Array, object?: KubeObject) {
    this.home = home;
    this.key = key;
    const slash = key.indexOf('/');
    this.namespace = slash < 0 ? '' : key.slice(0, slash);
    this.name = slash < 0 ? key : key.slice(slash + 1);
    this.revision = revision;
    this.text = splice(home.head, stored, revision);
    if (object) this.#hold(object);
  }

  get byteLength(): number {
    return this.text.length;
  }

  /** The bytes as the store keeps them. */
  storedBytes(): Buffer {
    const at = this.home.head.bytes.length;
    const after = at + versionText(this.revision).length;
    return Buffer.concat([this.text.subarray(0, at), this.text.subarray(after, -1)]);
  }

  /** The JSON without the newline. */
  get bytes(): Buffer {
    return this.text.subarray(0, -1);
  }

  /** The decoded object; shared, never to be changed. */
  get object(): KubeObject {
    this.recentlyRead = true;
    if (this.#object) return this.#object;
    const object = this.home.decode(this.text);
    this.#hold(object);
    return object;
  }

  get labels(): Readonly<Record<string, string>> {
    this.#labels ??= this.object.metadata.labels ?? noLabels;
    return this.#labels;
  }

  /** The value of a selectable field, read once. */
  field(label: string, read: (object: KubeObject) => string): string {
    const known = this.#fields?.get(label);
    if (known !== undefined) return known;
    const value = read(this.object);
    (this.#fields ??= new Map()).set(label, value);
    return value;
  }

  /** The object's protobuf message without its envelope, made when somebody first asks and kept. Never write into it. */
  message(make: () => Uint8Array): Uint8Array {
    return (this.#message ??= make());
  }

  /** The same object as of a later revision, for the event that tells its deletion. */
  at(revision: number): StoredObject {
    const object = this.#object;
    return new StoredObject(
      this.home,
      this.key,
      revision,
      this.storedBytes(),
      object && { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } },
    );
  }

  forgetDecoded(): void {
    this.#object = undefined;
  }

  /** It was replaced: its place among the decoded objects is free. */
  release(): void {
    if (this.#object === undefined) return;
    this.home.decoded.release(this);
    this.#object = undefined;
  }

  #hold(object: KubeObject): void {
    if (this.home.freeze) deepFreeze(object);
    this.#object = object;
    this.home.decoded.hold(this);
  }
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
}

const noLabels: Readonly<Record<string, string>> = Object.freeze({});
