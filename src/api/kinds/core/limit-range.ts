/**
 * LimitRange: what containers, pods and claims of a namespace ask for when they do not say, and between which bounds it has to stay.
 * Admission acts on it; here stand its defaults and what of it cannot be meant.
 * @source pkg/apis/core/v1/defaults.go SetDefaults_LimitRangeItem and pkg/apis/core/validation/validation.go ValidateLimitRange, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { addInvalid, duplicate, forbidden, invalidValue, required } from '../../field-errors.ts';
import type { LimitRange, LimitRangeItem, LimitRangeSpec } from '../../gen/core-v1.ts';
import { corev1Resources } from '../../gen/resources.ts';
import { qualifiedNameErrors } from '../../names.ts';
import type { Draft } from '../../object.ts';
import { type Quantity, quantityOf, tryParseQuantity } from '../../quantity.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { defineResource } from '../define-resource.ts';
import { containerResourceNameErrors, resourceNameErrors } from './pod/validate-resources.ts';
import { canonicalizeResources, isOvercommitAllowed } from './resource-list.ts';

const boundFields = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;
const standardTypes: ReadonlySet<string> = new Set(['Pod', 'Container', 'PersistentVolumeClaim']);

export const limitRangeResource: ResourceDefinition = defineResource<LimitRange>({
  ref: corev1Resources.limitranges,
  shortNames: ['limits'],
  // Upstream has no printer for the kind: name and time of creation.
  columns: [],
  strategy: {
    applyDefaults: (limitRange) => {
      limitRange.spec ??= {} as Draft<LimitRangeSpec>;
      limitRange.spec.limits ??= [];
      for (const item of limitRange.spec.limits) applyItemDefaults(item);
    },
    prepareForCreate: ({ metadata }, { newUid }) => {
      // Upstream's oldest kind of generated name.
      if (!metadata.name) metadata.name = newUid();
    },
    validate: validateLimitRange,
    validateUpdate: validateLimitRange,
    allowCreateOnUpdate: true,
  },
});

/** Containers are limited to the maximum and ask for their limit, else for the minimum. */
function applyItemDefaults(item: Draft<LimitRangeItem>): void {
  for (const field of boundFields) canonicalizeResources(item[field]);
  if (item.type !== 'Container') return;
  const limits = { ...item.max, ...item.default };
  const requests = { ...item.min, ...limits, ...item.defaultRequest };
  if (Object.keys(limits).length > 0) item.default = limits;
  if (Object.keys(requests).length > 0) item.defaultRequest = requests;
}

function validateLimitRange({ spec }: LimitRange): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, item] of spec.limits.entries()) {
    const path = `spec.limits[${i}]`;
    errors.push(...typeErrors(item.type ?? '', `${path}.type`));
    if (seen.has(item.type)) errors.push(duplicate(`${path}.type`, item.type));
    seen.add(item.type);
    validateItem(item, path, errors);
  }
  return errors;
}

function typeErrors(type: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  addInvalid(errors, path, type, qualifiedNameErrors(type));
  if (errors.length === 0 && !type.includes('/') && !standardTypes.has(type)) {
    errors.push(invalidValue(path, type, 'must be a standard limit type or fully qualified'));
  }
  return errors;
}

function validateItem(item: LimitRangeItem, path: string, errors: FieldError[]): void {
  const isPod = item.type === 'Pod';
  const nameErrors = isPod || item.type === 'Container' ? containerResourceNameErrors : resourceNameErrors;
  const names = new Set<string>();
  for (const field of boundFields) {
    if (field === 'maxLimitRequestRatio' && item.type === 'PersistentVolumeClaim') requireStorageBound(item, path, errors);
    const list = item[field] ?? {};
    if (isPod && (field === 'default' || field === 'defaultRequest')) {
      if (Object.keys(list).length > 0) errors.push(forbidden(`${path}.${field}`, "may not be specified when `type` is 'Pod'"));
      continue;
    }
    for (const name in list) {
      errors.push(...nameErrors(name, `${path}.${field}[${name}]`));
      names.add(name);
    }
  }
  for (const name of names) errors.push(...boundErrors(name, boundsOf(item, name), path));
}

function requireStorageBound({ min, max }: LimitRangeItem, path: string, errors: FieldError[]): void {
  if (min?.['storage'] !== undefined || max?.['storage'] !== undefined) return;
  errors.push(required(`${path}.limits`, 'either minimum or maximum storage value is required, but neither was provided'));
}

/** The bounds of one resource, as far as they are given. */
type Bounds = Partial<Record<(typeof boundFields)[number], Quantity>>;

function boundsOf(item: LimitRangeItem, name: string): Bounds {
  const bounds: Bounds = {};
  for (const field of boundFields) {
    if (item.type === 'Pod' && (field === 'default' || field === 'defaultRequest')) continue;
    const text = item[field]?.[name];
    const amount = text === undefined ? undefined : tryParseQuantity(text);
    if (amount) bounds[field] = amount;
  }
  return bounds;
}

function boundErrors(name: string, bounds: Bounds, path: string): FieldError[] {
  const { min, max, default: limit, defaultRequest: request, maxLimitRequestRatio: ratio } = bounds;
  const errors: FieldError[] = [];
  const fault = (field: (typeof boundFields)[number], value: Quantity, detail: string): void => {
    errors.push(invalidValue(`${path}.${field}[${name}]`, value, detail));
  };
  const text = {
    min: String(min),
    max: String(max),
    limit: String(limit),
    request: String(request),
    ratio: String(ratio),
  };
  const above = (a: Quantity | undefined, b: Quantity | undefined): boolean => a !== undefined && b !== undefined && a.compare(b) > 0;
  if (above(min, max)) fault('min', min!, `min value ${text.min} is greater than max value ${text.max}`);
  if (above(min, request)) fault('defaultRequest', request!, `min value ${text.min} is greater than default request value ${text.request}`);
  if (above(request, max)) fault('defaultRequest', request!, `default request value ${text.request} is greater than max value ${text.max}`);
  if (above(request, limit)) {
    fault('defaultRequest', request!, `default request value ${text.request} is greater than default limit value ${text.limit}`);
  }
  if (above(min, limit)) fault('default', min!, `min value ${text.min} is greater than default value ${text.limit}`);
  if (above(limit, max)) fault('default', max!, `default value ${text.limit} is greater than max value ${text.max}`);
  if (ratio && ratio.compare(quantityOf(1)) < 0) fault('maxLimitRequestRatio', ratio, `ratio ${text.ratio} is less than 1`);
  if (ratio && min && max) {
    const most = max.toNumber() / min.toNumber();
    if (ratio.toNumber() > most) fault('maxLimitRequestRatio', ratio, `ratio ${text.ratio} is greater than max/min = ${goFloat(most)}`);
  }
  if (!isOvercommitAllowed(name) && limit && request && !limit.equals(request)) {
    fault('defaultRequest', request, `default value ${text.limit} must equal to defaultRequest value ${text.request} in ${name}`);
  }
  return errors;
}

/** Go's `%f`. */
function goFloat(value: number): string {
  return Number.isFinite(value) ? value.toFixed(6) : value > 0 ? '+Inf' : 'NaN';
}
