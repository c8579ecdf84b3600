/** The schema of every built-in type, and the decoder that follows it. */
export { definitionNames, definitionOfKind, reference, schemaOf, specialOf, UnknownDefinitionError } from './facts.ts';
export { goFieldOf, type GoField } from './go-fields.ts';
export type {
  DeclaredDefault,
  FieldSchema,
  GroupVersionKind,
  ListSchema,
  ListType,
  MapSchema,
  MapType,
  ObjectReferenceSchema,
  ObjectSchema,
  SpecialType,
  ValueSchema,
} from './object-schema.ts';
export { DecodeError } from './decode-state.ts';
export { decodeObject, decodeTree, strictDecodingError, type Decoded, type DecodeOptions, type FieldValidation } from './decode.ts';
