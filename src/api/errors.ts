/**
 * The API's own errors: what the registry throws, what the wire carries as a `Status`, what a client catches. One class; the
 * constructors below give each case the reason, code and message that clients of Kubernetes match on.
 * @source apimachinery pkg/api/errors
 */
import type { Status, StatusCause, StatusDetails } from './gen/meta-v1.ts';

export type StatusReason =
  | 'BadRequest'
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Gone'
  | 'Expired'
  | 'Invalid'
  | 'ServerTimeout'
  | 'Timeout'
  | 'TooManyRequests'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'RequestEntityTooLarge'
  | 'UnsupportedMediaType'
  | 'InternalError'
  | 'ServiceUnavailable'
  | 'StoreReadError'
  | '';

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: number;
  readonly reason: StatusReason;
  readonly details: StatusDetails | undefined;

  constructor(
    status: { readonly code: number; readonly reason: StatusReason; readonly message: string; readonly details?: StatusDetails },
    options?: ErrorOptions,
  ) {
    super(status.message, options);
    this.code = status.code;
    this.reason = status.reason;
    this.details = status.details;
  }

  /** The wire form. */
  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason !== '' && { reason: this.reason }),
      ...(this.details && { details: this.details }),
      code: this.code,
    };
  }

  /** Reads a `Status` that a server answered with. */
  static fromStatus(status: Partial<Status>, httpCode: number): ApiError {
    return new ApiError({
      code: status.code ?? httpCode,
      reason: (status.reason ?? '') as StatusReason,
      message: status.message ?? `the server answered ${httpCode}`,
      ...(status.details && { details: status.details }),
    });
  }
}

/** What an error is about: the resource in an error message is `deployments.apps`, or `pods` in the core group. */
export interface ErrorSubject {
  readonly group: string;
  /** The plural in most errors, the kind in `Invalid`. */
  readonly resource: string;
  readonly name?: string;
}

function qualified({ group, resource }: ErrorSubject): string {
  return group === '' ? resource : `${resource}.${group}`;
}

function about(subject: ErrorSubject): StatusDetails {
  return { ...(subject.name && { name: subject.name }), ...(subject.group && { group: subject.group }), kind: subject.resource };
}

/** One fault of an invalid object, as validation returns it. @source apimachinery util/validation/field */
export interface FieldError {
  readonly type:
    | 'FieldValueNotFound'
    | 'FieldValueRequired'
    | 'FieldValueDuplicate'
    | 'FieldValueInvalid'
    | 'FieldValueNotSupported'
    | 'FieldValueForbidden'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'InternalError'
    | 'FieldValueTypeInvalid';
  /** Such as `spec.containers[0].name`. */
  readonly field: string;
  /** The whole sentence without the path, such as `Required value: must be set`. */
  readonly message: string;
}

export function isApiError(error: unknown, reason?: StatusReason): error is ApiError {
  return error instanceof ApiError && (reason === undefined || error.reason === reason);
}

export function notFound(subject: ErrorSubject): ApiError {
  return new ApiError({
    code: 404,
    reason: 'NotFound',
    message: `${qualified(subject)} ${quote(subject.name ?? '')} not found`,
    details: about(subject),
  });
}

export function alreadyExists(subject: ErrorSubject): ApiError {
  return new ApiError({
    code: 409,
    reason: 'AlreadyExists',
    message: `${qualified(subject)} ${quote(subject.name ?? '')} already exists`,
    details: about(subject),
  });
}

export function conflict(subject: ErrorSubject, why: string): ApiError {
  return new ApiError({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${qualified(subject)} ${quote(subject.name ?? '')}: ${why}`,
    details: about(subject),
  });
}

/** The conflict of a write whose resourceVersion is not the stored one. */
export function staleVersion(subject: ErrorSubject): ApiError {
  return conflict(subject, 'the object has been modified; please apply your changes to the latest version and try again');
}

/** @param subject.resource here the kind, as upstream does */
export function invalid(subject: ErrorSubject, errors: readonly FieldError[]): ApiError {
  const causes: StatusCause[] = errors.map(({ type, field, message }) => ({ reason: type, message, field }));
  const sentences = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))];
  const text = sentences.length === 1 ? sentences[0]! : `[${sentences.join(', ')}]`;
  return new ApiError({
    code: 422,
    reason: 'Invalid',
    message: `${qualified(subject)} ${quote(subject.name ?? '')} is invalid${errors.length > 0 ? `: ${text}` : ''}`,
    details: { ...about(subject), ...(causes.length > 0 && { causes }) },
  });
}

export function badRequest(message: string, options?: ErrorOptions): ApiError {
  return new ApiError({ code: 400, reason: 'BadRequest', message }, options);
}

export function unauthorized(): ApiError {
  return new ApiError({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
}

export function forbidden(subject: ErrorSubject, why: string): ApiError {
  const name = subject.name ? ` ${quote(subject.name)}` : '';
  return new ApiError({
    code: 403,
    reason: 'Forbidden',
    message: `${qualified(subject)}${name} is forbidden: ${why}`,
    details: about(subject),
  });
}

export function methodNotSupported(subject: ErrorSubject, action: string): ApiError {
  return new ApiError({
    code: 405,
    reason: 'MethodNotAllowed',
    message: `${action} is not supported on resources of kind "${qualified(subject)}"`,
    details: about(subject),
  });
}

/** A list or watch that asks for history which is compacted away. */
export function expired(message: string): ApiError {
  return new ApiError({ code: 410, reason: 'Expired', message });
}

export function tooManyRequests(message: string, retryAfterSeconds: number): ApiError {
  return new ApiError({ code: 429, reason: 'TooManyRequests', message, details: { retryAfterSeconds } });
}

export function internalError(cause: unknown): ApiError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new ApiError(
    { code: 500, reason: 'InternalError', message: `Internal error occurred: ${message}`, details: { causes: [{ message }] } },
    { cause },
  );
}

export function serviceUnavailable(message: string): ApiError {
  return new ApiError({ code: 503, reason: 'ServiceUnavailable', message });
}

export function timedOut(message: string): ApiError {
  return new ApiError({ code: 504, reason: 'Timeout', message: `Timeout: ${message}` });
}

/** A Go `%q`: the text in double quotes with escapes. */
function quote(text: string): string {
  return JSON.stringify(text);
}
