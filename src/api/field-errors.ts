/**
 * Constructors for the faults that validation finds, one for each kind of fault, with the sentence that upstream builds for it.
 * `path` is the whole field path, such as `spec.containers[0].name`.
 * @source apimachinery pkg/util/validation/field/errors.go, v1.35
 */
import type { FieldError } from './errors.ts';
import { goJson, goQuote } from './go-text.ts';

/** A value that has to be given is not. */
export function required(path: string, detail = ''): FieldError {
  return fieldError('FieldValueRequired', path, 'Required value', detail);
}

/** A value breaks a rule. `value` null or undefined prints as upstream prints a nil pointer. */
export function invalidValue(path: string, value: unknown, detail = ''): FieldError {
  return fieldError('FieldValueInvalid', path, `Invalid value: ${printed(value)}`, detail);
}

/** As `invalidValue`, where the value is too large to be shown. */
export function invalidUnshown(path: string, detail: string): FieldError {
  return fieldError('FieldValueInvalid', path, 'Invalid value', detail);
}

/** The value has the wrong JSON type. */
export function typeInvalid(path: string, value: unknown, detail = ''): FieldError {
  return fieldError('FieldValueTypeInvalid', path, `Invalid value: ${printed(value)}`, detail);
}

/** The value is none of those supported, which are named in the order given. */
export function notSupported(path: string, value: unknown, supported: readonly string[]): FieldError {
  const detail = supported.length > 0 ? `supported values: ${supported.map(goQuote).join(', ')}` : '';
  return fieldError('FieldValueNotSupported', path, `Unsupported value: ${printed(value)}`, detail);
}

/** Two entries that must differ are the same. */
export function duplicate(path: string, value: unknown): FieldError {
  return fieldError('FieldValueDuplicate', path, `Duplicate value: ${printed(value)}`, '');
}

/** What the value refers to does not exist. */
export function notFound(path: string, value: unknown): FieldError {
  return fieldError('FieldValueNotFound', path, `Not found: ${printed(value)}`, '');
}

/** The value is well formed but not allowed here. */
export function forbidden(path: string, detail: string): FieldError {
  return fieldError('FieldValueForbidden', path, 'Forbidden', detail);
}

/** The value has more than `maxLength` bytes; a negative limit is not named. */
export function tooLong(path: string, maxLength: number): FieldError {
  return fieldError(
    'FieldValueTooLong',
    path,
    'Too long',
    maxLength >= 0 ? `may not be more than ${maxLength} bytes` : 'value is too long',
  );
}

/** The list has more than `max` items; a negative `actual` is not printed. */
export function tooMany(path: string, actual: number, max: number): FieldError {
  const head = actual >= 0 ? `Too many: ${actual}` : 'Too many';
  return fieldError('FieldValueTooMany', path, head, max >= 0 ? `must have at most ${max} items` : 'has too many items');
}

/** A fault that is not the client's. */
export function internal(path: string, detail: string): FieldError {
  return fieldError('InternalError', path, 'Internal error', detail);
}

function fieldError(type: FieldError['type'], field: string, sentence: string, detail: string): FieldError {
  return { type, field, message: detail === '' ? sentence : `${sentence}: ${detail}` };
}

function printed(value: unknown): string {
  if (typeof value === 'string') return goQuote(value);
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  // A nil pointer becomes the string "null", which is then quoted.
  return value === null || value === undefined ? '"null"' : goJson(value);
}

/** Adds one fault for each message about a value. */
export function addInvalid(errors: FieldError[], path: string, value: unknown, messages: readonly string[]): void {
  for (const message of messages) errors.push(invalidValue(path, value, message));
}

/** Adds a fault when the value is none of those supported. */
export function addUnsupported(errors: FieldError[], path: string, value: string, supported: readonly string[]): void {
  if (!supported.includes(value)) errors.push(notSupported(path, value, supported));
}
