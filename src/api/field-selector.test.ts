import { expect, test } from 'vitest';
import { escapeFieldValue, parseFieldSelector } from './field-selector.ts';
import { SelectorError } from './label-selector.ts';

test.each([
  ['', []],
  ['a=b', [{ field: 'a', operator: '=', value: 'b' }]],
  ['a==b', [{ field: 'a', operator: '=', value: 'b' }]],
  ['a!=b', [{ field: 'a', operator: '!=', value: 'b' }]],
  ['a=', [{ field: 'a', operator: '=', value: '' }]],
  [
    'metadata.name=x,status.phase!=Running',
    [
      { field: 'metadata.name', operator: '=', value: 'x' },
      { field: 'status.phase', operator: '!=', value: 'Running' },
    ],
  ],
  ['a=b\\,c', [{ field: 'a', operator: '=', value: 'b,c' }]],
  ['a=b\\=c\\\\', [{ field: 'a', operator: '=', value: 'b=c\\' }]],
  [
    'b=1,a=2',
    [
      { field: 'a', operator: '=', value: '2' },
      { field: 'b', operator: '=', value: '1' },
    ],
  ],
  ['a\\=b', [{ field: 'a\\', operator: '=', value: 'b' }]],
  ['!=', []],
  [',a=b,', [{ field: 'a', operator: '=', value: 'b' }]],
])('%s is read', (text, expected) => expect(parseFieldSelector(text).requirements).toEqual(expected));

test.each([
  ['abc', "invalid selector: 'abc'; can't understand 'abc'"],
  ['a=\\x,b', 'invalid field selector: invalid escape sequence: \\x'],
  ['a=b,c', "invalid selector: 'a=b,c'; can't understand 'c'"],
  ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
  ['a=\\x', 'invalid field selector: invalid escape sequence: \\x'],
])('%s is refused', (text, message) => expect(() => parseFieldSelector(text)).toThrow(new SelectorError(message)));

test('every requirement holds', () => {
  const pod: Record<string, string> = { 'spec.nodeName': 'n1', 'status.phase': 'Running' };
  const read = (field: string): string => pod[field] ?? '';
  expect(parseFieldSelector('spec.nodeName=n1,status.phase!=Failed').matches(read)).toBe(true);
  expect(parseFieldSelector('spec.nodeName=n1,status.phase=Failed').matches(read)).toBe(false);
  expect(parseFieldSelector('spec.nodeName!=').matches(read)).toBe(true);
  expect(parseFieldSelector('').isEverything).toBe(true);
  expect(parseFieldSelector('spec.nodeName=n1').requiredValue('spec.nodeName')).toBe('n1');
  expect(parseFieldSelector('spec.nodeName!=n1').requiredValue('spec.nodeName')).toBeUndefined();
});

test('a value is escaped so that it reads back', () => {
  const value = 'a=b,c\\d';
  expect(parseFieldSelector(`x=${escapeFieldValue(value)}`).requiredValue('x')).toBe(value);
  expect(parseFieldSelector('x=a\\,b').toString()).toBe('x=a\\,b');
});
