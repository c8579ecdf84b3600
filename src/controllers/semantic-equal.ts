/**
 * Equality as the API means it: a field that is absent, null or empty says the same thing. Controllers compare what is with what
 * should be by it, so that a default which was left out is not a change.
 * @source apimachinery pkg/api/equality Semantic
 */

export function semanticEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isEmpty(a) && isEmpty(b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => semanticEqual(item, b[i]));
  if (!isRecord(a) || !isRecord(b)) return false;
  for (const key in a) if (!semanticEqual(a[key], Object.hasOwn(b, key) ? b[key] : undefined)) return false;
  for (const key in b) if (!Object.hasOwn(a, key) && !isEmpty(b[key])) return false;
  return true;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isRecord(value) && Object.keys(value).length === 0;
}

/** The object without its fields that are zero or undefined: Go's `omitempty` on numbers. */
export function omitZero<T extends Readonly<Record<string, number | undefined>>>(counts: T): Partial<Record<keyof T, number>> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count)) as Partial<Record<keyof T, number>>;
}
