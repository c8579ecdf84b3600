/** In what OpenAPI 2 and 3 differ when they describe a type: where definitions stand, and what a special type may be. */
import type { JsonObject } from '../object.ts';
import type { SpecialType } from '../schema/index.ts';

export interface Dialect {
  /** What a reference starts with. */
  readonly references: string;
  /** A reference that says more: OpenAPI 2 allows it beside `$ref`, 3 only around it. */
  readonly referenceWith: (reference: string, rest: JsonObject) => JsonObject;
  readonly special: (special: SpecialType) => JsonObject;
}

const anything: JsonObject = {};
const anyObject: JsonObject = { type: 'object' };
const time: JsonObject = { type: 'string', format: 'date-time' };

function commonSpecial(special: SpecialType): JsonObject {
  switch (special) {
    case 'Time':
    case 'MicroTime':
      return time;
    case 'RawExtension':
    case 'FieldsV1':
    case 'Patch':
      return anyObject;
    default:
      return anything;
  }
}

export const openApi2: Dialect = {
  references: '#/definitions/',
  referenceWith: (reference, rest) => ({ $ref: reference, ...rest }),
  special: (special) => {
    if (special === 'Quantity') return { type: 'string' };
    if (special === 'IntOrString') return { type: 'string', format: 'int-or-string' };
    return commonSpecial(special);
  },
};

export const openApi3: Dialect = {
  references: '#/components/schemas/',
  referenceWith: (reference, rest) => (Object.keys(rest).length === 0 ? { $ref: reference } : { allOf: [{ $ref: reference }], ...rest }),
  special: (special) => {
    if (special === 'Quantity') return { oneOf: [{ type: 'string' }, { type: 'number' }] };
    if (special === 'IntOrString') return { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] };
    return commonSpecial(special);
  },
};
