/**
 * The compact schema facts under `src/api/schema/gen`: one line a field, one text a type, so that a process that starts reads one
 * small JSON file and parses only the types it meets. The grammar of a line is in README.md here and in `src/api/schema/facts.ts`,
 * which reads it.
 */
import type { SchemaFacts, TypeFacts, ValueFacts } from './schema-facts.ts';

/** The file `facts.json`: definition → its text. */
export function generateSchema(facts: SchemaFacts): string {
  const names = Object.keys(facts.definitions);
  const types = names.map((name) => renderType(facts.definitions[name]!, names));
  const lines = names.map((name, index) => `${JSON.stringify(name)}:${JSON.stringify(types[index])}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}

/** Symbols that default markers name instead of spelling the value. */
const symbolicDefaults: Readonly<Record<string, string>> = {
  'ref(AzureDataDiskCachingReadWrite)': 'ReadWrite',
  'ref(AzureSharedBlobDisk)': 'Shared',
};

function spelledOut(value: unknown): unknown {
  return typeof value === 'string' ? (symbolicDefaults[value] ?? value) : value;
}

function renderType(type: TypeFacts, names: readonly string[]): string {
  const head: string[] = [];
  if (type.fields === undefined) head.push(`~${type.type ?? 'any'}`);
  if (type['map-type'] === 'atomic') head.push('M=atomic');
  // DeleteOptions and WatchEvent belong to every group version; the list is not a fact about the type.
  const kinds = type['group-version-kind'] ?? [];
  if (kinds.length === 1) head.push(`K=${kinds[0]!.group}/${kinds[0]!.version}/${kinds[0]!.kind}`);
  if (kinds.length > 1) head.push('K=*');
  if (type.unions !== undefined) head.push(`U=${JSON.stringify(type.unions)}`);
  const fields = Object.entries(type.fields ?? {}).map(([name, field]) => renderField(name, field, names));
  return [head.join('\t'), ...fields].join('\n');
}

function renderField(name: string, field: ValueFacts, names: readonly string[]): string {
  const parts = [name, renderValue(field, names)];
  if (field.required) parts.push('!');
  if (field.default !== undefined) parts.push(`d=${JSON.stringify(spelledOut(field.default))}`);
  const allowed = field.enum ?? field.items?.enum;
  if (allowed) parts.push(`e=${allowed.join('|')}`);
  if (field['list-type']) parts.push(`L=${[field['list-type'], ...(field['list-map-keys'] ?? [])].join(',')}`);
  if (field['map-type']) parts.push(`M=${field['map-type']}`);
  if (field['patch-strategy']) parts.push(`p=${field['patch-strategy']}`);
  if (field['patch-merge-key']) parts.push(`k=${field['patch-merge-key']}`);
  if (field.featureGates) parts.push(`g=${field.featureGates.join(',')}`);
  return parts.join('\t');
}

/** `s` string, `y` bytes, `i` int32, `l` int64, `n` number, `b` boolean, `[T` list, `{T` map, a number the definition of that place. */
function renderValue(value: ValueFacts, names: readonly string[]): string {
  if (value.ref !== undefined) {
    const index = names.indexOf(value.ref);
    if (index < 0) throw new Error(`the facts name ${value.ref}, which they do not define`);
    return String(index);
  }
  if (value.items) return `[${renderValue(value.items, names)}`;
  if (value.values) return `{${renderValue(value.values, names)}`;
  switch (value.type) {
    case 'string':
      return value.format === 'byte' ? 'y' : 's';
    case 'integer':
      return value.format === 'int64' ? 'l' : 'i';
    case 'number':
      return 'n';
    case 'boolean':
      return 'b';
    default:
      throw new Error(`no letter for the type ${JSON.stringify(value)}`);
  }
}
