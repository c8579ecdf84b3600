/**
 * The body of a request: bytes of JSON, YAML, protobuf or CBOR from the wire, or a value from the in-process transport. All pass the
 * same schema walk, which copies, prunes and defaults.
 */
import { apiVersionOf, badRequest, type Draft, type KubeObject } from '../../api/index.ts';
import { isJsonObject, JsonSyntaxError, parseJson, type Parsed } from '../../api/json/index.ts';
import { parseYaml, YamlSyntaxError } from '../../api/yaml/index.ts';
import { CborError, decodeCbor } from '../../api/cbor/index.ts';
import { decodeProtobuf, ProtobufError } from '../../api/protobuf/index.ts';
import { decodeObject } from '../../api/schema/index.ts';
import type { Operation, WriteOptions } from '../storage.ts';
import { mediaTypeOf, unsupportedMediaType } from './options.ts';

export interface BodySource {
  /** The media type, empty when the client did not say. */
  readonly contentType: string;
  /** The bytes as they came; undefined for a body that is a value. */
  readonly bytes: Buffer | undefined;
  /** For a body that is a value. */
  readonly value: unknown;
}

const protobufType = 'application/vnd.kubernetes.protobuf';
export const cborType = 'application/cbor';
const acceptedTypes = ['application/json', 'application/yaml', protobufType];
const acceptedTypesWithCbor = [...acceptedTypes, cborType];

/** What the server's feature gates say of bodies. */
export interface BodyGates {
  readonly featureEnabled: (gate: string) => boolean;
}

/** The gate behind which CBOR is spoken; off by default. */
export const cborGate = 'CBORServingAndStorage';

export function isEmptyBody({ bytes, value }: BodySource): boolean {
  return bytes === undefined ? value === undefined : bytes.length === 0;
}

/** What kind of object a body has to be. */
export interface BodyKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Versions of old that are read as this one. */
  readonly olderVersions?: readonly string[] | undefined;
  /** Name in the schema. */
  readonly schema: string;
  /** Fills in what the client left out. */
  readonly applyDefaults?: ((object: Draft<never>) => void) | undefined;
}

/**
 * The JSON tree of a body.
 * @param kind named in errors; its schema says which protobuf message it may be
 * @throws ApiError BadRequest, UnsupportedMediaType
 */
export function parseBody(body: BodySource, kind: Pick<BodyKind, 'kind' | 'schema'>, gates: BodyGates): Parsed {
  const { bytes } = body;
  // A value of the in-process transport is checked by the schema walk.
  if (bytes === undefined) return { value: body.value as Parsed['value'], strictErrors: [] };
  const type = mediaTypeOf(body.contentType) || 'application/json';
  const accepted = type === cborType && gates.featureEnabled(cborGate) ? acceptedTypesWithCbor : acceptedTypes;
  if (!accepted.includes(type)) throw unsupportedMediaType(gates.featureEnabled(cborGate) ? acceptedTypesWithCbor : acceptedTypes);
  try {
    if (type === protobufType) return { value: decodeProtobuf(bytes, kind.schema), strictErrors: [] };
    if (type === cborType) return { value: decodeCbor(bytes), strictErrors: [] };
    return type.endsWith('yaml') ? parseYaml(bytes) : parseJson(bytes);
  } catch (error) {
    if (!syntaxErrors.some((known) => error instanceof known)) throw error;
    const { message: why } = error as Error;
    const detail = error instanceof JsonSyntaxError ? `couldn't get version/kind; json parse error: ${why}` : why;
    const message = `the object provided is unrecognized (must be of type ${kind.kind}): ${detail} (${summary(bytes)})`;
    throw badRequest(message, { cause: error });
  }
}

const syntaxErrors = [JsonSyntaxError, YamlSyntaxError, ProtobufError, CborError];

/** A maker of drafts from one body: each call gives a fresh copy, and faults are reported once. */
export function bodyDecoder(parsed: Parsed, kind: BodyKind, options: WriteOptions, op: Operation): () => Draft<KubeObject> {
  checkKind(parsed, kind);
  let warned = false;
  return () => {
    // To Go, null is an object that says nothing.
    const { object, warnings } = decodeObject<KubeObject>(parsed.value === null ? {} : parsed.value, kind.schema, {
      fieldValidation: options.fieldValidation ?? 'Warn',
      strictErrors: parsed.strictErrors,
    });
    object.kind = kind.kind;
    object.apiVersion = apiVersionOf(kind);
    (object as { metadata?: unknown }).metadata ??= {};
    // The definition's own default function takes the definition's own type.
    (kind.applyDefaults as ((object: Draft<KubeObject>) => void) | undefined)?.(object);
    if (!warned) {
      for (const warning of warnings) op.warn(warning);
      op.audit?.requested(object);
    }
    warned = true;
    return object;
  };
}

/** @throws ApiError BadRequest when the body says it is something else */
function checkKind({ value }: Parsed, expected: BodyKind): void {
  if (!isJsonObject(value)) return;
  const { apiVersion, kind } = value;
  const wanted = apiVersionOf(expected);
  if (typeof apiVersion === 'string' && apiVersion !== '' && apiVersion !== wanted && !isOlder(apiVersion, expected)) {
    throw badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${wanted})`);
  }
  if (typeof kind === 'string' && kind !== '' && kind !== expected.kind) {
    throw badRequest(
      `${kind} in version ${JSON.stringify(expected.version)} cannot be handled as a ${expected.kind}: ` +
        `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(wanted)} at this path`,
    );
  }
}

function isOlder(apiVersion: string, { group, olderVersions = [] }: BodyKind): boolean {
  return olderVersions.some((version) => apiVersionOf({ group, version }) === apiVersion);
}

/** The beginning of a body, as errors quote it. @source apiserver handlers/create.go summarizeData */
function summary(bytes: Buffer, maxLength = 30): string {
  if (bytes.length === 0) return 'empty';
  const [text, more] = [bytes.subarray(0, maxLength), bytes.length > maxLength ? ' ...' : ''];
  return (bytes[0] === 0x7b ? text.toString('utf8') : text.toString('hex')) + more;
}
