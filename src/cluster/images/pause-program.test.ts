import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pauseProgram } from './pause-program.ts';

test.skipIf(process.arch !== 'x64').each(['SIGTERM', 'SIGINT'] as const)('pause sleeps until %s and then ends with 0', async (signal) => {
  const directory = mkdtempSync(join(tmpdir(), 'knarr-pause-'));
  const file = join(directory, 'pause');
  writeFileSync(file, pauseProgram(), { mode: 0o755 });
  const child = spawn(file);
  await once(child, 'spawn');
  // It waits once it ignores SIGCHLD (bit 17 of the mask in its status) and sleeps.
  const status = (): string => readFileSync(`/proc/${child.pid}/status`, 'utf8');
  await expect.poll(() => /^State:\s*S/m.test(status()) && /^SigIgn:\s*0*10000$/m.test(status())).toBe(true);
  child.kill(signal);
  expect(await once(child, 'exit')).toEqual([0, null]);
  rmSync(directory, { recursive: true });
});

test('an architecture without a pause program is refused by name', () => {
  expect(() => pauseProgram('riscv64')).toThrow('not supported: there is no pause program for riscv64');
});
