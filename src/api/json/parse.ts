/**
 * The one JSON reader. `JSON.parse` silently takes the last of two equal keys and rounds integers beyond 2^53, which would alter a
 * write that is then acknowledged; so a scan decides whether a text is clean, and what is not goes to the careful reader.
 */
import type { Draft, JsonValue } from '../object.ts';
import { CarefulReader, JsonSyntaxError, maxNesting } from './careful-reader.ts';
import { scanJson } from './scan.ts';
import { textOf } from './text-codec.ts';

export interface Parsed {
  /** Fresh; the caller owns it. Integers beyond 2^53 and within int64 are bigint. */
  readonly value: Draft<JsonValue>;
  /** Fields that are said twice, such as `duplicate field "spec.replicas"`; the last one counts. */
  readonly strictErrors: readonly string[];
}

const none: readonly string[] = [];

/**
 * Reads one JSON value.
 * @throws JsonSyntaxError in Go's words, also when it nests more than 10,000 deep
 */
export function parseJson(source: Uint8Array | string): Parsed {
  const text = typeof source === 'string' ? source : textOf(source);
  const scan = scanJson(text);
  if (scan.depth > maxNesting) throw new JsonSyntaxError('exceeded max depth');
  if (!scan.longNumber) {
    const value = parseClean(text);
    if (value !== undefined && countKeys(value, scan.depth) === scan.keys) return { value, strictErrors: none };
  }
  const reader = new CarefulReader(text);
  const value = reader.read();
  return { value, strictErrors: [...reader.duplicates].map((path) => `duplicate field ${JSON.stringify(path)}`) };
}

/** Undefined when it is not JSON: the careful reader says why. */
function parseClean(text: string): Draft<JsonValue> | undefined {
  try {
    return JSON.parse(text) as Draft<JsonValue>;
  } catch {
    return undefined;
  }
}

/** Nesting up to which counting may recurse. */
const maxRecursion = 1_000;

/** Fewer keys in the tree than in the text: some were said twice. */
function countKeys(value: unknown, depth: number): number {
  return depth > maxRecursion ? -1 : count(value);
}

function count(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let sum = 0;
  if (Array.isArray(value)) {
    for (const item of value) sum += count(item);
    return sum;
  }
  const object = value as Record<string, unknown>;
  // Straight from JSON.parse: every key is the object's own.
  for (const key in object) {
    sum++;
    const inner = object[key];
    if (typeof inner === 'object') sum += count(inner);
  }
  return sum;
}
