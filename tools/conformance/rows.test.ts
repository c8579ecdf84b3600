import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { conformancePage, conformanceRows, testNames, unpublishedRows } from './rows.ts';

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
    const known = readFileSync(published, 'utf8')
      .split('\n')
      .map((line) => line.split('\t'))
      .map(([area = '', text = '']) => ({ area, text }));
    expect(unpublishedRows(rows, known)).toEqual([]);
  });

  test.each<[string, string[], string[]]>([
    ['a text that is published', ['dns: DNS, services'], []],
    ['a text that is not', ['dns: DNS, other'], ['dns: DNS, other']],
    ['the text of another area', ['proxy: DNS, services'], ['proxy: DNS, services']],
    ['twins, of which one says what tells it apart', ['dns: DNS, cluster', 'dns: DNS, cluster (hosts file)'], []],
    ['twins that both say it', ['dns: DNS, cluster (names)', 'dns: DNS, cluster (hosts file)'], []],
    ['more tests than twins', ['dns: DNS, cluster', 'dns: DNS, cluster (a)', 'dns: DNS, cluster (b)'], ['dns: DNS, cluster (b)']],
    ['a note where there is no twin', ['dns: DNS, services (udp)'], ['dns: DNS, services (udp)']],
    ['a text that ends in parentheses by itself', ['dns: DNS, HostIP (0.0.0.0)'], []],
  ])('stand for a published row: %s', (_case, tests, wrong) => {
    const parse = (line: string): { area: string; text: string } => {
      const [area = '', text = ''] = line.split(': ');
      return { area, text };
    };
    const suite = ['dns: DNS, services', 'dns: DNS, cluster', 'dns: DNS, cluster', 'dns: DNS, HostIP (0.0.0.0)'];
    expect(unpublishedRows(tests.map(parse), suite.map(parse))).toEqual(wrong);
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
