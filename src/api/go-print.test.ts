import { expect, test } from 'vitest';
import { goPrint, goSyntax } from './go-print.ts';
import type { JsonValue } from './object.ts';

test.each([
  [
    { image: 'nginx', ports: [80, 443] },
    'map[image:nginx ports:[80 443]]',
    'map[string]interface {}{"image":"nginx", "ports":[]interface {}{80, 443}}',
  ],
  [null, '<nil>', 'interface {}(nil)'],
  ['a"b', 'a"b', '"a\\"b"'],
])('%j is printed as Go prints it', (value, plain, syntax) => {
  expect([goPrint(value), goSyntax(value)]).toEqual([plain, syntax]);
});

test('what is nested without end is printed as far as the stack goes', () => {
  let list: JsonValue = 0;
  let map: JsonValue = 0;
  for (let i = 0; i < 10_000; i++) [list, map] = [[list], { a: map }];
  for (const text of [goPrint(list), goPrint(map), goSyntax(list), goSyntax(map)]) expect(text).toContain('...');
});
