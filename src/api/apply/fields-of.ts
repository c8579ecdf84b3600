/**
 * The fields that an object has: what an applied configuration claims. The strict form also finds what is wrong with a configuration,
 * in the words of upstream's library, since both are one walk.
 * @source structured-merge-diff typed/tofieldset.go, typed/validate.go
 */
import { maxTreeDepth } from '../json/tree.ts';
import { stringifyJson } from '../json/stringify.ts';
import type { JsonObject, JsonValue } from '../object.ts';
import type { ListSchema, ValueSchema } from '../schema/index.ts';
import { asMember, emptySet, makeNode, type FieldSet, type FieldSetDraft } from './field-set.ts';
import { fieldElement, itemElement, PathElementError, printElement } from './path-element.ts';
import { asList, asMap, isHollow, shapeOf } from './shape.ts';

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
        return emptySet;
      case 'list':
        return this.#list(asList(value), shape.list);
      default:
        return this.#map(asMap(value), shape);
    }
  }

  #list(items: readonly JsonValue[], list: ListSchema): FieldSet | undefined {
    const children: FieldSetDraft = {};
    for (const [index, item] of items.entries()) {
      const element = this.#elementOf(list, { item, index });
      if (element === undefined) continue;
      if (element in children) this.#fault(`duplicate entries for key ${printElement(element)}`);
      this.#path.push(element);
      children[element] = asMember(this.node(item, list.items));
      this.#path.pop();
    }
    return makeNode(false, children);
  }

  #map(
    map: JsonObject,
    shape: { readonly entry: (key: string) => ValueSchema | undefined; readonly declares: (key: string) => boolean },
  ): FieldSet | undefined {
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
    const isObject = typeof value === 'object';
    switch (type.kind) {
      case 'string':
      case 'bytes':
        if (typeof value !== 'string') this.#fault(`expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`);
        break;
      case 'int32':
      case 'int64':
      case 'number':
        if (typeof value !== 'number' && typeof value !== 'bigint') this.#fault(`expected numeric (int or float), got ${goType(value)}`);
        break;
      case 'boolean':
        if (typeof value !== 'boolean') this.#fault(`expected boolean, got &{${goSyntax(value)}}`);
        break;
      case 'list':
        if (!Array.isArray(value)) this.#fault(`expected list, got &{${goSyntax(value)}}`);
        break;
      case 'map':
      case 'object':
        if (!isObject || Array.isArray(value)) this.#fault(`expected map, got &{${goSyntax(value)}}`);
        break;
      default:
    }
  }

  #fault(message: string): void {
    const path = this.#path.map(printElement).join('');
    this.#faults?.push(path === '' ? message : `${path}: ${message}`);
  }
}

function goSyntax(value: JsonValue): string {
  return typeof value === 'object' ? stringifyJson(value) : typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function goType(value: JsonValue): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (typeof value === 'object') return 'map[string]interface {}';
  return typeof value === 'boolean' ? 'bool' : 'string';
}
