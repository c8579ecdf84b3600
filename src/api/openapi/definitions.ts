/**
 * Types as JSON schemas: what kubectl validates with, explains, and learns merge keys from. Collects what it refers to, so that a
 * document holds every definition that it names and no other.
 */
import type { JsonObject, JsonValue } from '../object.ts';
import { schemaOf, specialOf, type FieldSchema, type GroupVersionKind, type ObjectSchema, type ValueSchema } from '../schema/index.ts';
import { assertNever } from '../schema/assert-never.ts';
import { definitionDescription, fieldDescription } from './descriptions.ts';
import type { Dialect } from './dialect.ts';

export class Definitions {
  readonly #dialect: Dialect;
  readonly #everywhere: readonly { readonly group: string; readonly version: string }[];
  readonly #found = new Map<string, JsonObject>();

  /** @param everywhere the group versions of which kinds such as DeleteOptions are part */
  constructor(dialect: Dialect, everywhere: readonly { readonly group: string; readonly version: string }[]) {
    this.#dialect = dialect;
    this.#everywhere = everywhere;
  }

  /** A reference to a definition, which is from then on part of the document. */
  reference(definition: string): JsonObject {
    this.#add(definition);
    return { $ref: this.#dialect.references + definition };
  }

  /** Everything that was referred to, by name. */
  all(): JsonObject {
    return Object.fromEntries([...this.#found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  #add(definition: string): void {
    if (this.#found.has(definition)) return;
    // Known before it is built, so that types may contain themselves.
    this.#found.set(definition, {});
    this.#found.set(definition, this.#build(definition));
  }

  #build(definition: string): JsonObject {
    const description = definitionDescription(definition);
    const head = description === undefined ? {} : { description };
    const special = specialOf(definition);
    const schema = schemaOf(definition);
    if (special !== undefined) return { ...head, ...this.#dialect.special(special) };
    const properties: Record<string, JsonValue> = {};
    const required: string[] = [];
    for (const field of schema.fields.values()) {
      properties[field.name] = this.#field(field, schema);
      if (field.required) required.push(field.name);
    }
    const kinds = this.#kindsOf(schema);
    return {
      ...head,
      type: 'object',
      ...(schema.fields.size > 0 && { properties }),
      ...(required.length > 0 && { required }),
      ...(kinds.length > 0 && { 'x-kubernetes-group-version-kind': kinds.map((kind) => ({ ...kind })) }),
      ...(schema.mapType === 'atomic' && { 'x-kubernetes-map-type': 'atomic' }),
      // The facts hold it in the form in which it is printed.
      ...(schema.unions !== undefined && { 'x-kubernetes-unions': unionsOf(schema.unions) }),
    };
  }

  #kindsOf(schema: ObjectSchema): GroupVersionKind[] {
    if (schema.groupVersionKind) return [schema.groupVersionKind];
    if (!schema.inEveryGroup) return [];
    const kind = schema.definition.slice(schema.definition.lastIndexOf('.') + 1);
    return this.#everywhere.map(({ group, version }) => ({ group, version, kind }));
  }

  #field(field: FieldSchema, owner: ObjectSchema): JsonObject {
    const description = fieldDescription(owner.definition, field.name);
    const { value } = field;
    const rest: JsonObject = {
      ...(description !== undefined && { description }),
      ...(field.default !== undefined && { default: field.default }),
      ...(value.kind === 'list' && { 'x-kubernetes-list-type': value.listType }),
      ...(value.kind === 'list' && value.listMapKeys.length > 0 && { 'x-kubernetes-list-map-keys': value.listMapKeys }),
      ...(value.kind === 'map' && value.mapType === 'atomic' && { 'x-kubernetes-map-type': 'atomic' }),
      ...(value.kind === 'object' && value.mapType !== value.schema.mapType && { 'x-kubernetes-map-type': value.mapType }),
      ...(field.patchStrategy.length > 0 && { 'x-kubernetes-patch-strategy': field.patchStrategy.join(',') }),
      ...(field.patchMergeKey !== undefined && { 'x-kubernetes-patch-merge-key': field.patchMergeKey }),
    };
    return this.#value(value, { rest, allowed: field.enum });
  }

  /** @param more what stands beside the type, and the values that are allowed (of the items, for a list) */
  #value(
    value: ValueSchema,
    more: { readonly rest: JsonObject; readonly allowed: readonly string[] | undefined } = nothingMore,
  ): JsonObject {
    const { rest, allowed } = more;
    const choices = allowed === undefined ? {} : { enum: allowed };
    switch (value.kind) {
      case 'string':
        return { ...rest, type: 'string', ...choices };
      case 'bytes':
        return { ...rest, type: 'string', format: 'byte' };
      case 'int32':
      case 'int64':
        return { ...rest, type: 'integer', format: value.kind };
      case 'number':
        return { ...rest, type: 'number', format: 'double' };
      case 'boolean':
        return { ...rest, type: 'boolean' };
      case 'any':
        return { ...rest };
      case 'list':
        return { ...rest, type: 'array', items: this.#value(value.items, { rest: {}, allowed }) };
      case 'map':
        return { ...rest, type: 'object', additionalProperties: this.#value(value.values) };
      case 'object':
      case 'special':
        this.#add(value.definition);
        return this.#dialect.referenceWith(this.#dialect.references + value.definition, rest);
      default:
        return assertNever(value);
    }
  }
}

const nothingMore = { rest: {}, allowed: undefined };

interface Union {
  readonly discriminator?: string;
  readonly fields?: readonly { readonly fieldName: string; readonly discriminatorValue: string }[];
}

/** @source kube-openapi pkg/generators: `fields-to-discriminateBy` */
function unionsOf(unions: unknown): JsonValue {
  // The facts' own shape.
  return (unions as readonly Union[]).map(({ discriminator, fields }) => ({
    ...(discriminator !== undefined && { discriminator }),
    'fields-to-discriminateBy': Object.fromEntries(
      (fields ?? []).map(({ fieldName, discriminatorValue }) => [fieldName, discriminatorValue]),
    ),
  }));
}
