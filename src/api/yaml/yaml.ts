/**
 * YAML as Kubernetes reads it: the dialect of its Go library, which is neither YAML 1.1 nor 1.2 (`on` is a boolean, `0o17` and `017`
 * are both fifteen, `12:30` and dates are text). The result is a JSON tree.
 * @source sigs.k8s.io/yaml and its goyaml.v2 resolve.go; checked against kubectl 1.33 and 1.35
 */
import {
  binaryTag,
  defineMappingTag,
  defineScalarTag,
  FAILSAFE_SCHEMA,
  loadAll,
  mapTag,
  mergeTag,
  NOT_RESOLVED,
  YAMLException,
} from 'js-yaml';
import type { Draft, JsonValue } from '../object.ts';
import { textOf } from '../json/text-codec.ts';
import { JsonSyntaxError } from '../json/careful-reader.ts';
import { parseJson, type Parsed } from '../json/parse.ts';

/** Text that is not YAML, or has no JSON form. */
export class YamlSyntaxError extends Error {
  override readonly name = 'YamlSyntaxError';
}

const maxAliases = 1_000;
const maxDepth = 1_000;
/** Nodes that a document may have once its aliases are written out. */
const maxExpandedNodes = 400_000;

/** Digits that an integer may have to be read exactly; 64 bits in binary, with some zeros before them. */
const maxIntegerDigits = 100;

const never = (): boolean => false;
const truths = new Set(['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON']);
const untruths = new Set(['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF']);

const nullTag = defineScalarTag('tag:yaml.org,2002:null', {
  implicit: true,
  resolve: (source) => (/^(?:~|null|Null|NULL|)$/.test(source) ? null : NOT_RESOLVED),
  identify: never,
});
const boolTag = defineScalarTag('tag:yaml.org,2002:bool', {
  implicit: true,
  resolve: (source) => (truths.has(source) ? true : untruths.has(source) ? false : NOT_RESOLVED),
  identify: never,
});
const intTag = defineScalarTag<number | bigint>('tag:yaml.org,2002:int', {
  implicit: true,
  resolve: (source) => readInt(source.replaceAll('_', '')) ?? NOT_RESOLVED,
  identify: never,
});
const floatTag = defineScalarTag('tag:yaml.org,2002:float', {
  implicit: true,
  resolve: (source) => {
    if (/^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$/.test(source))
      throw new YamlSyntaxError(`json: unsupported value: ${goFloat(source)}`);
    const plain = source.replaceAll('_', '');
    if (!/^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/.test(plain)) return NOT_RESOLVED;
    // What is too large for a float is text.
    return Number.isFinite(Number(plain)) ? Number(plain) : NOT_RESOLVED;
  },
  identify: never,
});
const textOfBinary = defineScalarTag('tag:yaml.org,2002:binary', {
  resolve: (source, isExplicit, tagName) => {
    const bytes = binaryTag.resolve(source, isExplicit, tagName);
    return bytes === NOT_RESOLVED ? NOT_RESOLVED : textOf(bytes);
  },
  identify: never,
});
/** Tags of one's own mean nothing to Go: a scalar with one is its text. */
const textOfOwnTag = defineScalarTag('!', { matchByTagPrefix: true, resolve: (source) => source, identify: never });
/** Keys of JSON are text; Go refuses a null key where the library would write "null". */
const objectTag = defineMappingTag<Record<string, unknown>>('tag:yaml.org,2002:map', {
  ...mapTag,
  create: () => ({}),
  addPair: (carrier, key, value) => {
    if (key === null) return 'unsupported map key of type: <nil>, key: <nil>';
    return mapTag.addPair(carrier, key, value);
  },
});

const schema = FAILSAFE_SCHEMA.withTags(nullTag, boolTag, intTag, floatTag, mergeTag, textOfBinary, textOfOwnTag, objectTag);

function goFloat(source: string): string {
  if (/nan/i.test(source)) return 'NaN';
  return source.startsWith('-') ? '-Inf' : '+Inf';
}

