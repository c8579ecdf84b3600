/**
 * What is known of an API type: its fields and how each is typed, merged, patched and owned. Built-in types come from generated
 * facts (`facts.ts`); whoever serves custom resources builds the same shape from a CustomResourceDefinition, so that decoding,
 * patches, server-side apply and OpenAPI know one kind of schema. Pure data: it knows nothing of defaults that are code.
 */

/** Types whose JSON is not what their Go struct would suggest. */
export type SpecialType =
  | 'Quantity'
  | 'IntOrString'
  | 'Time'
  | 'MicroTime'
  | 'RawExtension'
  | 'FieldsV1'
  | 'Patch'
  | 'JSON'
  | 'JSONSchemaPropsOrArray'
  | 'JSONSchemaPropsOrBool'
  | 'JSONSchemaPropsOrStringArray';

export type ListType = 'atomic' | 'set' | 'map';
export type MapType = 'granular' | 'atomic';

export interface ListSchema {
  readonly kind: 'list';
  readonly items: ValueSchema;
  /** `atomic` when nothing is declared. */
  readonly listType: ListType;
  /** The fields that name an item of a `map` list. */
  readonly listMapKeys: readonly string[];
}

export interface MapSchema {
  readonly kind: 'map';
  readonly values: ValueSchema;
  readonly mapType: MapType;
}

export interface ObjectReferenceSchema {
  readonly kind: 'object';
  readonly definition: string;
  /** Read on first use, so that types may contain themselves. */
  readonly schema: ObjectSchema;
  /** What this field says over the type's own `mapType`. */
  readonly mapType: MapType;
}

export type ValueSchema =
  | { readonly kind: 'string' | 'bytes' | 'int32' | 'int64' | 'number' | 'boolean' }
  | { readonly kind: 'special'; readonly special: SpecialType; readonly definition: string }
  /** Any JSON; nothing is known of it. */
  | { readonly kind: 'any' }
  | ListSchema
  | MapSchema
  | ObjectReferenceSchema;

/** A default as the published schema declares it. */
export type DeclaredDefault = string | number | boolean;

export interface FieldSchema {
  readonly name: string;
  readonly value: ValueSchema;
  readonly required: boolean;
  readonly default?: DeclaredDefault;
  /** Declared values: of the field, or of the items of a list. Declared, not checked: validation is the kinds' own. */
  readonly enum?: readonly string[];
  /** How a strategic merge patch treats the field; empty when nothing is declared. */
  readonly patchStrategy: readonly ('merge' | 'replace' | 'retainKeys')[];
  readonly patchMergeKey?: string;
  readonly featureGates?: readonly string[];
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface ObjectSchema {
  /** Such as `io.k8s.api.core.v1.Pod`. */
  readonly definition: string;
  readonly fields: ReadonlyMap<string, FieldSchema>;
  readonly mapType: MapType;
  /** For the types that are requests and answers of their own. */
  readonly groupVersionKind?: GroupVersionKind;
  /** The type is one of every group version: DeleteOptions, WatchEvent. */
  readonly inEveryGroup: boolean;
  /** What becomes of fields that the schema does not list. Built-in types always prune. */
  readonly unknownFields: 'prune' | 'preserve';
  /** As `x-kubernetes-unions` prints it; undefined for most. */
  readonly unions?: unknown;
}
