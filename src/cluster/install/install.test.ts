import { expect, test } from 'vitest';
import type { Requirement } from '../engine/programs.ts';
import { installMissing, missingReport } from './install.ts';

const engine: Requirement = { program: 'no-such-engine', package: 'containerd', purpose: 'the container engine' };
const facts = { missing: [engine], packages: ['containerd'], isRoot: true, apt: true, forbidden: false };

test.each([
  ['without root it gives the one sudo command', { isRoot: false }, 'sudo apt-get install --no-install-recommends containerd'],
  ['where installing is forbidden it says by what', { forbidden: true }, 'KNARR_NO_INSTALL=1 forbids installing'],
  ['without apt it names the packages', { apt: false }, "package manager (Debian's names): containerd"],
])('%s', (_name, change, expected) => {
  expect(missingReport({ ...facts, ...change })).toContain(expected);
});

test('nothing is asked of apt while installing is forbidden', async () => {
  const said: string[] = [];
  const options = {
    home: '/nonexistent',
    needed: [engine],
    signal: new AbortController().signal,
    say: (line: string) => said.push(line),
    env: { KNARR_NO_INSTALL: '1' },
  };
  await expect(installMissing(options)).rejects.toThrow('no-such-engine');
  expect(said).toEqual([]);
});

test('a machine that has everything is left alone', async () => {
  const shell: Requirement = { program: 'sh', package: 'dash', purpose: 'the shell' };
  await installMissing({ home: '/nonexistent', needed: [shell], signal: new AbortController().signal, say: () => expect.unreachable() });
});
