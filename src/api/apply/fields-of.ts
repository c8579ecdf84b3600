/**
 * The fields that an object has: what an applied configuration claims. The strict form also finds what is wrong with a configuration,
 * in the words of upstream's library, since both are one walk.
 * @source structured-merge-diff typed/tofieldset.go, typed/validate.go
 */
import { maxTreeDepth } from '../json/tree.ts';
import { goKind, goPrint, goSyntax } from '../go-print.ts';
import type { JsonObject, JsonValue } from '../object.ts';
import type { ListSchema, SpecialType, ValueSchema } from '../schema/index.ts';
import { asMember, emptySet, makeNode, type FieldSet, type FieldSetDraft } from './field-set.ts';
import { fieldElement, itemElement, PathElementError, printElement } from './path-element.ts';
import { asList, asMap, fieldsShape, isHollow, shapeOf, type MapShape } from './shape.ts';

/** A configuration that does not fit its type. */
export class TypedValueError extends Error {
  override readonly name = 'TypedValueError';
}

/** The fields of a stored object; items that have no identity are passed over. */
export function fieldsOf(object: JsonObject, type: ValueSchema): FieldSet {
  return new FieldWalk(undefined).node(object, type) ?? emptySet;
}

/**
 * The fields of a configuration.
 * @throws TypedValueError that names every fault with its path
 */
export function fieldsOfConfiguration(object: JsonObject, type: ValueSchema): FieldSet {
  const faults: string[] = [];
  const fields = new FieldWalk(faults).node(object, type) ?? emptySet;
  if (faults.length === 1) throw new TypedValueError(faults.join(''));
  if (faults.length > 1) throw new TypedValueError(`errors:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  return fields;
}

class FieldWalk {
  readonly #faults: string[] | undefined;
  readonly #path: string[] = [];

  /** @param faults collects what is wrong; undefined when the object is known to be right */
  constructor(faults: string[] | undefined) {
    this.#faults = faults;
  }

  node(value: JsonValue, type: ValueSchema): FieldSet | undefined {
    if (this.#path.length > maxTreeDepth) throw new TypedValueError('exceeded max depth');
    if (this.#faults) this.#check(value, type);
    const shape = shapeOf(type, value);
    switch (shape.kind) {
      case 'leaf':
        if (this.#faults && typeof value === 'object' && value !== null) this.#inside(value, type);
        return emptySet;
      case 'list':
        return this.#list(asList(value), shape.list);
      default:
        return this.#map(asMap(value), shape);
    }
  }

  /** A leaf is owned whole, and yet what is in it has to fit. */
  #inside(value: JsonObject | readonly JsonValue[], type: ValueSchema): void {
    const at = (element: string, [inner, of]: readonly [JsonValue, ValueSchema]): void => {
      this.#path.push(element);
      this.node(inner, of);
      this.#path.pop();
    };
    if (type.kind === 'list') {
      for (const [index, item] of asList(value).entries()) at(`i:${index}`, [item, type.items]);
    } else if (type.kind === 'map') {
      for (const [key, item] of Object.entries(asMap(value))) at(fieldElement(key), [item, type.values]);
    } else if (type.kind === 'object') {
      this.#map(asMap(value), fieldsShape(type));
    }
  }

  #list(items: readonly JsonValue[], list: ListSchema): FieldSet | undefined {
    const children: FieldSetDraft = {};
    for (const [index, item] of items.entries()) {
      const element = this.#elementOf(list, { item, index });
      if (element === undefined) {
        // What follows is not looked at, as upstream does.
        if (this.#faults) break;
        continue;
      }
      const isDuplicate = element in children;
      if (isDuplicate) this.#fault(`duplicate entries for key ${printElement(element)}`);
      this.#path.push(element);
      const node = asMember(this.node(item, list.items));
      this.#path.pop();
      children[element] = isDuplicate ? emptySet : node;
    }
    return makeNode(false, children);
  }

  #map(map: JsonObject, shape: MapShape): FieldSet | undefined {
    const children: FieldSetDraft = {};
    for (const key of Object.keys(map)) {
      const value = map[key]!;
      const element = fieldElement(key);
      this.#path.push(element);
      const type = shape.entry(key);
      if (type === undefined) {
        this.#fault('field not declared in schema');
      } else {
        const node = this.node(value, type);
        const own = value === null || !shape.declares(key) || (typeof value === 'object' && !Array.isArray(value) && isHollow(value));
        const kept = own ? asMember(node) : node;
        if (kept !== undefined) children[element] = kept;
      }
      this.#path.pop();
    }
    return makeNode(false, children);
  }

  #elementOf(list: ListSchema, at: { item: JsonValue; index: number }): string | undefined {
    try {
      return itemElement(list, at.item);
    } catch (error) {
      if (!(error instanceof PathElementError)) throw error;
      this.#fault(`element ${at.index}: ${error.message}`);
      return undefined;
    }
  }

  #check(value: JsonValue, type: ValueSchema): void {
    if (value === null) return;
    const isMap = typeof value === 'object' && !Array.isArray(value);
    switch (type.kind) {
      case 'string':
      case 'bytes':
        if (typeof value !== 'string') this.#fault(`expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`);
        break;
      case 'int32':
      case 'int64':
      case 'number':
        if (typeof value !== 'number' && typeof value !== 'bigint') this.#fault(`expected numeric (int or float), got ${goKind(value)}`);
        break;
      case 'boolean':
        if (typeof value !== 'boolean') this.#fault(`expected boolean, got &{${goPrint(value)}}`);
        break;
      case 'list':
        if (!Array.isArray(value)) this.#fault(`expected list, got &{${goPrint(value)}}`);
        break;
      case 'map':
      case 'object':
        if (!isMap) this.#fault(`expected map, got &{${goPrint(value)}}`);
        break;
      case 'special':
        if (scalars.has(type.special) && typeof value === 'object') this.#fault(`expected any scalar, got &{${goPrint(value)}}`);
        break;
      default:
    }
  }

  #fault(message: string): void {
    const path = this.#path.map(printElement).join('');
    this.#faults?.push(path === '' ? message : `${path}: ${message}`);
  }
}

const scalars: ReadonlySet<SpecialType> = new Set(['Quantity', 'IntOrString', 'Time', 'MicroTime']);