function readInt(plain: string): number | bigint | undefined {
  const match = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0b([01]+)|0o?([0-7]+)|(\d+))$/.exec(plain);
  if (!match) return undefined;
  const [, sign, hex, binary, octal, decimal] = match;
  const digits = hex === undefined ? (binary === undefined ? (octal === undefined ? decimal! : `0o${octal}`) : `0b${binary}`) : `0x${hex}`;
  const value = Number(digits);
  if (!Number.isFinite(value)) return undefined;
  if (Number.isSafeInteger(value)) return sign === '-' ? 0 - value : value;
  // A megabyte of digits would be long in the making, and is beyond uint64.
  if (digits.length > maxIntegerDigits) return sign === '-' ? -value : value;
  const exact = sign === '-' ? -BigInt(digits) : BigInt(digits);
  // Beyond uint64 Go reads a float.
  return exact >= -(2n ** 63n) && exact < 2n ** 64n ? exact : Number(exact);
}

/**
 * Reads one YAML document (or JSON, which is YAML). Whatever comes after the first document is not looked at, as upstream does.
 * @throws YamlSyntaxError
 */
export function parseYaml(source: Uint8Array | string): Parsed {
  const text = typeof source === 'string' ? source : textOf(source);
  const json = /^\s*\{/.test(text) ? parsedAsJson(text) : undefined;
  if (json !== undefined) return json;
  const { documents, strictErrors } = read(firstDocument(text));
  return { value: documents[0] ?? null, strictErrors };
}

/** The text up to where the first document ends. Dashes or dots at the start of a line are nothing else, wherever they stand. */
function firstDocument(text: string): string {
  let begun = false;
  for (const { 0: line, index } of text.matchAll(/^.*$/gm)) {
    const mark = /^(?:---|\.\.\.)(?=\s|$)/.exec(line)?.[0];
    if (begun && mark !== undefined) return text.slice(0, index);
    begun ||= mark === '---' || !/^(?:\s*(?:#|$)|%)/.test(line);
  }
  return text;
}

/** Most YAML that programs send is JSON, which its own reader reads twenty times faster. */
function parsedAsJson(text: string): Parsed | undefined {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) return undefined;
    throw error;
  }
}

/**
 * Reads every document of a stream; empty ones are left out.
 * @throws YamlSyntaxError
 */
export function parseYamlDocuments(source: string): Draft<JsonValue>[] {
  return read(source).documents.filter((document) => document !== null);
}

function read(text: string): { documents: Draft<JsonValue>[]; strictErrors: string[] } {
  try {
    return { documents: load(text, { lastWins: false }), strictErrors: [] };
  } catch (error) {
    const fault = duplicateKey(error, text);
    if (fault === undefined) throw syntaxError(error);
    try {
      return { documents: load(text, { lastWins: true }), strictErrors: [fault] };
    } catch (second) {
      throw syntaxError(second);
    }
  }
}

function load(text: string, options: { readonly lastWins: boolean }): Draft<JsonValue>[] {
  const documents = loadAll(text, { schema, maxAliases, maxDepth, json: options.lastWins });
  if (text.includes('*') && expandedSize(documents, new Map()) > maxExpandedNodes) {
    throw new YamlSyntaxError('yaml: document contains excessive aliasing');
  }
  // The schema above makes nothing but JSON values.
  return documents as Draft<JsonValue>[];
}

/** Nodes of the tree when every alias is written out: an alias is the same object again, so few of them can mean very many nodes. */
function expandedSize(value: unknown, known: Map<object, number>): number {
  if (typeof value !== 'object' || value === null) return 1;
  const before = known.get(value);
  if (before !== undefined) return before;
  // An anchor that contains itself has no end.
  known.set(value, Infinity);
  let size = 1;
  for (const inner of Object.values(value)) size += expandedSize(inner, known);
  known.set(value, size);
  return size;
}

/** The strict fault in goyaml's words when a key is said twice; only the first is told. */
function duplicateKey(error: unknown, text: string): string | undefined {
  if (!(error instanceof YAMLException) || error.reason !== 'duplicated mapping key') return undefined;
  const { line = 0, column = 0 } = (error.mark ?? {}) as { line?: number; column?: number };
  const key = /^\s*["']?([^"':]*)/.exec(text.split('\n')[line]?.slice(column) ?? '')?.[1]?.trim() ?? '';
  return `yaml: unmarshal errors:\n  line ${line + 1}: key ${JSON.stringify(key)} already set in map`;
}

function syntaxError(error: unknown): unknown {
  if (error instanceof YAMLException) {
    const line = (error.mark as { line?: number } | undefined)?.line;
    return new YamlSyntaxError(`yaml: ${line === undefined ? '' : `line ${line + 1}: `}${error.reason}`, { cause: error });
  }
  return error;
}
