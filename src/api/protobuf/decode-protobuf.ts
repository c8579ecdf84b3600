/**
 * Kubernetes' protobuf as the JSON tree that it stands for: clients of the Go library send typed objects this way. What comes out
 * goes the way of every JSON body.
 * @source apimachinery runtime/serializer/protobuf; generated.proto of k8s.io/api, v0.35
 */
import { formatDuration } from '../duration.ts';
import { parseJson } from '../json/parse.ts';
import { textOf } from '../json/text-codec.ts';
import { maxTreeDepth, setOwn } from '../json/tree.ts';
import type { Draft, JsonObject, JsonValue } from '../object.ts';
import { encodeBase64 } from './base64.ts';
import { type FieldValue, messageFields, type MessageField } from './messages.ts';
import { isPointer } from './pointers.ts';
import { ProtobufError, WireReader, type WireType } from './wire-reader.ts';

/** `k8s` and a zero byte stand before every message. */
const magic = [0x6b, 0x38, 0x73, 0x00];

type Tree = Draft<JsonValue>;
type Members = Record<string, Tree>;

/**
 * Reads a message in its envelope.
 * @param definition of the schema, such as `io.k8s.api.core.v1.Pod`
 * @throws ProtobufError
 */
export function decodeProtobuf(bytes: Uint8Array, definition: string): Draft<JsonObject> {
  if (magic.some((byte, i) => bytes[i] !== byte)) throw new ProtobufError('provided data does not appear to be a protobuf message');
  const envelope = readMessage('k8s.io.apimachinery.pkg.runtime.Unknown', bytes.subarray(magic.length), 0);
  const { apiVersion = '', kind = '' } = (envelope['typeMeta'] ?? {}) as { apiVersion?: string; kind?: string };
  const raw = rawOf(bytes.subarray(magic.length));
  const members = readMessage(messageOf(definition), raw, 0);
  return { ...(apiVersion !== '' && { apiVersion }), ...(kind !== '' && { kind }), ...members };
}

/** The message of a schema definition: `io.k8s.api.core.v1.Pod` is `k8s.io.api.core.v1.Pod` there. */
function messageOf(definition: string): string {
  return definition.replace(/^io\.k8s\./, 'k8s.io.').replace('apiextensions-apiserver', 'apiextensions_apiserver');
}

/** The enveloped bytes themselves. */
function rawOf(envelope: Uint8Array): Uint8Array {
  const reader = new WireReader(envelope);
  const rawField = 2;
  while (!reader.done) {
    const { field, wire } = reader.tag();
    if (field === rawField && wire === 2) return reader.block();
    reader.skip(wire);
  }
  return new Uint8Array();
}

function readMessage(name: string, bytes: Uint8Array, depth: number): Members {
  const fields = messageFields(name);
  if (!fields) throw new ProtobufError(`no message ${name} is known`);
  if (depth > maxTreeDepth) throw new ProtobufError('exceeded max depth');
  const members: Members = {};
  const reader = new WireReader(bytes);
  while (!reader.done) {
    const { field: number, wire } = reader.tag();
    const field = fields.get(number);
    if (field) readField(members, name, field, { reader, wire, depth });
    else reader.skip(wire);
  }
  return members;
}

interface Position {
  readonly reader: WireReader;
  readonly wire: WireType;
  readonly depth: number;
}

function readField(members: Members, message: string, field: MessageField, position: Position): void {
  const { name, form, value } = field;
  if (form === 'map') {
    const entries = (members[name] ??= {}) as Members;
    const [key, entry] = readEntry(value, position.reader.block(), position.depth);
    setOwn(entries, key, entry);
    return;
  }
  const read = readValue(value, position);
  if (form === 'list') {
    const list = (members[name] ??= []) as Tree[];
    if (read !== undefined) list.push(read);
  } else if (form === 'inline') {
    Object.assign(members, read as Members);
  } else if (read !== undefined && !isUnsaid(message, field, read)) {
    setOwn(members, name, read);
  }
}

/** Zero in a field that is no pointer: JSON leaves it out. */
function isUnsaid(message: string, { name, value }: MessageField, read: Tree): boolean {
  if (value.kind === 'message') return name === 'targetPort' && read === 0;
  return (read === '' || read === 0 || read === false) && !isPointer(message, name);
}

function readEntry(value: FieldValue, bytes: Uint8Array, depth: number): [string, Tree] {
  const reader = new WireReader(bytes);
  let key = '';
  let entry: Tree | undefined;
  while (!reader.done) {
    const { field, wire } = reader.tag();
    if (field === 1 && wire === 2) key = reader.text();
    else if (field === 2) entry = readValue(value, { reader, wire, depth });
    else reader.skip(wire);
  }
  return [key, entry ?? emptyValue(value)];
}

function emptyValue(value: FieldValue): Tree {
  // A time that is not set is null in a map.
  if (value.kind === 'message' && /\.(Micro)?Time$/.test(value.name)) return null;
  return value.kind === 'text' || value.kind === 'bytes' ? '' : value.kind === 'message' ? {} : 0;
}

/** Undefined for a time that is not set. */
function readValue(value: FieldValue, { reader, wire, depth }: Position): Tree | undefined {
  const expected: WireType = value.kind === 'boolean' || value.kind === 'integer' ? 0 : value.kind === 'double' ? 1 : 2;
  if (wire !== expected) throw new ProtobufError(`proto: wrong wireType = ${wire}`);
  switch (value.kind) {
    case 'text':
      return reader.text();
    case 'boolean':
      return reader.varint() !== 0n;
    case 'integer':
      return reader.int();
    case 'double':
      return reader.double();
    case 'bytes':
      return encodeBase64(reader.block());
    default:
      return readNested(value.name, reader.block(), depth + 1);
  }
}

const machinery = 'k8s.io.apimachinery.pkg';

/** Types whose JSON is not an object of their fields. */
function readNested(name: string, bytes: Uint8Array, depth: number): Tree | undefined {
  switch (name) {
    case `${machinery}.api.resource.Quantity`:
      return textField(bytes) || '0';
    case `${machinery}.apis.meta.v1.Time`:
      return timeOf(bytes, 0);
    case `${machinery}.apis.meta.v1.MicroTime`:
      return timeOf(bytes, 6);
    case `${machinery}.apis.meta.v1.Duration`:
      return formatDuration(Number(numberOf(plainFields(bytes).get(1))) / 1e6);
    case `${machinery}.util.intstr.IntOrString`: {
      const fields = plainFields(bytes);
      return numberOf(fields.get(1)) === 1
        ? textOf((fields.get(3) as Uint8Array | undefined) ?? new Uint8Array())
        : numberOf(fields.get(2));
    }
    case `${machinery}.apis.meta.v1.FieldsV1`:
    case `${machinery}.runtime.RawExtension`: {
      const raw = plainFields(bytes).get(1);
      return raw instanceof Uint8Array && raw.length > 0 ? parseJson(raw).value : {};
    }
    default:
      return listOf(name, bytes, depth) ?? readMessage(name, bytes, depth);
  }
}

/** `Verbs` and `ExtraValue` are lists in JSON. */
function listOf(name: string, bytes: Uint8Array, depth: number): Tree | undefined {
  if (!/\.(Verbs|ExtraValue)$/.test(name)) return undefined;
  return readMessage(name, bytes, depth)['items'] ?? [];
}

/** The fields of a small message as they stand on the wire. */
function plainFields(bytes: Uint8Array): ReadonlyMap<number, number | bigint | Uint8Array> {
  const fields = new Map<number, number | bigint | Uint8Array>();
  const reader = new WireReader(bytes);
  while (!reader.done) {
    const { field, wire } = reader.tag();
    if (wire === 0) fields.set(field, reader.int());
    else if (wire === 2) fields.set(field, reader.block());
    else reader.skip(wire);
  }
  return fields;
}

function numberOf(value: number | bigint | Uint8Array | undefined): number | bigint {
  return typeof value === 'number' || typeof value === 'bigint' ? value : 0;
}

function textField(bytes: Uint8Array): string {
  const text = plainFields(bytes).get(1);
  return text instanceof Uint8Array ? textOf(text) : '';
}

function timeOf(bytes: Uint8Array, digits: 0 | 6): string | undefined {
  const fields = plainFields(bytes);
  if (fields.size === 0) return undefined;
  const [seconds, nanos] = [Number(numberOf(fields.get(1))), Number(numberOf(fields.get(2)))];
  const text = new Date(seconds * 1_000).toISOString().replace(/\.\d+Z$/, '');
  return digits === 0 ? `${text}Z` : `${text}.${String(Math.floor(nanos / 1_000)).padStart(6, '0')}Z`;
}
