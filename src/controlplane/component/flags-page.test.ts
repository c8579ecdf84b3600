import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { controllerManagerFlags } from '../controller-manager/index.ts';
import { schedulerFlags } from '../scheduler/index.ts';
import { componentFlags } from './component-flags.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/controller-manager.md'), 'utf8');

/** The flags that the tables of a section name in their first cells. */
function namedUnder(heading: string): string[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(heading)) ?? '';
  const firstCells = [...section.matchAll(/^\| (`.*?`) \|/gm)].map((match) => match[1]!);
  return firstCells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]!)).toSorted();
}

const isShared = (name: string): boolean => Object.hasOwn(componentFlags, name);
const own = (table: object): string[] =>
  Object.keys(table)
    .filter((name) => !isShared(name))
    .toSorted();

test.each([
  ['Flags of both', Object.keys(componentFlags).toSorted()],
  ['Flags of the controller manager', own(controllerManagerFlags)],
  ['Flags of the scheduler', own(schedulerFlags)],
])('docs/controller-manager.md names under "%s" every flag that is taken, and no other', (heading, flags) => {
  expect(namedUnder(heading)).toEqual(flags);
});
