/**
 * Messages whose JSON is not an object of their fields: times, quantities, raw JSON and the like. Each has a pair of functions, to
 * its message and back; what has none is an object.
 * @source apimachinery meta/v1 time_proto.go, api/resource generated.proto, util/intstr, runtime/generated.proto; apiextensions v1
 */
import { formatDuration, parseDuration } from '../duration.ts';
import { JsonSyntaxError } from '../json/careful-reader.ts';
import { parseJson } from '../json/parse.ts';
import { stringifyJson } from '../json/stringify.ts';
import { bytesOf, textOf } from '../json/text-codec.ts';
import type { Draft, JsonValue } from '../object.ts';
import { ProtobufError, WireReader } from './wire-reader.ts';
import type { WireWriter } from './wire-writer.ts';

type Tree = Draft<JsonValue>;

/** How a message of another shape is written and read. */
export interface SpecialMessage {
  /** Writes the fields of the message, last one first. @param value undefined stands for Go's zero value */
  write(value: unknown, out: WireWriter): void;
  /** Undefined for a time that is not set, and for raw JSON that is not there. */
  read(bytes: Uint8Array): Tree | undefined;
}

/** A field's tag: its number and wire type. */
export function tagOf(field: number, wire: 0 | 1 | 2): number {
  return (field << 3) | wire;
}

const quantity: SpecialMessage = {
  write(value, out) {
    out.text(typeof value === 'string' && value !== '' ? value : '0');
    out.byte(tagOf(1, 2));
  },
  read: (bytes) => textField(bytes) || '0',
};

/** The times of an object are mostly one and the same: the last one is remembered, both ways. */
let lastWritten = { text: '', seconds: 0 };
let lastRead = { seconds: 0, text: '1970-01-01T00:00:00' };

function secondsOf(text: string): number {
  if (text !== lastWritten.text) lastWritten = { text, seconds: Date.parse(`${text.slice(0, 19)}Z`) / 1_000 };
  return lastWritten.seconds;
}

/** Without zone and fraction. @throws ProtobufError */
function textOfSeconds(seconds: number): string {
  if (seconds !== lastRead.seconds) {
    const at = new Date(seconds * 1_000);
    const iso = Number.isNaN(at.getTime()) ? '' : at.toISOString();
    // Years beyond 9999 have no JSON in Go either.
    if (iso.length !== 24) throw new ProtobufError('Time.MarshalJSON: year outside of range [0,9999]');
    lastRead = { seconds, text: iso.slice(0, 19) };
  }
  return lastRead.text;
}

function time(digits: 0 | 6): SpecialMessage {
  return {
    write(value, out) {
      // Go's zero time is nothing at all.
      if (typeof value !== 'string' || value.startsWith('0001-01-01T00:00:00')) return;
      out.count(digits === 0 ? 0 : Number(value.slice(20, 26)) * 1_000);
      out.byte(tagOf(2, 0));
      out.int(secondsOf(value));
      out.byte(tagOf(1, 0));
    },
    read(bytes) {
      const fields = plainFields(bytes);
      if (fields.size === 0) return undefined;
      const [seconds, nanos] = [Number(numberOf(fields.get(1))), Number(numberOf(fields.get(2)))];
      const whole = textOfSeconds(seconds + Math.floor(nanos / 1e9));
      if (digits === 0) return `${whole}Z`;
      const micros = Math.floor((((nanos % 1e9) + 1e9) % 1e9) / 1_000);
      return `${whole}.${String(micros).padStart(6, '0')}Z`;
    },
  };
}

const duration: SpecialMessage = {
  write(value, out) {
    const nanos = typeof value === 'string' ? Math.round(parseDuration(value) * 1e6) : 0;
    out.int(Number.isSafeInteger(nanos) ? nanos : BigInt(nanos));
    out.byte(tagOf(1, 0));
  },
  read: (bytes) => formatDuration(Number(numberOf(plainFields(bytes).get(1))) / 1e6),
};

const intOrString: SpecialMessage = {
  write(value, out) {
    const isText = typeof value === 'string';
    out.text(isText ? value : '');
    out.byte(tagOf(3, 2));
    out.int(isText ? 0 : integerOf(value));
    out.byte(tagOf(2, 0));
    out.byte(isText ? 1 : 0);
    out.byte(tagOf(1, 0));
  },
  read(bytes) {
    const fields = plainFields(bytes);
    if (numberOf(fields.get(1)) !== 1) return numberOf(fields.get(2));
    const text = fields.get(3);
    return text instanceof Uint8Array ? textOf(text) : '';
  },
};

/** JSON kept as its text. */
const rawJson: SpecialMessage = {
  write(value, out) {
    if (value === undefined || value === null) return;
    out.block(bytesOf(stringifyJson(value)));
    out.byte(tagOf(1, 2));
  },
  read(bytes) {
    const raw = plainFields(bytes).get(1);
    return raw instanceof Uint8Array && raw.length > 0 ? parseRaw(raw) : undefined;
  },
};

const machinery = 'k8s.io.apimachinery.pkg';
const extensions = 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.';

const specials: ReadonlyMap<string, SpecialMessage> = new Map([
  [`${machinery}.api.resource.Quantity`, quantity],
  [`${machinery}.apis.meta.v1.Time`, time(0)],
  [`${machinery}.apis.meta.v1.MicroTime`, time(6)],
  [`${machinery}.apis.meta.v1.Duration`, duration],
  [`${machinery}.util.intstr.IntOrString`, intOrString],
  [`${machinery}.apis.meta.v1.FieldsV1`, rawJson],
  [`${machinery}.runtime.RawExtension`, rawJson],
  [`${extensions}v1.JSON`, rawJson],
  [`${extensions}v1beta1.JSON`, rawJson],
]);

/** @param message full name */
export function specialMessage(message: string): SpecialMessage | undefined {
  return specials.get(message);
}

/** A list in JSON, a message with `items` on the wire. */
export function isListMessage(message: string): boolean {
  return /\.(Verbs|ExtraValue)$/.test(message);
}

/**
 * The object that a JSON schema's "or" type stands for on the wire; undefined when the message is none.
 * @source apiextensions v1 marshal.go
 */
export function objectOfUnion(message: string, value: unknown): unknown {
  const union = unionOf(message);
  if (!union) return undefined;
  if (value === undefined) return {};
  const isSchema = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (union === 'JSONSchemaPropsOrBool') return isSchema ? { allows: true, schema: value } : { allows: value === true };
  if (isSchema) return { schema: value };
  return union === 'JSONSchemaPropsOrArray' ? { jSONSchemas: value } : { property: value };
}

/** What a JSON schema's "or" type is in JSON; undefined when the message is none. */
export function unionOfObject(message: string, object: Readonly<Record<string, Tree>>): Tree | undefined {
  const union = unionOf(message);
  if (!union) return undefined;
  if (object['schema'] !== undefined) return object['schema'];
  if (union === 'JSONSchemaPropsOrBool') return object['allows'] === true;
  return object[union === 'JSONSchemaPropsOrArray' ? 'jSONSchemas' : 'property'] ?? null;
}

function unionOf(message: string): string | undefined {
  return /\.(JSONSchemaPropsOr(?:Array|Bool|StringArray))$/.exec(message)?.[1];
}

function parseRaw(raw: Uint8Array): Tree {
  try {
    return parseJson(raw).value;
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new ProtobufError(error.message, { cause: error });
  }
}

function integerOf(value: unknown): number | bigint {
  return typeof value === 'number' || typeof value === 'bigint' ? value : 0;
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
