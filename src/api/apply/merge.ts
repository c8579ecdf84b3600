/**
 * Lays a configuration over a live object: leaves of the configuration win, lists with identities are merged item by item. What does
 * not change is the same object in memory, so an apply that changes nothing returns the live object itself.
 * @source structured-merge-diff typed/merge.go (v6: the order of lists)
 */
import { deepEqual, setOwn } from '../json/tree.ts';
import type { JsonObject, JsonValue } from '../object.ts';
import type { ListSchema, ValueSchema } from '../schema/index.ts';
import { itemElement, PathElementError } from './path-element.ts';
import { asList, asMap, isHollow, shapeOf, type Shape } from './shape.ts';

const anything: ValueSchema = { kind: 'any' };

/** The live object with the configuration over it. Null in the configuration removes a leaf. */
export function merge(live: JsonValue, config: JsonValue, type: ValueSchema): JsonValue {
  if (live === config) return live;
  const shape = shapeOf(type, config);
  if (shape.kind === 'leaf' || shapeOf(type, live).kind !== shape.kind || (isHollow(live) && isHollow(config))) {
    return deepEqual(live, config) ? live : config;
  }
  if (config === null) return live;
  if (shape.kind === 'list') return mergeLists(asList(live), asList(config), shape.list);
  return mergeMaps(asMap(live), asMap(config), shape);
}

function mergeMaps(live: JsonObject, config: JsonObject, shape: Extract<Shape, { kind: 'map' }>): JsonObject {
  let result: Record<string, JsonValue> | undefined;
  for (const key of Object.keys(config)) {
    const change = config[key]!;
    const before = Object.hasOwn(live, key) ? live[key] : undefined;
    const after = before === undefined ? change : merge(before, change, shape.entry(key) ?? anything);
    if (after === before) continue;
    result ??= { ...live };
    setOwn(result, key, after);
  }
  return result ?? live;
}

/**
 * Items of the configuration stand in its order, each as near to where the live list had it as that order allows; the others keep
 * their places.
 */
function mergeLists(live: readonly JsonValue[], config: readonly JsonValue[], list: ListSchema): readonly JsonValue[] {
  const [mine, theirs] = [elementsOf(live, list), elementsOf(config, list)];
  const liveItems = firstItems(live, mine);
  const wanted = new Map(theirs.map((element, index) => [element, config[index]!]));
  const shared = theirs.filter((element) => liveItems.has(element));
  const merged = new Set<string>();
  const result: JsonValue[] = [];
  const take = (element: string): void => {
    merged.add(element);
    const [before, change] = [liveItems.get(element), wanted.get(element)!];
    result.push(before === undefined ? change : merge(before, change, list.items));
    if (shared[0] === element) shared.shift();
  };
  let [i, j] = [0, 0];
  while (i < mine.length || j < theirs.length) {
    const element = mine[i];
    if (element !== undefined && j < theirs.length) {
      if (element === theirs[j]) {
        take(element);
        i++;
        j++;
        continue;
      }
      if (wanted.has(element) && shared.length > 0 && shared[0] !== element) {
        i++;
        continue;
      }
    }
    if (element !== undefined) {
      if (!wanted.has(element)) {
        result.push(live[i]!);
        i++;
        continue;
      }
      if (merged.has(element)) i++;
    }
    if (j < theirs.length) take(theirs[j++]!);
  }
  return result.length === live.length && result.every((item, index) => item === live[index]) ? live : result;
}

/** An element for every item; an item without identity is one of its own. */
function elementsOf(items: readonly JsonValue[], list: ListSchema): string[] {
  return items.map((item, index) => {
    try {
      return itemElement(list, item);
    } catch (error) {
      if (error instanceof PathElementError) return `i:${index}`;
      throw error;
    }
  });
}

/** Items by element. Of items that are said twice none is merged with: the configuration's takes their place. */
function firstItems(items: readonly JsonValue[], elements: readonly string[]): Map<string, JsonValue | undefined> {
  const found = new Map<string, JsonValue | undefined>();
  for (const [index, element] of elements.entries()) found.set(element, found.has(element) ? undefined : items[index]!);
  return found;
}
