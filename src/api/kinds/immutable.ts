/** Fields that may not change, and the comparison of JSON values that this takes. */
import type { FieldError } from '../errors.ts';
import { forbidden, invalidValue } from '../field-errors.ts';

/** The same JSON; a field that is absent equals one that is undefined, an empty map or list equals an absent one. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isNothing(a) || isNothing(b)) return isNothing(a) && isNothing(b);
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  }
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const key in x) if (!sameJson(x[key], own(y, key))) return false;
  for (const key in y) if (!isNothing(y[key]) && !Object.hasOwn(x, key)) return false;
  return true;
}

/** Go's `apiequality.Semantic.DeepEqual` makes no difference between nil and empty. */
function isNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.length === 0;
  for (const key in value) if ((value as Record<string, unknown>)[key] !== undefined) return false;
  return true;
}

function own(object: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** The fault of a field that was changed and may not be. */
export function immutableField(path: string, value: unknown, old: unknown): FieldError[] {
  return sameJson(value, old) ? [] : [invalidValue(path, value, 'field is immutable')];
}

/** Rules of `immutable: true` on ConfigMap and Secret: neither the mark nor the data may change. */
export function frozenDataErrors<T extends { readonly immutable?: boolean }>(
  object: T,
  old: T,
  fields: readonly (keyof T & string)[],
): FieldError[] {
  if (old.immutable !== true) return [];
  const detail = 'field is immutable when `immutable` is set';
  const errors: FieldError[] = [];
  if (object.immutable !== true) errors.push(forbidden('immutable', detail));
  for (const field of fields) if (!sameJson(object[field], old[field])) errors.push(forbidden(field, detail));
  return errors;
}
