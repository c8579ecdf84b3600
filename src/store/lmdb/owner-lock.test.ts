import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StoreInUseError } from '../errors.ts';
import { acquireOwnerLock } from './owner-lock.ts';

let directory: string;
let lockFile: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'knarr-store-lock-'));
  lockFile = join(directory, 'owner.lock');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** What this process writes into its lock, with fields changed. */
async function lockOf(changes: Readonly<Record<string, unknown>>): Promise<string> {
  const lock = await acquireOwnerLock(directory);
  const text = readFileSync(lockFile, 'utf8');
  lock[Symbol.dispose]();
  return JSON.stringify({ ...(JSON.parse(text) as object), ...changes });
}

test('a directory has one owner at a time, this process included, and the lock leaves nothing behind', async () => {
  const lock = await acquireOwnerLock(directory);
  await expect(acquireOwnerLock(directory)).rejects.toThrow(new StoreInUseError(directory, process.pid));
  expect(readdirSync(directory)).toEqual(['owner.lock']);
  lock[Symbol.dispose]();
  expect(readdirSync(directory)).toEqual([]);
  (await acquireOwnerLock(directory))[Symbol.dispose]();
});

test.each([
  ['of a pid that does not run', { pid: 2 ** 22 + 1 }],
  ['of an earlier process with the same pid', { startTime: '1' }],
  ['of an earlier boot', { bootId: 'another' }],
])('a lock %s is stale and taken over', async (_, changes) => {
  writeFileSync(lockFile, await lockOf(changes));
  const lock = await acquireOwnerLock(directory);
  expect(JSON.parse(readFileSync(lockFile, 'utf8'))).toMatchObject({ pid: process.pid });
  lock[Symbol.dispose]();
});

test('a file that names nobody is stale', async () => {
  writeFileSync(lockFile, 'not a lock');
  (await acquireOwnerLock(directory))[Symbol.dispose]();
  expect(existsSync(lockFile)).toBe(false);
});

test('a lock that was taken over is not removed by the one who lost it', async () => {
  const lost = await acquireOwnerLock(directory);
  writeFileSync(lockFile, '{"pid":1}');
  lost[Symbol.dispose]();
  expect(existsSync(lockFile)).toBe(true);
});

test('a live process keeps its lock until it is gone, down to its last thread', async () => {
  const script = `import(${JSON.stringify(new URL('owner-lock.ts', import.meta.url).href)})
    .then((m) => m.acquireOwnerLock(${JSON.stringify(directory)}))
    .then(() => { console.log('locked'); setInterval(() => {}, 1000); });`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  await expect(acquireOwnerLock(directory)).rejects.toMatchObject({ code: 'STORE_IN_USE', ownerPid: child.pid });
  child.kill('SIGKILL');
  // Its pipe closes while it is still ending: that is when a supervisor starts the next one.
  await once(child.stdout, 'close');
  (await acquireOwnerLock(directory))[Symbol.dispose]();
});
