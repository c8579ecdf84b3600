/**
 * The rows of Kubernetes' conformance suite that tests of ours stand for. A test says which by where it is and what it is called: the file
 * `test/conformance/<area>.test.ts` holds the area's tests, and each bears the exact text of its row.
 */
import { readFileSync } from 'node:fs';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

export interface ConformanceRow {
  readonly area: string;
  readonly text: string;
  /** Below the root of the project. */
  readonly file: string;
}

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'test/conformance');
const suffix = '.test.ts';
/** The name of a test, alone on its line with the call. */
const testCall = /^\s*test(?:\.\w+)?\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/gm;

/** Every row that has a test, in the order of areas and texts. */
export function conformanceRows(): ConformanceRow[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(suffix));
  const rows = files.flatMap((name) => {
    const path = join(folder, name);
    const texts = testNames(readFileSync(path, 'utf8'));
    return texts.map((text) => ({ area: name.slice(0, -suffix.length), text, file: relative(root, path) }));
  });
  return rows.sort((a, b) => compare(a.area, b.area) || compare(a.text, b.text));
}

/** Names of the tests of a file's text. */
export function testNames(source: string): string[] {
  return [...source.matchAll(testCall)].map(([, single, double]) => (single ?? double ?? '').replace(/\\(.)/g, '$1'));
}

/** `docs/conformance.md`: one line a row. */
export function conformancePage(rows: readonly ConformanceRow[]): string {
  return [
    '# Conformance',
    '',
    "Kubernetes' conformance suite describes each of its tests in a line. Here is which of them a test of this project stands for, by the",
    'exact text of that line; each runs against a real cluster. Written by `npm run conformance` from the names of the tests.',
    '',
    '| area | test | file |',
    '|---|---|---|',
    ...rows.map(({ area, text, file }) => `| ${area} | ${text.replaceAll('|', '\\|')} | ${file} |`),
    '',
  ].join('\n');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
