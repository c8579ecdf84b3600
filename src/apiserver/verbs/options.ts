/**
 * The options of a request: read from its query (and, for DELETE, its body), checked, refused in upstream's words.
 * @source apimachinery meta/v1/validation, meta/internalversion/validation
 */
import { ApiError, badRequest, type FieldError, fieldErrors, invalid, type JsonObject } from '../../api/index.ts';
import { validateFieldManager } from '../../api/apply/index.ts';
import { isJsonObject, stringifyJson } from '../../api/json/index.ts';
import type { QueryParameters } from '../request.ts';
import { booleanParameter } from '../routing/query.ts';
import type { DeleteOptions, FieldValidation, WriteOptions } from '../storage.ts';

type OptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions' | 'ListOptions';

const fieldValidations: readonly string[] = ['Ignore', 'Strict', 'Warn'];
const maxFieldManagerBytes = 128;

/** Who the request is written down as when it names no field manager: the program's name in its User-Agent. */
function managerOf(fieldManager: string | undefined, userAgent: string): string {
  if (fieldManager) return fieldManager;
  const slash = userAgent.indexOf('/');
  const program = slash < 0 ? userAgent : userAgent.slice(0, slash);
  return program.replace(/[^\x20-\x7e]/g, '').slice(0, maxFieldManagerBytes);
}

/** @throws ApiError Invalid */
export function writeOptions(query: QueryParameters, kind: OptionsKind, userAgent: string, isApply = false): WriteOptions {
  if (!query.has('dryRun') && !query.has('fieldManager') && !query.has('fieldValidation') && !query.has('force') && !isApply) {
    return { fieldManager: managerOf(undefined, userAgent), fieldValidation: 'Warn' };
  }
  const errors: FieldError[] = [];
  const fieldManager = query.get('fieldManager') ?? '';
  if (isApply && fieldManager === '') errors.push(fieldErrors.required('fieldManager', 'is required for apply patch'));
  if (!isApply && query.has('force') && kind === 'PatchOptions') {
    errors.push(fieldErrors.forbidden('force', 'may not be specified for non-apply patch'));
  }
  errors.push(...validateFieldManager(fieldManager));
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  if (dryRun.some((value) => value !== 'All')) errors.push(fieldErrors.notSupported('dryRun', dryRun, ['All']));
  const fieldValidation = query.get('fieldValidation') ?? '';
  if (fieldValidation !== '' && !fieldValidations.includes(fieldValidation)) {
    errors.push(fieldErrors.notSupported('fieldValidation', fieldValidation, ['', ...fieldValidations]));
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', resource: kind }, errors);
  return {
    fieldManager: managerOf(fieldManager, userAgent),
    // Checked above.
    fieldValidation: (fieldValidation || 'Warn') as FieldValidation,
    ...(dryRun.length > 0 && { dryRun: true }),
    ...(booleanParameter(query, 'force') && { force: true }),
  };
}

/** DeleteOptions come in the query, in the body, or both; the body wins. @throws ApiError BadRequest, Invalid */
export function deleteOptions(query: QueryParameters, body: unknown, userAgent: string): DeleteOptions {
  const said = body === undefined ? {} : optionsObject(body);
  const dryRun = Array.isArray(said['dryRun']) ? said['dryRun'] : [];
  if (dryRun.some((value) => value !== 'All')) {
    throw invalid({ group: 'meta.k8s.io', resource: 'DeleteOptions' }, [fieldErrors.notSupported('dryRun', dryRun, ['All'])]);
  }
  const write = writeOptions(query, 'DeleteOptions', userAgent);
  const grace = numberOf('gracePeriodSeconds', said['gracePeriodSeconds'] ?? query.get('gracePeriodSeconds'));
  const orphan = said['orphanDependents'] ?? (query.has('orphanDependents') ? booleanParameter(query, 'orphanDependents') : undefined);
  const policy = said['propagationPolicy'] ?? query.get('propagationPolicy');
  if (orphan !== undefined && orphan !== null && policy) {
    throw invalid({ group: 'meta.k8s.io', resource: 'DeleteOptions' }, [
      fieldErrors.invalidValue('propagationPolicy', policy, 'orphanDependents and deletionPropagation cannot be both set'),
    ]);
  }
  const propagation = policy || (orphan === true ? 'Orphan' : orphan === false ? 'Background' : undefined);
  const preconditions = said['preconditions'];
  return {
    ...write,
    ...((dryRun.length > 0 || write.dryRun) && { dryRun: true }),
    ...(grace !== undefined && { gracePeriodSeconds: grace }),
    // Checked by the deletion itself.
    ...(propagation && { propagationPolicy: propagation as NonNullable<DeleteOptions['propagationPolicy']> }),
    ...(isJsonObject(preconditions) && { preconditions }),
  };
}

function optionsObject(body: unknown): JsonObject {
  if (!isJsonObject(body)) throw badRequest('the object provided is unrecognized (must be of type DeleteOptions): not an object');
  const { kind } = body;
  if (kind !== undefined && kind !== '' && kind !== 'DeleteOptions') {
    throw badRequest(`decoded object cannot be converted to DeleteOptions: ${JSON.stringify(kind)}`);
  }
  return body;
}

function numberOf(name: string, value: unknown): number | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') return integerOf(value);
  const number = value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number))
    throw badRequest(`${name}: Invalid value: ${stringifyJson(value)}: must be an integer`);
  return number;
}

/** A number of the query, in Go's words when it is none. @throws ApiError BadRequest */
function integerOf(text: string): number {
  const isNumber = /^[-+]?\d+$/.test(text);
  if (isNumber && Number.isSafeInteger(Number(text))) return Number(text);
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${isNumber ? 'value out of range' : 'invalid syntax'}`);
}

export interface ListOptionValues {
  readonly labelSelector: string | undefined;
  readonly fieldSelector: string | undefined;
  readonly limit: number;
  readonly continue: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly sendInitialEvents: boolean | undefined;
  readonly allowWatchBookmarks: boolean;
  /** Undefined when the client did not say. */
  readonly timeoutSeconds: number | undefined;
}

/** @throws ApiError Invalid, BadRequest */
export function listOptions(query: QueryParameters, isWatch: boolean): ListOptionValues {
  const options: ListOptionValues = {
    labelSelector: query.get('labelSelector'),
    fieldSelector: query.get('fieldSelector'),
    limit: Math.max(numberOf('limit', query.get('limit')) ?? 0, 0),
    continue: query.get('continue') ?? '',
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    sendInitialEvents: query.has('sendInitialEvents') ? booleanParameter(query, 'sendInitialEvents') : undefined,
    allowWatchBookmarks: booleanParameter(query, 'allowWatchBookmarks'),
    timeoutSeconds: numberOf('timeoutSeconds', query.get('timeoutSeconds')),
  };
  const errors = isWatch ? watchErrors(options) : listErrors(options);
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', resource: 'ListOptions' }, errors);
  return options;
}

function listErrors({ resourceVersionMatch: match, resourceVersion, continue: token, sendInitialEvents }: ListOptionValues): FieldError[] {
  const errors: FieldError[] = [];
  const path = 'resourceVersionMatch';
  if (match !== '') {
    if (resourceVersion === '') {
      errors.push(fieldErrors.forbidden(path, 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
    }
    if (token !== '') errors.push(fieldErrors.forbidden(path, 'resourceVersionMatch is forbidden when continue is provided'));
    if (match !== 'Exact' && match !== 'NotOlderThan') {
      errors.push(fieldErrors.notSupported(path, match, ['Exact', 'NotOlderThan', '']));
    }
    if (match === 'Exact' && resourceVersion === '0') {
      errors.push(fieldErrors.forbidden(path, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
    }
  }
  if (sendInitialEvents !== undefined) {
    errors.push(fieldErrors.forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  return errors;
}

function watchErrors({ resourceVersionMatch: match, sendInitialEvents, continue: token }: ListOptionValues): FieldError[] {
  const errors: FieldError[] = [];
  const path = 'resourceVersionMatch';
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan') {
    errors.push(fieldErrors.forbidden(path, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
  }
  if (match !== '') {
    if (sendInitialEvents === undefined) {
      errors.push(fieldErrors.forbidden(path, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'));
    }
    if (match !== 'NotOlderThan') errors.push(fieldErrors.notSupported(path, match, ['NotOlderThan']));
    if (token !== '') errors.push(fieldErrors.forbidden(path, 'resourceVersionMatch is forbidden when continue is provided'));
  }
  return errors;
}

/** The media type of a header value, without its parameters, in lower case. */
export function mediaTypeOf(header: string | undefined): string {
  if (!header) return '';
  const end = header.indexOf(';');
  return (end < 0 ? header : header.slice(0, end)).trim().toLowerCase();
}

/** @source apiserver negotiation/errors.go */
export function unsupportedMediaType(accepted: readonly string[]): ApiError {
  return new ApiError({
    code: 415,
    reason: 'UnsupportedMediaType',
    message: `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  });
}
