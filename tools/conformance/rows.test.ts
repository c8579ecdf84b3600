import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { conformancePage, conformanceRows, testNames } from './rows.ts';

const root = join(import.meta.dirname, '../..');
const published = join(root, '../shared/data/conformance.tsv');

describe('the rows of conformance', () => {
  const rows = conformanceRows();

  test('are listed in docs/conformance.md as the tests stand (else: npm run conformance)', () => {
    expect(readFileSync(join(root, 'docs/conformance.md'), 'utf8')).toBe(conformancePage(rows));
  });

  test('each have one test', () => {
    const names = rows.map(({ area, text }) => `${area}: ${text}`);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test.skipIf(!existsSync(published))('bear the published texts', () => {
    const known = new Set(
      readFileSync(published, 'utf8')
        .split('\n')
        .map((line) => line.split('\t').slice(0, 2).join(': ')),
    );
    expect(rows.map(({ area, text }) => `${area}: ${text}`).filter((name) => !known.has(name))).toEqual([]);
  });

  test('are found in a file by the calls of test', () => {
    expect(testNames(`test('a, b', …); test.each\n  test("it's",\n    test('two  blanks',\n  test('don\\'t',`)).toEqual([
      'a, b',
      "it's",
      'two  blanks',
      "don't",
    ]);
  });
});
