import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { flagTable } from './flag-table.ts';

test('docs/flags.md names every flag that is taken, and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/flags.md'), 'utf8');
  const firstCells = [...page.matchAll(/^\| (`.*?`) \|/gm)].map((match) => match[1]!);
  const named = firstCells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]!));
  expect(named.toSorted()).toEqual(Object.keys(flagTable).toSorted());
});
