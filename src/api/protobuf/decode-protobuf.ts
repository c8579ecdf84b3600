/**
 * Kubernetes' protobuf as the JSON tree that it stands for: clients of the Go library send typed objects this way. What comes out
 * goes the way of every JSON body.
 * @source apimachinery runtime/serializer/protobuf; generated.proto of k8s.io/api, v0.35
 */
import { maxTreeDepth, setOwn } from '../json/tree.ts';
import type { Draft, JsonObject, JsonValue } from '../object.ts';
import { encodeBase64 } from './base64.ts';
import { openEnvelope } from './envelope.ts';
import { type FieldValue, messageFields, messageOf, type MessageField } from './messages.ts';
import { isListMessage, specialMessage, unionOfObject } from './special-messages.ts';
import { ProtobufError, WireReader, type WireType } from './wire-reader.ts';

type Tree = Draft<JsonValue>;
type Members = Record<string, Tree>;

/**
 * Reads a message in its envelope.
 * @param definition of the schema, such as `io.k8s.api.core.v1.Pod`; bytes that say they are of another kind are not read further
 * @throws ProtobufError
 */
export function decodeProtobuf(bytes: Uint8Array, definition: string): Draft<JsonObject> {
  const { apiVersion, kind, message } = openEnvelope(bytes);
  const type = { ...(apiVersion !== '' && { apiVersion }), ...(kind !== '' && { kind }) };
  if (kind !== '' && !definition.endsWith(`.${kind}`)) return type;
  return { ...type, ...readMessage(messageOf(definition), message, 0) };
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
    if (field) readField(members, field, { reader, wire, depth });
    else reader.skip(wire);
  }
  return members;
}

interface Position {
  readonly reader: WireReader;
  readonly wire: WireType;
  readonly depth: number;
}

function readField(members: Members, field: MessageField, position: Position): void {
  const { name, form, value } = field;
  if (form === 'map') {
    if (position.wire !== 2) throw wrongWireType(position.wire);
    const entries = (members[name] ??= {}) as Members;
    const [key, entry] = readEntry(value, position.reader.block(), position.depth);
    setOwn(entries, key, entry);
    return;
  }
  const read = readValue(value, position);
  if (form === 'list') {
    const list = (members[name] ??= []) as Tree[];
    list.push(read ?? null);
  } else if (form === 'inline') {
    Object.assign(members, read as Members);
  } else if (read !== undefined && !isUnsaid(field, read)) {
    members[name] = read;
  }
}

/** Zero in a field that is no pointer: JSON leaves it out. */
function isUnsaid({ isPointer, isAlwaysSaid }: MessageField, read: Tree): boolean {
  return (read === '' || read === 0 || read === false) && !isPointer && !isAlwaysSaid;
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
  switch (value.kind) {
    case 'bytes':
      return null;
    case 'message':
      return readNested(value.name, new Uint8Array(), 0) ?? null;
    default:
      return value.kind === 'text' ? '' : value.kind === 'boolean' ? false : 0;
  }
}

/** Undefined for a time that is not set, and for raw JSON that is not there. */
function readValue(value: FieldValue, { reader, wire, depth }: Position): Tree | undefined {
  const expected: WireType = value.kind === 'boolean' || value.kind === 'integer' ? 0 : value.kind === 'double' ? 1 : 2;
  if (wire !== expected) throw wrongWireType(wire);
  switch (value.kind) {
    case 'text':
      return reader.text();
    case 'boolean':
      return reader.int() !== 0;
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

function wrongWireType(wire: WireType): ProtobufError {
  return new ProtobufError(`proto: wrong wireType = ${wire}`);
}

function readNested(name: string, bytes: Uint8Array, depth: number): Tree | undefined {
  const special = specialMessage(name);
  if (special) return special.read(bytes);
  const members = readMessage(name, bytes, depth);
  if (isListMessage(name)) return members['items'] ?? [];
  return unionOfObject(name, members) ?? members;
}
