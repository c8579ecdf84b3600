import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identityOf, lifeOf } from './process-identity.ts';
import { tryProcessLock } from './process-lock.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'knarr-process-lock-'));
  file = join(directory, 'lock');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('one holder at a time, named to whoever is refused; nothing is left behind', () => {
  const lock = tryProcessLock(file);
  expect(tryProcessLock(file)).toEqual({ held: false, holder: identityOf(process.pid), ending: false });
  expect(readdirSync(directory)).toEqual(['lock']);
  if (lock.held) lock[Symbol.dispose]();
  expect(readdirSync(directory)).toEqual([]);
});

test.each([
  ['another boot', { bootId: 'another' }],
  ['an earlier process of that pid', { startTime: '1' }],
  ['a pid that does not run', { pid: 2 ** 22 + 1 }],
])('what %s left is taken over', (_, changes) => {
  writeFileSync(file, JSON.stringify({ ...identityOf(process.pid), ...changes }));
  expect(tryProcessLock(file).held).toBe(true);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(identityOf(process.pid));
});

test('a process is running until it is killed, and gone when it is reaped', async () => {
  const child = spawn('sleep', ['100']);
  const identity = identityOf(child.pid!)!;
  expect(lifeOf(identity)).toBe('running');
  child.kill('SIGKILL');
  await once(child, 'close');
  expect(lifeOf(identity)).toBe('gone');
  expect(identityOf(child.pid!)).toBeUndefined();
});
