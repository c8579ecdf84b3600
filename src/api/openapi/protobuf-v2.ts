/**
 * The OpenAPI 2 document as the protobuf message `openapi.v2.Document`, which kubectl before 1.27 asks for. A message is described
 * by its fields; what the document holds and the description does not know is refused, never dropped.
 * @source google/gnostic-models openapiv2/OpenAPIv2.proto
 */
import protobuf from 'protobufjs/minimal.js';
import type { JsonObject, JsonValue } from '../object.ts';

type Writer = protobuf.Writer;
type FieldType = 'string' | 'strings' | 'bool' | 'any' | 'anys' | 'integer' | 'double' | ((writer: Writer, value: JsonValue) => void);
type Fields = Readonly<Record<string, readonly [number: number, type: FieldType]>>;

/** A member that the message has no field for. */
export class UnknownOpenApiMemberError extends Error {
  override readonly name = 'UnknownOpenApiMemberError';
}

/** The document's bytes. @throws UnknownOpenApiMemberError */
export function openApiV2Protobuf(document: JsonObject): Uint8Array {
  const writer = protobuf.Writer.create();
  writeDocument(writer, document);
  return writer.finish();
}

/** Writes an object's members by number; members that start with `x-` go where the message keeps extensions. */
function message(fields: Fields, extensions?: number): (writer: Writer, value: JsonValue) => void {
  return (writer, value) => {
    for (const [name, member] of Object.entries(value as JsonObject)) {
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (field) writeField(writer, field, member);
      else if (extensions !== undefined && name.startsWith('x-'))
        nested(writer, extensions, () => writeNamed(writer, name, () => writeAny(writer, member)));
      else throw new UnknownOpenApiMemberError(`the protobuf form of OpenAPI has no field for ${name}`);
    }
  };
}

function writeField(writer: Writer, [number, type]: readonly [number, FieldType], value: JsonValue): void {
  switch (type) {
    case 'string':
      writer.uint32((number << 3) | 2).string(value as string);
      break;
    case 'strings':
      for (const item of value as readonly string[]) writer.uint32((number << 3) | 2).string(item);
      break;
    case 'bool':
      writer.uint32(number << 3).bool(value as boolean);
      break;
    case 'integer':
      writer.uint32(number << 3).int64(value as number);
      break;
    case 'double':
      writer.uint32((number << 3) | 1).double(value as number);
      break;
    case 'any':
      nested(writer, number, () => writeAny(writer, value));
      break;
    case 'anys':
      for (const item of value as readonly JsonValue[]) nested(writer, number, () => writeAny(writer, item));
      break;
    default:
      nested(writer, number, () => type(writer, value));
  }
}

function nested(writer: Writer, number: number, write: () => void): void {
  writer.uint32((number << 3) | 2).fork();
  write();
  writer.ldelim();
}

/** `Any` keeps a value as YAML, which JSON is. */
function writeAny(writer: Writer, value: JsonValue): void {
  writer.uint32((2 << 3) | 2).string(JSON.stringify(value));
}

/** A pair of a map: its name, and its value as message 2. */
function writeNamed(writer: Writer, name: string, write: () => void): void {
  writer.uint32((1 << 3) | 2).string(name);
  nested(writer, 2, write);
}

/** A map as pairs under field `number`; each value wrapped as a oneof asks for. */
function pairs(number: number, write: (writer: Writer, value: JsonValue) => void): (writer: Writer, value: JsonValue) => void {
  return (writer, value) => {
    for (const [name, member] of Object.entries(value as JsonObject))
      nested(writer, number, () => writeNamed(writer, name, () => write(writer, member)));
  };
}

function repeated(write: (writer: Writer, value: JsonValue) => void): (writer: Writer, value: JsonValue, number: number) => void {
  return (writer, value, number) => {
    for (const item of value as readonly JsonValue[]) nested(writer, number, () => write(writer, item));
  };
}

/** One choice of a oneof. */
function choice(number: number, write: (writer: Writer, value: JsonValue) => void): (writer: Writer, value: JsonValue) => void {
  return (writer, value) => nested(writer, number, () => write(writer, value));
}

const writeStrings = (writer: Writer, value: JsonValue): void => {
  for (const item of Array.isArray(value) ? (value as readonly string[]) : [value as string]) writer.uint32((1 << 3) | 2).string(item);
};

// Schemas contain schemas: the closures below run when all constants are there.
const writeSchema = (writer: Writer, value: JsonValue): void => schemaMessage(writer, value);
const schemaMessage = message(
  {
    $ref: [1, 'string'],
    format: [2, 'string'],
    description: [4, 'string'],
    default: [5, 'any'],
    required: [19, 'strings'],
    enum: [20, 'anys'],
    additionalProperties: [21, choice(1, writeSchema)],
    type: [22, writeStrings],
    items: [23, choice(1, writeSchema)],
    properties: [25, pairs(1, writeSchema)],
  },
  31,
);

const bodyParameter = message({
  description: [1, 'string'],
  name: [2, 'string'],
  in: [3, 'string'],
  required: [4, 'bool'],
  schema: [5, writeSchema],
});
const queryParameter = message({
  required: [1, 'bool'],
  in: [2, 'string'],
  name: [4, 'string'],
  type: [6, 'string'],
  uniqueItems: [20, 'bool'],
});
const pathParameter = message({
  required: [1, 'bool'],
  in: [2, 'string'],
  name: [4, 'string'],
  type: [5, 'string'],
  uniqueItems: [19, 'bool'],
});

/** ParametersItem → Parameter → the kind of parameter. */
function writeParameter(writer: Writer, value: JsonValue): void {
  const place = (value as JsonObject)['in'];
  const write =
    place === 'body' ? choice(1, bodyParameter) : choice(2, place === 'query' ? choice(3, queryParameter) : choice(4, pathParameter));
  choice(1, write)(writer, value);
}

const response = message({ description: [1, 'string'], schema: [2, choice(1, writeSchema)] });
const info = message({ title: [1, 'string'], version: [2, 'string'] });
const apiKey = message({ type: [1, 'string'], name: [2, 'string'], in: [3, 'string'] });

function writeOperation(writer: Writer, value: JsonValue): void {
  const { parameters = [], ...rest } = value as JsonObject;
  operationMessage(writer, rest);
  repeated(writeParameter)(writer, parameters, 8);
}
const operationMessage = message(
  {
    tags: [1, 'strings'],
    operationId: [5, 'string'],
    produces: [6, 'strings'],
    consumes: [7, 'strings'],
    responses: [9, pairs(1, choice(1, response))],
    schemes: [10, 'strings'],
  },
  13,
);

function writePathItem(writer: Writer, value: JsonValue): void {
  const { parameters = [], ...operations } = value as JsonObject;
  pathItemMessage(writer, operations);
  repeated(writeParameter)(writer, parameters, 9);
}
const pathItemMessage = message({
  get: [2, writeOperation],
  put: [3, writeOperation],
  post: [4, writeOperation],
  delete: [5, writeOperation],
  options: [6, writeOperation],
  head: [7, writeOperation],
  patch: [8, writeOperation],
});

function writeDocument(writer: Writer, value: JsonObject): void {
  const { security = [], ...rest } = value;
  documentMessage(writer, rest);
  repeated(pairs(1, writeStrings))(writer, security, 12);
}
const documentMessage = message({
  swagger: [1, 'string'],
  info: [2, info],
  paths: [8, pairs(2, writePathItem)],
  definitions: [9, pairs(1, writeSchema)],
  securityDefinitions: [13, pairs(1, choice(2, apiKey))],
});
