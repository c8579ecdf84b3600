/**
 * One step of a path in a field set: how it is written in managedFields, and how messages print it.
 * @source structured-merge-diff fieldpath/element.go, serialize-pe.go; typed/helpers.go
 */
import { getOwn, isJsonObject } from '../json/tree.ts';
import { stringifyJson } from '../json/stringify.ts';
import type { JsonValue } from '../object.ts';
import type { ListSchema, ObjectSchema, ValueSchema } from '../schema/index.ts';

/** A list item that cannot be told from others. */
export class PathElementError extends Error {
  override readonly name = 'PathElementError';
}

export function fieldElement(name: string): string {
  return `f:${name}`;
}

/**
 * The element of an item of a `set` or `map` list.
 * @throws PathElementError
 */
export function itemElement(list: ListSchema, item: JsonValue | undefined): string {
  return list.listType === 'map' ? keyElement(list, item) : valueElement(item);
}

function valueElement(item: JsonValue | undefined): string {
  if (item === null || item === undefined)
    throw new PathElementError("associative list without keys has an element that's an explicit null");
  if (Array.isArray(item)) throw new PathElementError('not supported: associative list with lists as elements');
  if (typeof item === 'object') throw new PathElementError("associative list without keys has an element that's a map type");
  return `v:${stringifyJson(item)}`;
}

function keyElement(list: ListSchema, item: JsonValue | undefined): string {
  if (item === null || item === undefined) throw new PathElementError('associative list with keys may not have a null element');
  if (!isJsonObject(item)) throw new PathElementError('associative list with keys may not have non-map elements');
  const members: string[] = [];
  for (const name of sortedKeys(list)) {
    const value = keyValue(list, item, name);
    // A key that is not there and has no default is no part of the name.
    if (value !== undefined) members.push(`${JSON.stringify(name)}:${stringifyJson(value)}`);
  }
  if (members.length === 0) {
    const names = list.listMapKeys.map((name) => JSON.stringify(name)).join(' ');
    throw new PathElementError(
      `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`,
    );
  }
  return members.length === 1 ? `k:{${members[0]!}}` : `k:{${members.join(',')}}`;
}

const sorted = new WeakMap<ListSchema, readonly string[]>();

function sortedKeys(list: ListSchema): readonly string[] {
  const known = sorted.get(list);
  if (known) return known;
  const names = list.listMapKeys.toSorted();
  sorted.set(list, names);
  return names;
}

function keyValue(list: ListSchema, item: { readonly [key: string]: JsonValue }, name: string): JsonValue | undefined {
  return getOwn(item, name) ?? (list.items.kind === 'object' ? keyDefault(list.items.schema, name) : undefined);
}

/** A declared default, or the zero value that Go writes for a required scalar. */
function keyDefault(schema: ObjectSchema, name: string): JsonValue | undefined {
  const field = schema.fields.get(name);
  if (field?.default !== undefined) return field.default;
  return field?.required ? zero(field.value) : undefined;
}

function zero(value: ValueSchema): JsonValue | undefined {
  switch (value.kind) {
    case 'string':
      return '';
    case 'int32':
    case 'int64':
      return 0;
    case 'boolean':
      return false;
    default:
      return undefined;
  }
}

/** A path as messages print it: `.spec.containers[name="a"].image`. */
export function printPath(elements: readonly string[]): string {
  return elements.map(printElement).join('');
}

export function printElement(element: string): string {
  const rest = element.slice(2);
  switch (element[0]) {
    case 'f':
      return `.${rest}`;
    case 'k': {
      const keys = Object.entries(JSON.parse(rest) as Record<string, JsonValue>);
      return `[${keys.map(([name, value]) => `${name}=${stringifyJson(value)}`).join(',')}]`;
    }
    case 'v':
      return `[=${rest}]`;
    default:
      return `[${rest}]`;
  }
}
