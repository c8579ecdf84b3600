/**
 * Reads the generated facts: one text a type, parsed when the type is first met. A text is a head line and one line a field, parts
 * separated by tabs; `tools/generate/README.md` has the grammar. Knows nothing of values, only of types.
 */
import facts from './gen/facts.json' with { type: 'json' };
import type {
  DeclaredDefault,
  FieldSchema,
  GroupVersionKind,
  ListType,
  MapType,
  ObjectSchema,
  SpecialType,
  ValueSchema,
} from './object-schema.ts';

const texts: Readonly<Record<string, string>> = facts;
const names = Object.keys(texts);
const parsed = new Map<string, ObjectSchema>();

const specials: ReadonlyMap<string, SpecialType> = new Map([
  ['io.k8s.apimachinery.pkg.api.resource.Quantity', 'Quantity'],
  ['io.k8s.apimachinery.pkg.util.intstr.IntOrString', 'IntOrString'],
  ['io.k8s.apimachinery.pkg.apis.meta.v1.Time', 'Time'],
  ['io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime', 'MicroTime'],
  ['io.k8s.apimachinery.pkg.runtime.RawExtension', 'RawExtension'],
  ['io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1', 'FieldsV1'],
  ['io.k8s.apimachinery.pkg.apis.meta.v1.Patch', 'Patch'],
  ['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON', 'JSON'],
  ['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray', 'JSONSchemaPropsOrArray'],
  ['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool', 'JSONSchemaPropsOrBool'],
  ['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray', 'JSONSchemaPropsOrStringArray'],
]);

/** A definition that the built-in schema does not have. */
export class UnknownDefinitionError extends Error {
  override readonly name = 'UnknownDefinitionError';

  constructor(definition: string) {
    super(`the schema has no definition ${definition}`);
  }
}

/**
 * The schema of a built-in type, such as `io.k8s.api.core.v1.Pod`. The same object every time.
 * @throws UnknownDefinitionError
 */
export function schemaOf(definition: string): ObjectSchema {
  const known = parsed.get(definition);
  if (known) return known;
  if (!Object.hasOwn(texts, definition)) throw new UnknownDefinitionError(definition);
  const schema = parseType(definition, texts[definition]!);
  parsed.set(definition, schema);
  return schema;
}

/** Every built-in definition, in the order of their names. */
export function definitionNames(): readonly string[] {
  return names;
}

/** The special type of a definition whose JSON is not an object with fields. */
export function specialOf(definition: string): SpecialType | undefined {
  return specials.get(definition);
}

let byKind: Map<string, string> | undefined;

/** The definition of a kind; undefined when it is not built in. Types of every group (DeleteOptions) are found under any group. */
export function definitionOfKind({ group, version, kind }: GroupVersionKind): string | undefined {
  byKind ??= indexByKind();
  return byKind.get(`${group}/${version}/${kind}`) ?? byKind.get(`*/${kind}`);
}

function indexByKind(): Map<string, string> {
  const index = new Map<string, string>();
  for (const name of names) {
    const match = /^(?:[^\n]*\t)?K=([^\t\n]+)/.exec(texts[name]!);
    if (match) index.set(match[1] === '*' ? `*/${name.slice(name.lastIndexOf('.') + 1)}` : match[1]!, name);
  }
  return index;
}

function parseType(definition: string, text: string): ObjectSchema {
  const [head = '', ...lines] = text.split('\n');
  const options = new Map(head.split('\t').map((part) => [part[0], part.slice(2)]));
  const kind = options.get('K');
  const unions = options.get('U');
  const [group = '', version = '', kindName = ''] = kind?.split('/') ?? [];
  return {
    definition,
    fields: new Map(lines.map(parseField).map((field) => [field.name, field])),
    mapType: options.get('M') === 'atomic' ? 'atomic' : 'granular',
    ...(kind !== undefined && kind !== '*' && { groupVersionKind: { group, version, kind: kindName } }),
    inEveryGroup: kind === '*',
    unknownFields: 'prune',
    ...(unions !== undefined && { unions: JSON.parse(unions) as unknown }),
  };
}

function parseField(line: string): FieldSchema {
  const [name = '', type = '', ...rest] = line.split('\t');
  const options = new Map(rest.map((part) => [part[0], part.slice(2)]));
  const text = (letter: string): string | undefined => options.get(letter);
  const enumText = text('e');
  const defaultText = text('d');
  const mergeKey = text('k');
  const gates = text('g');
  return {
    name,
    value: parseValue(type, { list: text('L'), map: text('M') }),
    required: options.has('!'),
    ...(defaultText !== undefined && { default: JSON.parse(defaultText) as DeclaredDefault }),
    ...(enumText !== undefined && { enum: enumText.split('|') }),
    // The generator writes only these three words.
    patchStrategy: (text('p')?.split(',') ?? []) as FieldSchema['patchStrategy'],
    ...(mergeKey !== undefined && { patchMergeKey: mergeKey }),
    ...(gates !== undefined && { featureGates: gates.split(',') }),
  };
}

interface MergeFacts {
  readonly list: string | undefined;
  readonly map: string | undefined;
}
const noMergeFacts: MergeFacts = { list: undefined, map: undefined };

function parseValue(type: string, merge: MergeFacts): ValueSchema {
  switch (type[0]) {
    case 's':
      return { kind: 'string' };
    case 'y':
      return { kind: 'bytes' };
    case 'i':
      return { kind: 'int32' };
    case 'l':
      return { kind: 'int64' };
    case 'n':
      return { kind: 'number' };
    case 'b':
      return { kind: 'boolean' };
    case '[': {
      const [listType = 'atomic', ...listMapKeys] = merge.list?.split(',') ?? [];
      return { kind: 'list', items: parseValue(type.slice(1), noMergeFacts), listType: listType as ListType, listMapKeys };
    }
    case '{':
      return { kind: 'map', values: parseValue(type.slice(1), noMergeFacts), mapType: (merge.map ?? 'granular') as MapType };
    default:
      return reference(names[Number(type)]!, merge.map as MapType | undefined);
  }
}

/** How a value of a built-in definition is described: a special type by its name, any other by its schema. */
export function reference(definition: string, mapType?: MapType): ValueSchema {
  const special = specials.get(definition);
  if (special) return { kind: 'special', special, definition };
  return {
    kind: 'object',
    definition,
    get schema() {
      return schemaOf(definition);
    },
    get mapType() {
      return mapType ?? schemaOf(definition).mapType;
    },
  };
}
