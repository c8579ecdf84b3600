import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mutations } from './mutations.ts';
import { conformanceRows } from './rows.ts';

const root = join(import.meta.dirname, '../..');

describe('mutations of the code', () => {
  test('have names of their own', () => {
    const names = mutations.map(({ name }) => name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  test.each(mutations)('$name: is found once in the code, and its rows have tests', ({ file, find, replace, rows }) => {
    expect(readFileSync(join(root, file), 'utf8').split(find)).toHaveLength(2);
    expect(replace).not.toBe(find);
    const known = new Set(conformanceRows().map(({ text }) => text));
    expect(rows.filter((text) => !known.has(text))).toEqual([]);
    expect(rows).not.toEqual([]);
  });
});
