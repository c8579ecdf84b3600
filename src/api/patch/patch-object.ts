/**
 * One patch request on one object: applies it, reads the result as the object's type and words every failure as the API server does.
 * Server-side apply is another thing (`../apply`).
 * @source apiserver endpoints/handlers/patch.go
 */
import { ApiError, badRequest, invalid } from '../errors.ts';
import { stringifyJson } from '../json/index.ts';
import { isJsonObject, NotJsonError } from '../json/tree.ts';
import type { JsonArray, JsonObject, JsonValue } from '../object.ts';
import {
  DecodeError,
  decodeTree,
  schemaOf,
  strictDecodingError,
  type Decoded,
  type FieldValidation,
  type ObjectSchema,
} from '../schema/index.ts';
import { describeJson } from '../schema/go-names.ts';
import { goPrint } from '../go-print.ts';
import { applyJsonPatch, JsonPatchError } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';
import { applyStrategicMergePatch, StrategicMergeError } from './strategic-merge-patch.ts';

/** Operations that one JSON patch may have. */
export const maxJsonPatchOperations = 10_000;

export interface PatchRequest {
  readonly type: 'application/json-patch+json' | 'application/merge-patch+json' | 'application/strategic-merge-patch+json';
  /** The body, as `parseJson` read it. */
  readonly patch: { readonly value: JsonValue; readonly strictErrors?: readonly string[] };
  readonly live: JsonObject;
  /** The object's type: a name of the schema, or a schema of one's own. */
  readonly definition: string | ObjectSchema;
  readonly fieldValidation: FieldValidation;
}

/**
 * The object after the patch, as a fresh copy.
 * @throws ApiError BadRequest (no such patch), 413 (too many operations), 422 (does not apply, or what comes out is not of the type)
 */
export function patchObject<T = JsonObject>(request: PatchRequest): Decoded<T> {
  const schema = typeof request.definition === 'string' ? schemaOf(request.definition) : request.definition;
  const { patch, fieldValidation, type } = request;
  const prefix = type === 'application/json-patch+json' ? 'json patch ' : '';
  const bodyFaults = fieldValidation === 'Ignore' ? [] : (patch.strictErrors ?? []).map((fault) => `${prefix}${fault}`);
  const patched = applyAny(request, schema, bodyFaults);
  // Upstream prints the patch of a strategic merge and the outcome of the others.
  const shown = (): string => (type === 'application/strategic-merge-patch+json' ? goPrint(patch.value) : stringifyJson(patched));
  const decoded = decodeOutcome(patched, { schema, fieldValidation, type, shown });
  keepType(decoded.object, request, shown);
  const faults = [...bodyFaults, ...decoded.strictErrors];
  if (fieldValidation === 'Strict' && faults.length > 0) throw invalidPatch(shown(), strictDecodingError(faults));
  // The walk built the tree that the definition describes; the caller names the type of that definition.
  return { object: decoded.object as unknown as Decoded<T>['object'], warnings: faults };
}

function applyAny({ type, patch, live, fieldValidation }: PatchRequest, schema: ObjectSchema, bodyFaults: string[]): JsonValue {
  const body = patch.value;
  switch (type) {
    case 'application/json-patch+json': {
      const operations = checkOperations(body, { fieldValidation, bodyFaults });
      return translating(() => applyJsonPatch(live, operations));
    }
    case 'application/merge-patch+json':
      if (isJsonObject(body)) return translating(() => applyMergePatch(live, body));
      if (fieldValidation === 'Ignore') throw badRequest('Invalid JSON Patch');
      throw badRequest(`error decoding patch: ${cannotUnmarshal(body, 'map[string]interface {}')}`);
    default:
      if (!isJsonObject(body)) throw badRequest(cannotUnmarshal(body, 'map[string]interface {}'));
      return translating(() => applyStrategicMergePatch(live, body, schema));
  }
}

/** A patch cannot make another kind of an object. @throws ApiError 422, but for a strategic merge, which upstream reads field by field */
function keepType(object: { [field: string]: unknown }, { live, type }: PatchRequest, shown: () => string): void {
  const { kind, apiVersion } = live;
  const said = { kind: object['kind'] || kind, apiVersion: object['apiVersion'] || apiVersion };
  if (type !== 'application/strategic-merge-patch+json' && (said.kind !== kind || said.apiVersion !== apiVersion)) {
    throw invalidPatch(
      shown(),
      `no kind ${JSON.stringify(said.kind)} is registered for version ${JSON.stringify(said.apiVersion)} at this path`,
    );
  }
  if (kind !== undefined) object['kind'] = kind;
  if (apiVersion !== undefined) object['apiVersion'] = apiVersion;
}

