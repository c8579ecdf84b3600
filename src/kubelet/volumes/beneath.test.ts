import { constants, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../base/index.ts';
import { makeDirectoriesBeneath, O_PATH, openBeneath, UnsafePathError, withDescriptor } from './beneath.ts';

let base: string;
let outside: string;

beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), 'kubelet-beneath-'));
  base = join(root, 'base');
  outside = join(root, 'outside');
  mkdirSync(join(base, 'd/e'), { recursive: true });
  mkdirSync(outside);
  writeFileSync(join(base, 'd/e/file'), 'inside');
  writeFileSync(join(outside, 'file'), 'outside');
  symlinkSync(outside, join(base, 'link'));
  symlinkSync(join(outside, 'file'), join(base, 'd/filelink'));
});
afterEach(() => rmSync(join(base, '..'), { recursive: true }));

const read = (path: string): string =>
  withDescriptor(openBeneath(base, path, constants.O_RDONLY), (descriptor) => readFileSync(descriptor, 'utf8'));

describe('opening beneath a directory', () => {
  it.each(['d/e/file', 'd//e/./file', './d/e/file'])('opens %s', (path) => {
    expect(read(path)).toBe('inside');
  });

  it.each(['link/file', 'd/filelink', 'link', '../outside/file', 'd/../../outside/file', '/etc/passwd', 'd/e/file/x'])(
    'refuses %s',
    (path) => {
      expect(() => read(path)).toThrow(UnsafePathError);
    },
  );

  it('refuses a link also when only its place is named', () => {
    expect(() => openBeneath(base, 'd/filelink', O_PATH)).toThrow(UnsafePathError);
  });

  it('does not wait for a pipe', async () => {
    await run(['mkfifo', join(base, 'pipe')]);
    withDescriptor(openBeneath(base, 'pipe', constants.O_RDONLY), (descriptor) => expect(descriptor).toBeGreaterThan(2));
  });

  it('tells what is not there by the system error', () => {
    expect(() => read('d/none')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });
});

describe('making directories beneath a directory', () => {
  it('gives new ones the mode and leaves old ones', () => {
    makeDirectoriesBeneath(base, 'd/new/deep', 0o2775);
    expect(statSync(join(base, 'd/new/deep')).mode & 0o7777).toBe(0o2775);
    expect(statSync(join(base, 'd/new')).mode & 0o7777).toBe(0o2775);
    expect(statSync(join(base, 'd')).mode & 0o7777).not.toBe(0o2775);
  });

  it('makes nothing behind a link', () => {
    expect(() => makeDirectoriesBeneath(base, 'link/new', 0o755)).toThrow(UnsafePathError);
    expect(statSync(join(outside, 'new'), { throwIfNoEntry: false })).toBeUndefined();
  });
});
