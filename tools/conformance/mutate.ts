/**
 * `npm run conformance:mutate`: turns off one feature after the other in a copy of the checkout and shows that the rows which stand for it
 * go red. A row that stays green tests nothing. Exit code 1 when one does, when a row was red before, or when a run breaks
 * down altogether.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Mutation } from './mutation.ts';
import { mutations } from './mutations.ts';
import { conformanceRows } from './rows.ts';

const root = join(import.meta.dirname, '../..');
const copied = [
  'bin',
  'src',
  'test',
  'tools',
  'examples',
  'docs',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'vitest.config.ts',
];

interface Verdict {
  /** The cluster did not come up, or no test ran: it says nothing about the rows. */
  readonly brokeDown: boolean;
  readonly green: readonly string[];
  readonly red: readonly string[];
}

function main(): void {
  const wanted = process.argv.slice(2);
  const chosen = mutations.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  const copy = mkdtempSync(join(tmpdir(), 'knarr-mutate-'));
  try {
    for (const name of copied) cpSync(join(root, name), join(copy, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    // The first cluster of a copy makes what later ones find.
    report('as it is', runRows(copy, [...new Set(chosen.flatMap(({ rows }) => rows))]), 'green');
    for (const mutation of chosen) report(mutation.name, withMutation(copy, mutation), 'red');
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Applies the mutation, runs its rows, and takes it back. @throws Error when the code no longer holds what the mutation changes */
function withMutation(copy: string, { name, file, find, replace, rows }: Mutation): Verdict {
  const path = join(copy, file);
  const source = readFileSync(path, 'utf8');
  const parts = source.split(find);
  if (parts.length !== 2) throw new Error(`${name}: ${file} holds ${JSON.stringify(find)} ${parts.length - 1} times, not once`);
  writeFileSync(path, parts.join(replace));
  try {
    return runRows(copy, rows);
  } finally {
    writeFileSync(path, source);
  }
}

/** @param texts of rows */
function runRows(copy: string, texts: readonly string[]): Verdict {
  const rows = conformanceRows().filter(({ text }) => texts.includes(text));
  const unknown = texts.filter((text) => !rows.some((row) => row.text === text));
  if (unknown.length > 0) throw new Error(`no such row: ${unknown.join('; ')}`);
  const output = join(copy, 'verdict.json');
  rmSync(output, { force: true });
  const files = [...new Set(rows.map(({ file }) => file))];
  const pattern = `(${texts.map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})$`;
  const vitest = join(root, 'node_modules/.bin/vitest');
  const args = ['run', '--project', 'e2e', '--reporter=json', `--outputFile=${output}`, '-t', pattern, ...files];
  spawnSync(vitest, args, {
    cwd: copy,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 600_000,
    env: { ...process.env, KNARR_TEST_PATIENCE_MS: '10000' },
  });
  const passed = passedTitles(output);
  if (!passed) return { brokeDown: true, green: [], red: [] };
  return { brokeDown: false, green: texts.filter((text) => passed.has(text)), red: texts.filter((text) => !passed.has(text)) };
}

function passedTitles(output: string): ReadonlySet<string> | undefined {
  let text: string;
  try {
    text = readFileSync(output, 'utf8');
  } catch {
    return undefined;
  }
  const { testResults } = JSON.parse(text) as {
    testResults: readonly { assertionResults: readonly { title: string; status: string }[] }[];
  };
  if (testResults.length === 0) return undefined;
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  return new Set(results.filter(({ status }) => status === 'passed').map(({ title }) => title));
}

function report(name: string, { brokeDown, green, red }: Verdict, expected: 'green' | 'red'): void {
  if (brokeDown) {
    process.stdout.write(`BAD  ${name}: the run broke down\n`);
    process.exitCode = 1;
    return;
  }
  const wrong = expected === 'red' ? green : red;
  process.stdout.write(`${wrong.length === 0 ? 'ok  ' : 'BAD '} ${name}: ${green.length} green, ${red.length} red\n`);
  for (const text of wrong) process.stdout.write(`       stayed ${expected === 'red' ? 'green' : 'red'}: ${text}\n`);
  if (wrong.length > 0) process.exitCode = 1;
}

main();
