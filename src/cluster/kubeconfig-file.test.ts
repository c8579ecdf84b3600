import { lstatSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { afterEach, expect, test } from 'vitest';
import { addContext, removeContext, withContext, withoutContext } from './kubeconfig-file.ts';

const own = {
  clusters: [{ name: 'x', cluster: { server: 'https://127.0.0.1:6443' } }],
  users: [{ name: 'y', user: { token: 't' } }],
  contexts: [],
};
const foreign = {
  clusters: [{ name: 'office', cluster: {} }],
  users: [{ name: 'me', user: {} }],
  contexts: [{ name: 'work', context: {} }],
  'current-context': 'work',
  preferences: { colors: true },
};
const directories: string[] = [];
const scratch = (): string => directories[directories.push(mkdtempSync(join(tmpdir(), 'knarr-kubeconfig-'))) - 1]!;
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

test('the new context becomes current and others stay untouched', () => {
  const merged = withContext(foreign, 'demo', own);
  expect(merged['current-context']).toBe('knarr-demo');
  expect(merged.clusters).toEqual([foreign.clusters[0], { name: 'knarr-demo', cluster: own.clusters[0]!.cluster }]);
  expect(merged.contexts).toEqual([foreign.contexts[0], { name: 'knarr-demo', context: { cluster: 'knarr-demo', user: 'knarr-demo' } }]);
  expect(merged['preferences']).toEqual({ colors: true });
});

test('adding twice leaves one entry, removing leaves none', () => {
  const twice = withContext(withContext(foreign, 'demo', own), 'demo', own);
  expect(twice.clusters).toHaveLength(2);
  expect(withoutContext(twice, 'demo')).toEqual({ ...foreign, apiVersion: 'v1', kind: 'Config', 'current-context': '' });
});

test('a file is made private, keeps what it held, and is written whole', async () => {
  const path = join(scratch(), 'deep', 'config');
  const env = { KUBECONFIG: `${path}:/elsewhere`, HOME: '/nonexistent' };
  expect(await addContext('demo', JSON.stringify(own), env)).toBe(path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await addContext('second', JSON.stringify(own), env);
  await removeContext('demo', env);
  expect(contextsIn(path)).toEqual(['knarr-second']);
});

test('an empty file is an empty kubeconfig', async () => {
  const path = join(scratch(), 'config');
  writeFileSync(path, '');
  await addContext('demo', JSON.stringify(own), { KUBECONFIG: path });
  expect(readFileSync(path, 'utf8')).toContain('current-context: knarr-demo');
});

test('a link stays a link', async () => {
  const directory = scratch();
  writeFileSync(join(directory, 'real'), '');
  symlinkSync('real', join(directory, 'config'));
  await addContext('demo', JSON.stringify(own), { KUBECONFIG: join(directory, 'config') });
  expect(lstatSync(join(directory, 'config')).isSymbolicLink()).toBe(true);
  expect(contextsIn(join(directory, 'real'))).toEqual(['knarr-demo']);
});

test('two who write at the same moment both get in', async () => {
  const path = join(scratch(), 'config');
  await Promise.all(['one', 'two', 'three'].map((name) => addContext(name, JSON.stringify(own), { KUBECONFIG: path })));
  expect(contextsIn(path).toSorted()).toEqual(['knarr-one', 'knarr-three', 'knarr-two']);
});

test('somebody else who keeps the lock is named', async () => {
  const path = join(scratch(), 'config');
  writeFileSync(`${path}.lock`, '');
  await expect(addContext('demo', JSON.stringify(own), { KUBECONFIG: path })).rejects.toThrow(`${path}.lock exists`);
});

function contextsIn(path: string): string[] {
  return (load(readFileSync(path, 'utf8')) as { contexts: { name: string }[] }).contexts.map(({ name }) => name);
}
