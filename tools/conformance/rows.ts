/**
 * The rows of Kubernetes' conformance suite that tests of ours stand for. A test says which by where it is and what it is called: the files
 * `test/conformance/<area>.test.ts` and `<area>.<part>.test.ts` hold the area's tests, and each bears the exact text of its row. Where the suite gives several rows of
 * an area one text, all of our tests but one add in parentheses what tells them apart: `Networking, from node (udp)`.
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
/** What comes after an area in a file's name. */
const afterArea = /(?:\.\w+)?\.test\.ts$/;
/** The name of a test, alone on its line with the call. */
const testCall = /^\s*test(?:\.\w+)?\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/gm;

/** Every row that has a test, in the order of areas and texts. */
export function conformanceRows(): ConformanceRow[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(suffix));
  const rows = files.flatMap((name) => {
    const path = join(folder, name);
    const texts = testNames(readFileSync(path, 'utf8'));
    return texts.map((text) => ({ area: name.replace(afterArea, ''), text, file: relative(root, path) }));
  });
  return rows.sort((a, b) => compare(a.area, b.area) || compare(a.text, b.text));
}

/** Names of the tests of a file's text. */
export function testNames(source: string): string[] {
  return [...source.matchAll(testCall)].map(([, single, double]) => (single ?? double ?? '').replace(/\\(.)/g, '$1'));
}

/**
 * Which of `rows` stand for no published row: their text is not one of the area's, or bears a note where the text belongs to one row only, or
 * there are more of them than published rows of that text.
 * @param published area and text of each row, a row as often as it is published
 */
export function unpublishedRows(
  rows: readonly Pick<ConformanceRow, 'area' | 'text'>[],
  published: readonly Pick<ConformanceRow, 'area' | 'text'>[],
): string[] {
  const left = new Map<string, number>();
  const keyOf = (area: string, text: string): string => `${area}: ${text}`;
  for (const { area, text } of published) left.set(keyOf(area, text), (left.get(keyOf(area, text)) ?? 0) + 1);
  const twins = new Set([...left].filter(([, count]) => count > 1).map(([key]) => key));
  return rows.flatMap(({ area, text }) => {
    const exact = keyOf(area, text);
    const key = left.has(exact) ? exact : keyOf(area, withoutNote(text));
    const count = left.get(key) ?? 0;
    if (count === 0 || (key !== exact && !twins.has(key))) return [exact];
    left.set(key, count - 1);
    return [];
  });
}

/** Without what is said in parentheses at its end. */
function withoutNote(text: string): string {
  return text.replace(/ \([^()]+\)$/, '');
}

/** `docs/conformance.md`: one line a row. */
export function conformancePage(rows: readonly ConformanceRow[]): string {
  return [
    '# Conformance',
    '',
    "Kubernetes' conformance suite describes each of its tests in a line. Here is which of them a test of this project stands for, by the",
    'exact text of that line; each runs against a real cluster. Of tests that share a line all but one add in parentheses what tells them',
    'apart. Written by `npm run conformance` from the names of the tests.',
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
