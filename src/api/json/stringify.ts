/** JSON text of a tree that may hold bigints, which `JSON.stringify` refuses. */
import type { JsonValue } from '../object.ts';

/**
 * The JSON text of `value`, without spaces. Properties that are undefined are left out.
 * @throws TypeError for what JSON cannot say
 */
export function stringifyJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    // V8 names no cause: a bigint is the one that has a JSON form of its own; cycles are refused below as nesting without end.
    if (!(error instanceof TypeError) || !/BigInt/.test(error.message)) throw error;
    return write(value as JsonValue);
  }
}

function write(value: JsonValue): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${(value as readonly JsonValue[]).map((item) => write(item ?? null)).join(',')}]`;
  const members: string[] = [];
  for (const [key, inner] of Object.entries(value)) if (inner !== undefined) members.push(`${JSON.stringify(key)}:${write(inner)}`);
  return `{${members.join(',')}}`;
}
