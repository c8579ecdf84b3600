/**
 * How Go prints a JSON tree, with `%v` (`map[image:nginx ports:[80 443]]`) and with `%#v`. Messages of patches and applied configurations
 * hold such texts.
 */
import { goQuote } from './go-text.ts';
import type { JsonValue } from './object.ts';

/** What is deeper is not printed: bodies may be nested deeper than the stack allows. */
const maxPrintedDepth = 500;

export function goPrint(value: JsonValue | undefined, depth = 0): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value !== 'object') return String(value);
  if (depth > maxPrintedDepth) return '...';
  if (Array.isArray(value)) return `[${(value as readonly JsonValue[]).map((item) => goPrint(item, depth + 1)).join(' ')}]`;
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `map[${members.map(([key, inner]: readonly [string, JsonValue]) => `${key}:${goPrint(inner, depth + 1)}`).join(' ')}]`;
}

/** With `%s`, which complains about scalars that are no strings: `%!s(int64=1)`. */
export function goString(value: JsonValue): string {
  if (value === null) return '%!s(<nil>)';
  return typeof value === 'string' || typeof value === 'object' ? goPrint(value) : `%!s(${goKind(value)}=${String(value)})`;
}

/** As Go's syntax has it: `map[string]interface {}{"ports":[]interface {}{80, 443}}`. */
export function goSyntax(value: JsonValue, depth = 0): string {
  if (value === null) return 'interface {}(nil)';
  if (typeof value === 'string') return goQuote(value);
  if (typeof value !== 'object') return String(value);
  if (depth > maxPrintedDepth) return '...';
  if (Array.isArray(value)) return `[]interface {}{${(value as readonly JsonValue[]).map((item) => goSyntax(item, depth + 1)).join(', ')}}`;
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `map[string]interface {}{${members.map(([key, inner]: readonly [string, JsonValue]) => `${goQuote(key)}:${goSyntax(inner, depth + 1)}`).join(', ')}}`;
}

/** The Go type of a JSON value in messages. */
export function goKind(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return '%!s(<nil>)';
  if (Array.isArray(value)) return '[]interface {}';
  switch (typeof value) {
    case 'object':
      return 'map[string]interface {}';
    case 'boolean':
      return 'bool';
    case 'string':
      return 'string';
    default:
      return Number.isInteger(Number(value)) ? 'int64' : 'float64';
  }
}
