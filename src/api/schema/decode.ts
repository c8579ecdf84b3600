/**
 * Reads a JSON tree as an object of a type. Every body that reaches the server passes here, and every request of the in-process
 * transport: the same walk prunes, coerces and copies, so that nobody holds on to what is stored.
 */
import { badRequest } from '../errors.ts';
import type { Draft, JsonObject } from '../object.ts';
import { DecodeError, DecodeState } from './decode-state.ts';
import { schemaOf } from './facts.ts';
import { structName } from './go-names.ts';
import type { ObjectSchema } from './object-schema.ts';
import { walkerOf } from './walker.ts';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface DecodeOptions {
  /** What happens to fields that are unknown or said twice: an error, warnings, or nothing. */
  readonly fieldValidation: FieldValidation;
  /** What the reader of the text found already: fields said twice. */
  readonly strictErrors?: readonly string[];
}

export interface Decoded<T> {
  /** A fresh copy that the caller owns. */
  readonly object: Draft<T>;
  readonly warnings: string[];
}

/**
 * Reads `value` as an object of `definition` (a name of the schema, or a schema of one's own).
 * @throws ApiError BadRequest, in Go's words, when a value has the wrong type, or under `Strict` when a field is unknown
 */
export function decodeObject<T = JsonObject>(value: unknown, definition: string | ObjectSchema, options: DecodeOptions): Decoded<T> {
  const schema = typeof definition === 'string' ? schemaOf(definition) : definition;
  const { object, strictErrors } = decodeTree(value, schema, options);
  if (options.fieldValidation === 'Strict' && strictErrors.length > 0) {
    throw cannotBeHandled(value, schema, strictDecodingError(strictErrors));
  }
  // The walk built the tree that the definition describes; the caller names the type of that definition.
  return { object: object as unknown as Draft<T>, warnings: strictErrors };
}

/**
 * The same, for callers that word failures themselves (patches): strict faults are returned, whatever `fieldValidation` says short
 * of `Ignore`.
 * @throws ApiError BadRequest when a value has the wrong type
 */
export function decodeTree(
  value: unknown,
  schema: ObjectSchema,
  options: DecodeOptions,
): { readonly object: Draft<JsonObject>; readonly strictErrors: string[] } {
  const state = new DecodeState(schema, { strict: options.fieldValidation !== 'Ignore' });
  if (options.fieldValidation !== 'Ignore') {
    for (const fault of options.strictErrors ?? []) state.strictErrors.add(fault);
  }
  try {
    // A walk of an object schema returns a new object.
    const object = walkerOf(schema)(value, state) as Draft<JsonObject>;
    return { object, strictErrors: [...state.strictErrors] };
  } catch (error) {
    if (error instanceof DecodeError) throw cannotBeHandled(value, schema, error.message, error);
    throw error;
  }
}

/** As Go prints several strict faults in one error. */
export function strictDecodingError(errors: readonly string[]): string {
  return `strict decoding error: ${errors.join(', ')}`;
}

/** @source apiserver endpoints/handlers/create.go transformDecodeError */
function cannotBeHandled(value: unknown, schema: ObjectSchema, why: string, cause?: Error): Error {
  const kind = schema.groupVersionKind?.kind ?? structName(schema.definition);
  const { apiVersion, kind: said } = (typeof value === 'object' && value !== null ? value : {}) as { apiVersion?: unknown; kind?: unknown };
  const version = typeof apiVersion === 'string' ? apiVersion.slice(apiVersion.indexOf('/') + 1) : (schema.groupVersionKind?.version ?? '');
  const name = typeof said === 'string' && said !== '' ? said : kind;
  return badRequest(`${name} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${why}`, cause && { cause });
}
