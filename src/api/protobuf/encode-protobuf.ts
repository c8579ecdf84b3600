/**
 * JSON trees as Kubernetes' protobuf, byte for byte as Go writes them: fields in ascending order, plain ones even when they are
 * zero, pointers and lists only when they are there, maps by sorted keys. Each message is compiled once into closures that write
 * from the last field to the first, as `WireWriter` wants it.
 * @source apimachinery runtime/serializer/protobuf; k8s.io/api generated.pb.go, v0.35
 */
import type { JsonObject } from '../object.ts';
import { decodeBase64 } from './base64.ts';
import { envelope } from './envelope.ts';
import { type FieldValue, isMessage, messageFields, messageOf, type MessageField } from './messages.ts';
import { isListMessage, objectOfUnion, specialMessage, tagOf } from './special-messages.ts';
import { WireWriter } from './wire-writer.ts';

/** Writes the fields of a message, or one value, without a tag. */
type Write = (value: unknown, out: WireWriter) => void;

/** Whether objects of a schema definition, such as `io.k8s.api.core.v1.Pod`, have a message. */
export function hasProtobuf(definition: string): boolean {
  return isMessage(messageOf(definition));
}

/**
 * The message of an object without its envelope, as it stands in a list.
 * @param definition one that `hasProtobuf`
 */
export function encodeMessage(object: JsonObject, definition: string): Uint8Array<ArrayBuffer> {
  try {
    bodyOf(messageOf(definition))(object, writer);
    return writer.take();
  } finally {
    writer.clear();
  }
}

/** The object in its envelope, which says what it is. @param definition one that `hasProtobuf` */
export function encodeProtobuf(
  object: JsonObject & { readonly apiVersion: string; readonly kind: string },
  definition: string,
): Uint8Array {
  return envelope(object, encodeMessage(object, definition));
}

/** One for all: encoding never waits. */
const writer = new WireWriter();

const compiled = new Map<string, Write>();

/** The writer of a message's fields. */
function bodyOf(message: string): Write {
  let write = compiled.get(message);
  if (!write) compiled.set(message, (write = compileMessage(message)));
  return write;
}

function compileMessage(message: string): Write {
  const special = specialMessage(message);
  if (special) return (value, out) => special.write(value, out);
  const all = messageFields(message);
  if (!all) throw new TypeError(`no message ${message} is known`);
  // The last field first.
  const fields = [...all.values()].sort((a, b) => b.number - a.number).map(compileField);
  if (isListMessage(message)) {
    const items = fields[0]!;
    return (value, out) => items({ items: value }, out);
  }
  const write = (object: Readonly<Record<string, unknown>>, out: WireWriter): void => {
    for (const field of fields) field(object, out);
  };
  const isUnion = objectOfUnion(message, undefined) !== undefined;
  // An object of the type, or nothing, which stands for one with nothing in it.
  return (value, out) => write((isUnion ? objectOfUnion(message, value) : (value ?? nothing)) as Readonly<Record<string, unknown>>, out);
}

const nothing = Object.freeze({});

/** Writes a field of an object with its tag, if there is something to write. */
type WriteField = (object: Readonly<Record<string, unknown>>, out: WireWriter) => void;

function compileField(field: MessageField): WriteField {
  const { number, name, form, value } = field;
  const tag = tagOf(number, form === 'single' || form === 'list' ? wireTypeOf(value) : 2);
  switch (form) {
    case 'inline':
      return compileInline(tag, value);
    case 'list':
      return compileList(tag, name, compileValue(value));
    case 'map':
      return compileMap(tag, name, value);
    default:
      return compileSingle(tag, field);
  }
}

function compileSingle(tag: number, { name, value, isPointer }: MessageField): WriteField {
  const write = compileValue(value);
  // A list that is not there is nil, even where Go has no pointer to it; so are bytes.
  if (isPointer || value.kind === 'bytes' || (value.kind === 'message' && isListMessage(value.name))) {
    return (object, out) => {
      const inner = object[name];
      if (inner === undefined || inner === null) return;
      write(inner, out);
      out.count(tag);
    };
  }
  const zero = zeroOf(value);
  return (object, out) => {
    const inner = object[name];
    if (inner === undefined || inner === null) out.raw(zero());
    else write(inner, out);
    out.count(tag);
  };
}

/** The bytes of a value that is not there, with its length. */
function zeroOf(value: FieldValue): () => Uint8Array {
  let bytes: Uint8Array | undefined;
  return () => {
    if (!bytes) {
      const out = new WireWriter();
      compileValue(value)(undefined, out);
      bytes = out.take();
    }
    return bytes;
  };
}

/** A message whose fields stand in the object itself. */
function compileInline(tag: number, value: FieldValue): WriteField {
  const write = compileValue(value);
  return (object, out) => {
    write(object, out);
    out.count(tag);
  };
}

function compileList(tag: number, name: string, write: Write): WriteField {
  return (object, out) => {
    const list = object[name];
    if (!Array.isArray(list)) return;
    for (let i = list.length - 1; i >= 0; i--) {
      write(list[i], out);
      out.count(tag);
    }
  };
}

function compileMap(tag: number, name: string, value: FieldValue): WriteField {
  const write = compileValue(value);
  const valueTag = tagOf(2, wireTypeOf(value));
  return (object, out) => {
    const map = object[name] as Readonly<Record<string, unknown>> | undefined | null;
    if (map === undefined || map === null) return;
    const keys = sortedKeys(map);
    for (let i = keys.length - 1; i >= 0; i--) {
      const key = keys[i]!;
      const before = out.length;
      if (value.kind !== 'bytes' || map[key] !== null) {
        write(map[key], out);
        out.byte(valueTag);
      }
      out.text(key);
      out.byte(keyTag);
      out.count(out.length - before);
      out.count(tag);
    }
  };
}

const keyTag = tagOf(1, 2);

/** In the order of their bytes. */
function sortedKeys(map: Readonly<Record<string, unknown>>): string[] {
  const keys = Object.keys(map);
  if (keys.length < 2) return keys;
  keys.sort();
  // UTF-16 orders surrogates below what stands above them in UTF-8.
  return keys.some((key) => surrogate.test(key)) ? keys.sort(byCodePoint) : keys;
}

const surrogate = /[\ud800-\udfff]/;

function byCodePoint(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function wireTypeOf({ kind }: FieldValue): 0 | 1 | 2 {
  return kind === 'boolean' || kind === 'integer' ? 0 : kind === 'double' ? 1 : 2;
}

/** Writes a value with its length, without its tag. Undefined and null stand for zero. */
function compileValue(value: FieldValue): Write {
  switch (value.kind) {
    case 'text':
      return (text, out) => out.text(typeof text === 'string' ? text : '');
    case 'boolean':
      return (said, out) => out.byte(said === true ? 1 : 0);
    case 'integer':
      return (number, out) => out.int(typeof number === 'number' || typeof number === 'bigint' ? number : 0);
    case 'double':
      return (number, out) => out.double(Number(number ?? 0));
    case 'bytes':
      return (text, out) => out.block(decodeBase64(typeof text === 'string' ? text : ''));
    default: {
      const { name } = value;
      let write: Write | undefined;
      return (inner, out) => {
        const before = out.length;
        (write ??= bodyOf(name))(inner, out);
        out.count(out.length - before);
      };
    }
  }
}
