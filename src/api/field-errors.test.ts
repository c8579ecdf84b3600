import { expect, test } from 'vitest';
import { duplicate, forbidden, internal, invalidValue, notFound, notSupported, required, tooLong, tooMany } from './field-errors.ts';
import { goJson, goQuote } from './go-text.ts';

test.each([
  [required('a', 'must be set'), 'FieldValueRequired', 'Required value: must be set'],
  [required('a'), 'FieldValueRequired', 'Required value'],
  [invalidValue('a', 'x"y', 'must be z'), 'FieldValueInvalid', 'Invalid value: "x\\"y": must be z'],
  [invalidValue('a', -1, 'must be greater'), 'FieldValueInvalid', 'Invalid value: -1: must be greater'],
  [invalidValue('a', true, 'no'), 'FieldValueInvalid', 'Invalid value: true: no'],
  [invalidValue('a', undefined, 'no'), 'FieldValueInvalid', 'Invalid value: "null": no'],
  [invalidValue('a', { matchLabels: { a: '<' } }, 'no'), 'FieldValueInvalid', 'Invalid value: {"matchLabels":{"a":"\\u003c"}}: no'],
  [invalidValue('a', ['x'], 'no'), 'FieldValueInvalid', 'Invalid value: ["x"]: no'],
  [notSupported('a', 'x', ['A', 'B']), 'FieldValueNotSupported', 'Unsupported value: "x": supported values: "A", "B"'],
  [duplicate('a', 'x'), 'FieldValueDuplicate', 'Duplicate value: "x"'],
  [notFound('a', 'x'), 'FieldValueNotFound', 'Not found: "x"'],
  [forbidden('a', 'not here'), 'FieldValueForbidden', 'Forbidden: not here'],
  [tooLong('a', 63), 'FieldValueTooLong', 'Too long: may not be more than 63 bytes'],
  [tooMany('a', 5, 3), 'FieldValueTooMany', 'Too many: 5: must have at most 3 items'],
  [internal('a', 'oops'), 'InternalError', 'Internal error: oops'],
])('a fault is the sentence that clients know', (fault, type, message) => expect(fault).toEqual({ type, field: 'a', message }));

test('text is quoted as Go does', () => {
  expect(goQuote('plain')).toBe('"plain"');
  expect(goQuote('a\tb\n"\\')).toBe('"a\\tb\\n\\"\\\\"');
  expect(goQuote('\x00\x7f')).toBe('"\\x00\\x7f"');
  expect(goQuote('grüße ☃')).toBe('"grüße ☃"');
  expect(goQuote('\u200b')).toBe('"\\u200b"');
  expect(goJson({ a: '&' })).toBe('{"a":"\\u0026"}');
});
