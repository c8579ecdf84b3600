/** JSON documents as people read them: indented, or as YAML. Integers beyond 2^53 stay what they are. */
import { defineScalarTag, dump, DUMP_SCHEMA, type ScalarTagDefinition } from 'js-yaml';
import { parseJson } from '../../api/json/index.ts';

/** The integers of YAML and those that no number can say. */
const integers = DUMP_SCHEMA.tags.find(({ tagName }) => tagName === 'tag:yaml.org,2002:int') as ScalarTagDefinition<number>;
const allIntegers = defineScalarTag<number | bigint>(integers.tagName, {
  ...integers,
  identify: (value) => typeof value === 'bigint' || integers.identify(value),
  represent: (value) => (typeof value === 'bigint' ? value.toString() : integers.represent(value)),
});
const schema = DUMP_SCHEMA.withTags([...DUMP_SCHEMA.tags, allIntegers]);

/** @param json of one document, made by ourselves */
export function indentedJson(json: Uint8Array): Buffer {
  const spoken = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? rawJson(value.toString()) : value);
  return Buffer.from(`${JSON.stringify(parseJson(json).value, spoken, 2)}\n`);
}

export function yamlText(json: Uint8Array): Buffer {
  return Buffer.from(dump(parseJson(json).value, { schema, lineWidth: -1, noRefs: true }));
}

/** A standard of 2025 that the type library does not know yet. */
const { rawJSON: rawJson } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };
