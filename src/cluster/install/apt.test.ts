/** Installing with a package manager that the test plays: a script on PATH, and packages made here. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findProgram, type Requirement } from '../engine/programs.ts';
import { installMissing } from './install.ts';

const program = 'knarr-test-engine';
const needed: Requirement = { program, package: 'test-engine', purpose: 'the container engine' };
const hasDpkg = existsSync('/usr/bin/dpkg-deb');

let scratch: string;
let pathBefore: string | undefined;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'knarr-apt-'));
  mkdirSync(join(scratch, 'bin'));
  pathBefore = process.env['PATH'];
  process.env['PATH'] = `${join(scratch, 'bin')}:${pathBefore}`;
});
afterEach(() => {
  process.env['PATH'] = pathBefore;
  rmSync(scratch, { recursive: true });
});

/** A package manager that notes its calls and does `body`. */
function playApt(body: string): void {
  writeFileSync(join(scratch, 'bin/apt-get'), `#!/bin/sh\necho "$@" >> '${scratch}/calls'\n${body}\n`, { mode: 0o755 });
}

const calls = (): string[] => readFileSync(join(scratch, 'calls'), 'utf8').trim().split('\n');

async function install(): Promise<string[]> {
  const said: string[] = [];
  await installMissing({
    home: join(scratch, 'home'),
    needed: [needed],
    signal: new AbortController().signal,
    say: (line) => said.push(line),
    env: {},
    isRoot: true,
  });
  return said;
}

const providesIt = (): string => `printf '#!/bin/sh\\n' > '${scratch}/bin/${program}'; chmod +x '${scratch}/bin/${program}'`;

describe.skipIf(process.getuid?.() !== 0)('installing with apt', () => {
  test('removes nothing, recommends nothing, and says what comes and why', async () => {
    playApt(`[ "$1" = install ] && { ${providesIt()}; }`);
    const said = await install();
    expect(calls()).toEqual(['install -y -q --no-remove --no-install-recommends test-engine']);
    expect(said.join('\n')).toContain(`${program} the container engine (package test-engine)`);
  });

  test('fetches the lists when the first try fails', async () => {
    playApt(`case "$1" in update) touch '${scratch}/updated' ;; install) [ -e '${scratch}/updated' ] || exit 100; ${providesIt()} ;; esac`);
    await install();
    expect(calls().map((call) => call.split(' ')[0])).toEqual(['install', 'update', 'install']);
  });

  test.skipIf(!hasDpkg)('what needs a removal is unpacked under the home instead', async () => {
    const root = join(scratch, 'package');
    mkdirSync(join(root, 'DEBIAN'), { recursive: true });
    mkdirSync(join(root, 'usr/bin'), { recursive: true });
    writeFileSync(
      join(root, 'DEBIAN/control'),
      'Package: test-engine\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.com>\nDescription: test\n',
    );
    writeFileSync(join(root, 'usr/bin', program), '#!/bin/sh\n', { mode: 0o755 });
    execFileSync('dpkg-deb', ['--build', root, join(scratch, 'test-engine.deb')], { stdio: 'ignore' });
    playApt(
      `case "$1" in install) echo 'E: Packages need to be removed but remove is disabled.' >&2; exit 100 ;; download) cp '${scratch}/test-engine.deb' . ;; esac`,
    );
    await install();
    expect(findProgram(program, join(scratch, 'home'))).toBe(join(scratch, 'home/tools/usr/bin', program));
  });

  test('tells what apt said when nothing helps', async () => {
    playApt("echo 'E: no network' >&2; exit 100");
    await expect(install()).rejects.toThrow('cannot install test-engine: E: no network');
  });
});
