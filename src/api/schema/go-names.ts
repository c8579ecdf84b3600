/**
 * How Go prints the types of the API in decoding errors, such as `map[string]string` or `[]v1.Container`: clients and tests match on
 * those texts. Go's named string types (`v1.PullPolicy`) are not in the published schema and print as `string`.
 */
import { assertNever } from './assert-never.ts';
import type { ObjectSchema, ValueSchema } from './object-schema.ts';

const resourceList = 'v1.ResourceList';

/** The last part of a definition: `ObjectMeta`. */
export function structName(definition: string): string {
  return definition.slice(definition.lastIndexOf('.') + 1);
}

/** A definition with its Go package: `v1.ObjectMeta`. */
export function qualifiedName(definition: string): string {
  return definition.split('.').slice(-2).join('.');
}

export function goTypeOf(value: ValueSchema, owner?: ObjectSchema): string {
  switch (value.kind) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'int32':
    case 'int64':
      return value.kind;
    case 'number':
      return 'float64';
    case 'bytes':
      return '[]uint8';
    case 'any':
      return 'interface {}';
    case 'list':
      return `[]${goTypeOf(value.items, owner)}`;
    case 'map':
      if (value.values.kind === 'special' && value.values.special === 'Quantity' && owner?.definition.startsWith('io.k8s.api.core.')) {
        return resourceList;
      }
      return `map[string]${goTypeOf(value.values, owner)}`;
    case 'object':
      return qualifiedName(value.definition);
    case 'special':
      // IntOrString reads a number, Time and MicroTime read a string; the others accept anything.
      if (value.special === 'IntOrString') return 'int32';
      if (value.special === 'Time' || value.special === 'MicroTime') return 'string';
      return qualifiedName(value.definition);
    default:
      return assertNever(value);
  }
}

/** What Go calls the JSON it could not fit: `string`, `number 1.5`, `bool`, `object`, `array`. */
export function describeJson(value: unknown, options: { readonly withNumber: boolean }): string {
  if (Array.isArray(value)) return 'array';
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'number':
    case 'bigint':
      return options.withNumber ? `number ${String(value)}` : 'number';
    default:
      return 'object';
  }
}
