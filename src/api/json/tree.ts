/**
 * Copies and compares JSON trees. Own code because these run on every write: spread and recursion beat structuredClone ten times.
 * Trees come from users, so depth is limited, and a key `__proto__` is a key like any other.
 */
import type { Draft, JsonObject, JsonValue } from '../object.ts';

/** Deepest nesting of objects and lists that any walker follows. */
export const maxTreeDepth = 1_000;

/** A value that JSON cannot say, or one nested too deep. */
export class NotJsonError extends Error {
  override readonly name = 'NotJsonError';
}

/** Sets an own property whatever its name is. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    target[key] = value;
  }
}

/** The own property of that name; undefined when there is none. */
export function getOwn<T>(target: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(target, key) ? target[key] : undefined;
}

/** A list, a text, a number… is not; nor is anything with a class of its own. */
export function isJsonObject(value: unknown): value is JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * A copy that shares nothing with `value`; properties that are undefined are left out.
 * @param standsAt the depth of the place in a greater tree that the copy is for
 * @throws NotJsonError for a function, a class instance, NaN, undefined in a list, or more than `maxTreeDepth` levels
 */
export function deepCopy<T>(value: T, standsAt = 0): Draft<T> {
  return copy(value, standsAt) as Draft<T>;
}

function copy(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return leaf(value);
  if (depth >= maxTreeDepth) throw new NotJsonError('exceeded max depth');
  if (Array.isArray(value)) {
    const list = Array.from<unknown>({ length: value.length });
    for (let i = 0; i < value.length; i++) list[i] = copy(value[i], depth + 1);
    return list;
  }
  if (!isJsonObject(value)) throw new NotJsonError(`json: unsupported type: ${value.constructor?.name ?? 'object'}`);
  const object: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const inner: unknown = value[key];
    if (inner === undefined) continue;
    setOwn(object, key, typeof inner === 'string' ? inner : copy(inner, depth + 1));
  }
  return object;
}

function leaf(value: unknown): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw new NotJsonError(`json: unsupported value: ${value}`);
      return value;
    default:
      if (value === null) return null;
      throw new NotJsonError(`json: unsupported type: ${typeof value}`);
  }
}

/** Whether two JSON trees say the same; the order of keys does not matter, a bigint equals the number of its value. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return equalLeaves(a, b);
  if (Array.isArray(a)) return Array.isArray(b) && equalLists(a, b);
  if (Array.isArray(b)) return false;
  return equalObjects(a as JsonObject, b as JsonObject);
}

function equalLeaves(a: unknown, b: unknown): boolean {
  if (typeof a === 'bigint' && typeof b === 'number') return Number.isInteger(b) && a === BigInt(b);
  if (typeof a === 'number' && typeof b === 'bigint') return equalLeaves(b, a);
  return false;
}

function equalLists(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!deepEqual(a[i], b[i])) return false;
  return true;
}

function equalObjects(a: JsonObject, b: JsonObject): boolean {
  let count = 0;
  for (const key in a) {
    if (!Object.hasOwn(a, key)) continue;
    const value: JsonValue | undefined = a[key];
    if (value === undefined) continue;
    if (!Object.hasOwn(b, key) || !deepEqual(value, b[key])) return false;
    count++;
  }
  for (const key in b) if (Object.hasOwn(b, key) && b[key] !== undefined) count--;
  return count === 0;
}
