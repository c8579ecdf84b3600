/**
 * One process owns a store directory. The lock is a file that names its owner by pid, start time and boot id, so that a lock left
 * by a process that was killed, or by another boot, or whose pid is somebody else's by now, is known to be stale and taken over.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StoreInUseError } from '../errors.ts';

interface Owner {
  readonly pid: number;
  /** Clock ticks since boot at which the process began. */
  readonly startTime: string;
  readonly bootId: string;
}

/** How often a lock that vanishes or changes while it is looked at is looked at again. */
const maxAttempts = 10;

/**
 * Takes the lock of `directory`; `Symbol.dispose` gives it back.
 * @throws StoreInUseError when a live process (this one included) has it
 */
export function acquireOwnerLock(directory: string): Disposable {
  const lock = join(directory, 'owner.lock');
  const mine = join(directory, `owner.lock.${process.pid}`);
  const text = JSON.stringify({ pid: process.pid, startTime: startTime(process.pid)!, bootId: bootId() } satisfies Owner);
  writeFileSync(mine, text, { mode: 0o600 });
  try {
    for (let attempt = 0; ; attempt++) {
      // A link is made whole or not at all, and fails when the name is taken.
      if (succeeds('EEXIST', () => linkSync(mine, lock))) break;
      const found = readText(lock);
      if (found === undefined) continue;
      const owner = parseOwner(found);
      if ((owner && isAlive(owner)) || attempt === maxAttempts) throw new StoreInUseError(directory, owner?.pid ?? 0);
      removeStale(lock, `${mine}.stale`, found);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  return {
    [Symbol.dispose]: () => {
      if (readText(lock) === text) rmSync(lock);
    },
  };
}

/** Moves the stale lock away; puts it back when somebody else's fresh lock was moved instead. */
function removeStale(lock: string, aside: string, stale: string): void {
  if (!succeeds('ENOENT', () => renameSync(lock, aside))) return;
  if (readText(aside) !== stale) succeeds('EEXIST', () => linkSync(aside, lock));
  rmSync(aside, { force: true });
}

function parseOwner(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Partial<Owner>;
    return typeof owner.pid === 'number' ? (owner as Owner) : undefined;
  } catch (error) {
    // Nothing readable was ever an owner: locks are linked into place whole.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isAlive(owner: Owner): boolean {
  return owner.bootId === bootId() && startTime(owner.pid) === owner.startTime;
}

function bootId(): string {
  return readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
}

/** When a process began; undefined when it does not run, which a zombie does not. @source proc(5), fields 3 and 22 of stat */
function startTime(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name in parentheses may hold anything, spaces and parentheses too.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

function readText(path: string): string | undefined {
  let text: string | undefined;
  // ESRCH: the process ended between opening and reading its file.
  succeeds('ENOENT', () => succeeds('ESRCH', () => (text = readFileSync(path, 'utf8'))));
  return text;
}

/** Runs `act`; false when it fails with `code`. */
function succeeds(code: string, act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return false;
    throw error;
  }
}
