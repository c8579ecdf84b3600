import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createLogger } from './logger.ts';
import { ProcessError } from './process.ts';

const directory = mkdtempSync(join(tmpdir(), 'knarr-logger-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function logged(err: unknown): Record<string, unknown> {
  const path = join(directory, String(Math.random()));
  createLogger({ component: 'test', fd: openSync(path, 'w') }).warn('something happened', { err, more: 1 });
  return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
}

test('a line says when, what, by whom and with which fields', () => {
  expect(logged(undefined)).toMatchObject({ level: 'warn', component: 'test', msg: 'something happened', more: 1 });
});

test('a foreseen error is told by its message, with its cause', () => {
  const error = new ProcessError(['nft'], 1, 'no such table', { cause: new Error('the kernel said so') });
  expect(logged(error)['err']).toEqual({ type: 'ProcessError', message: 'nft: exit code 1: no such table: the kernel said so' });
});

test('a bug is told with where it was', () => {
  expect(logged(new TypeError('x is undefined'))['err']).toMatchObject({
    type: 'TypeError',
    stack: expect.stringContaining('logger.test'),
  });
});
