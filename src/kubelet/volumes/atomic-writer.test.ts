import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FileContent, writeAtomically } from './atomic-writer.ts';

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'kubelet-writer-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);

function payload(files: Readonly<Record<string, string>>, mode = 0o644): Map<string, FileContent> {
  return new Map(Object.entries(files).map(([path, text]) => [path, { data: Buffer.from(text), mode }]));
}

function write(files: Readonly<Record<string, string>>, mode?: number): boolean {
  return writeAtomically({ directory, payload: payload(files, mode), nowMs });
}

/** What a container sees: every file below the volume, without the names that begin with two dots. */
function visible(base = directory, prefix = ''): Record<string, string> {
  const seen: Record<string, string> = {};
  for (const name of readdirSync(base).sort()) {
    if (prefix === '' && name.startsWith('..')) continue;
    const path = join(base, name);
    if (statSync(path).isDirectory()) Object.assign(seen, visible(path, `${prefix}${name}/`));
    else seen[prefix + name] = readFileSync(path, 'utf8');
  }
  return seen;
}

describe('an atomic write', () => {
  it('lays files out as upstream does', () => {
    expect(write({ a: '1', 'dir/b': '2' })).toBe(true);
    const names = readdirSync(directory).sort();
    const version = names.find((name) => name.startsWith('..2026_01_02_03_04_05.'))!;
    expect(names).toEqual([version, '..data', 'a', 'dir'].sort());
    expect(readlinkSync(join(directory, '..data'))).toBe(version);
    expect(readlinkSync(join(directory, 'a'))).toBe('..data/a');
    expect(readlinkSync(join(directory, 'dir'))).toBe('..data/dir');
    expect(statSync(join(directory, version)).mode & 0o777).toBe(0o755);
    expect(visible()).toEqual({ a: '1', 'dir/b': '2' });
  });

  it('gives files their mode whatever the umask', () => {
    const umask = process.umask(0o077);
    try {
      write({ a: '1', 'dir/b': '2' }, 0o666);
    } finally {
      process.umask(umask);
    }
    expect(statSync(join(directory, 'a')).mode & 0o777).toBe(0o666);
    expect(statSync(join(directory, 'dir')).mode & 0o777).toBe(0o755);
  });

  it('does nothing when nothing changed', () => {
    write({ a: '1' });
    const before = readlinkSync(join(directory, '..data'));
    expect(write({ a: '1' })).toBe(false);
    expect(readlinkSync(join(directory, '..data'))).toBe(before);
  });

  it.each<[string, Record<string, string>, Record<string, string>]>([
    ['a changed file', { a: '1', b: '2' }, { a: '1', b: '3' }],
    ['a new file', { a: '1' }, { a: '1', b: '2' }],
    ['a removed file', { a: '1', b: '2' }, { a: '1' }],
    ['a removed directory', { a: '1', 'd/x': '2', 'd/y': '3' }, { a: '1' }],
    ['a removed file of a directory', { 'd/x': '2', 'd/y': '3' }, { 'd/x': '2' }],
    ['a file that becomes a directory', { a: '1' }, { 'a/b': '2' }],
    ['a directory that becomes a file', { 'a/b': '2' }, { a: '1' }],
    ['everything removed', { a: '1', 'd/x': '2' }, {}],
    ['the first files of an empty volume', {}, { a: '1' }],
  ])('replaces %s as one and keeps one version', (_what, before, after) => {
    write(before);
    const old = readlinkSync(join(directory, '..data'));
    expect(write(after)).toBe(true);
    expect(visible()).toEqual(after);
    expect(existsSync(join(directory, old))).toBe(false);
    expect(readdirSync(directory).filter((name) => name.startsWith('..2026'))).toHaveLength(1);
  });

  it('repairs links that a kill left out, and removes what it left behind', () => {
    write({ a: '1' });
    unlinkSync(join(directory, 'a'));
    expect(write({ a: '1' })).toBe(false);
    expect(visible()).toEqual({ a: '1' });
    symlinkSync('nowhere', join(directory, '..data_tmp'));
    expect(write({ a: '2' })).toBe(true);
    expect(lstatSync(join(directory, '..data_tmp'), { throwIfNoEntry: false })).toBeUndefined();
  });

  it('leaves the old version when the new one cannot be prepared', () => {
    write({ a: '1' });
    const prepare = (): void => {
      throw new Error('no such group');
    };
    expect(() => writeAtomically({ directory, payload: payload({ a: '2' }), nowMs, prepare })).toThrow('no such group');
    expect(visible()).toEqual({ a: '1' });
    expect(readdirSync(directory).filter((name) => name.startsWith('..2026'))).toHaveLength(1);
  });

  it.each([
    ['', 'invalid path: must not be empty: ""'],
    ['/abs', 'invalid path: must be relative path: /abs'],
    ['a/../b', "invalid path: must not contain '..': a/../b"],
    ['..', "invalid path: must not contain '..': .."],
    ['..data', "invalid path: must not start with '..': ..data"],
    ['x'.repeat(256), 'invalid path: filenames must be less than or equal to 255 characters'],
    ['x/'.repeat(2049), 'invalid path: must be less than or equal to 4096 characters'],
  ])('refuses the path %j', (path, message) => {
    expect(() => write({ [path]: '1' })).toThrow(message);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('ends in exactly the last payload whatever came before', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd/x', 'd/y', 'e/f/g');
    const state = fc.dictionary(name, fc.string({ maxLength: 5 }), { noNullPrototype: true });
    fc.assert(
      fc.property(fc.array(state, { minLength: 1, maxLength: 6 }), (states) => {
        for (const each of states) write(each);
        expect(visible()).toEqual(states.at(-1));
      }),
      { numRuns: 60 },
    );
  });
});
