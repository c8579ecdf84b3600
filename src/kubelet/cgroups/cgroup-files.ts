/** Reading, writing and removing cgroup directories, as both versions do it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import type { Clock } from '../../base/index.ts';

export function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENODEV';
}

/** Writes a control file; false when this kernel has no such file. */
export function writeControl(directory: string, file: string, value: number | string): boolean {
  try {
    writeFileSync(`${directory}/${file}`, String(value));
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

export function readControl(directory: string, file: string): string | undefined {
  try {
    return readFileSync(`${directory}/${file}`, 'utf8').trim();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export function makeGroup(directory: string): void {
  mkdirSync(directory, { recursive: true });
}

export function childGroups(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

const removalTries = 20;
const removalWaitMs = 10;

/**
 * Removes a group and those below. Processes in it are killed; they need a moment to leave.
 * @throws when it is still occupied after some 200 ms
 */
export async function removeGroup(directory: string, clock: Clock): Promise<void> {
  for (const child of childGroups(directory)) await removeGroup(`${directory}/${child}`, clock);
  const never = new AbortController().signal;
  for (let tries = 1; ; tries++) {
    try {
      rmdirSync(directory);
      return;
    } catch (error) {
      if (isMissing(error)) return;
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || tries === removalTries) throw error;
    }
    killAll(directory);
    await clock.sleep(removalWaitMs, never);
  }
}

function killAll(directory: string): void {
  for (const pid of (readControl(directory, 'cgroup.procs') ?? '').split('\n')) {
    if (pid === '' || pid === '0') continue;
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** `key value` lines of a stat file. */
export function statValue(directory: string, file: string, key: string): number | undefined {
  const line = readControl(directory, file)
    ?.split('\n')
    .find((each) => each.startsWith(`${key} `));
  return line === undefined ? undefined : Number(line.slice(key.length + 1));
}