const operationFields = new Set(['op', 'path', 'from', 'value']);

/** The operations; adds the strict faults that they have to `bodyFaults`. */
function checkOperations(body: JsonValue, context: { fieldValidation: FieldValidation; bodyFaults: string[] }): JsonArray {
  const strict = context.fieldValidation !== 'Ignore';
  if (!Array.isArray(body)) {
    throw badRequest(
      strict ? `error decoding patch: ${cannotUnmarshal(body, '[]handlers.jsonPatchOp')}` : cannotUnmarshal(body, 'jsonpatch.Patch'),
    );
  }
  const operations: JsonArray = body;
  if (operations.length > maxJsonPatchOperations) throw tooManyOperations(operations.length);
  for (const [index, operation] of operations.entries()) {
    if (!isJsonObject(operation)) {
      const message = cannotUnmarshal(operation, strict ? 'handlers.jsonPatchOp' : 'jsonpatch.Operation');
      throw badRequest(strict ? `error decoding patch: ${message}` : message);
    }
    if (!strict) continue;
    for (const key of Object.keys(operation)) {
      if (!operationFields.has(key)) context.bodyFaults.push(`json patch unknown field "[${index}].${key}"`);
    }
  }
  return operations;
}

function tooManyOperations(count: number): ApiError {
  return new ApiError({
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: `Request entity too large: The allowed maximum operations in a JSON patch is ${maxJsonPatchOperations}, got ${count}`,
  });
}

function cannotUnmarshal(value: JsonValue, goType: string): string {
  return `json: cannot unmarshal ${describeJson(value, { withNumber: false })} into Go value of type ${goType}`;
}

/** Patches fail in words of their own; here they get the status. */
function translating(apply: () => JsonValue): JsonValue {
  try {
    return apply();
  } catch (error) {
    if (error instanceof JsonPatchError || (error instanceof StrategicMergeError && error.unprocessable)) {
      // Upstream keeps to itself why the patch does not apply.
      const message = 'the server rejected our request due to an error in our request';
      throw new ApiError({ code: 422, reason: 'Invalid', message, details: {} }, { cause: error });
    }
    // Upstream answers 500 to some of these; a fault of the request is a 400 here, with the same text.
    if (error instanceof StrategicMergeError || error instanceof NotJsonError) throw badRequest(error.message, { cause: error });
    throw error;
  }
}

function decodeOutcome(
  patched: JsonValue,
  { schema, fieldValidation, type, shown }: Pick<PatchRequest, 'fieldValidation' | 'type'> & { schema: ObjectSchema; shown: () => string },
): ReturnType<typeof decodeTree> {
  try {
    return decodeTree(patched, schema, { fieldValidation });
  } catch (error) {
    if (!(error instanceof ApiError) || !(error.cause instanceof DecodeError)) throw error;
    const { mismatch, message } = error.cause;
    throw invalidPatch(shown(), mismatch && type === 'application/strategic-merge-patch+json' ? conversionFault(mismatch) : message);
  }
}

/**
 * A wrong type in the outcome of a strategic merge, which upstream does not read as JSON but converts.
 * @source apimachinery runtime/converter.go
 */
function conversionFault({ goType, isString, value }: NonNullable<DecodeError['mismatch']>): string {
  const kind = goKindOf(value);
  // Go can make a string of a whole number, and a whole number of another, and then finds that it should not.
  if (isString) return kind === 'int64' ? `cannot convert int64 to ${goType}` : 'unrecognized type: string';
  // A time reads itself from JSON.
  if (goType === 'string') return cannotUnmarshal(value as JsonValue, goType);
  if (goType.startsWith('[]')) return `cannot restore slice from ${kind}`;
  if (goType.startsWith('map[') || goType === 'v1.ResourceList') return `cannot restore map from ${kind}`;
  if (goType.includes('.')) return `cannot restore struct from: ${kind}`;
  return kind === 'float64' && goType.startsWith('int') ? `cannot convert float64 to ${goType}` : `unrecognized type: ${goType}`;
}

function goKindOf(value: unknown): string {
  if (Array.isArray(value)) return 'slice';
  if (typeof value === 'object') return 'map';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return typeof value === 'boolean' ? 'bool' : 'string';
}

function invalidPatch(shown: string, why: string): ApiError {
  const message = `Invalid value: ${JSON.stringify(shown)}: ${why}`;
  return invalid({ group: '', resource: '', name: '' }, [{ type: 'FieldValueInvalid', field: 'patch', message }]);
}
