import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLogger, systemClock } from '../base/index.ts';
import { clusterPaths } from './home.ts';
import { withClusterLock } from './locks.ts';

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'knarr-locks-'))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

const ctx = { signal: new AbortController().signal, log: silentLogger };

test('the second waits for the first, and says for whom', async () => {
  const paths = clusterPaths(home, 'one');
  const happened: string[] = [];
  const waiting = { clock: systemClock, say: (line: string) => void happened.push(line) };
  const gate = Promise.withResolvers<void>();
  const first = withClusterLock(paths, waiting, ctx, async () => {
    await gate.promise;
    happened.push('first');
  });
  const second = withClusterLock(paths, waiting, ctx, () => Promise.resolve(happened.push('second')));
  gate.resolve();
  await Promise.all([first, second]);
  expect(happened).toEqual([`waiting for another knarr (pid ${process.pid}) to finish`, 'first', 'second']);
});

test('whoever waited for a delete gets a fresh directory', async () => {
  const paths = clusterPaths(home, 'one');
  const waiting = { clock: systemClock, say: () => {} };
  const deletion = withClusterLock(paths, waiting, ctx, () => Promise.resolve(renameSync(paths.root, join(home, 'deleted'))));
  await withClusterLock(paths, waiting, ctx, () => Promise.resolve());
  await deletion;
});

test('a lock is given back when the work fails, and waiting ends with the signal', async () => {
  const paths = clusterPaths(home, 'one');
  const waiting = { clock: systemClock, say: () => {} };
  await expect(withClusterLock(paths, waiting, ctx, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  const abort = new AbortController();
  await withClusterLock(paths, waiting, ctx, async () => {
    const second = withClusterLock(paths, waiting, { ...ctx, signal: abort.signal }, () => Promise.resolve());
    abort.abort(new Error('enough'));
    await expect(second).rejects.toThrow('enough');
  });
});
