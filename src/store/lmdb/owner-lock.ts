/**
 * One process owns a store directory. The lock is a file that names its owner by pid, start time and boot id, so that a lock left
 * by a process that was killed, or by another boot, or whose pid is somebody else's by now, is known to be stale and taken over.
 * A process that is just ending may still have a thread in a write: it owns the directory until the last one is gone.
 */
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../base/index.ts';
import { StoreInUseError } from '../errors.ts';

interface Owner {
  readonly pid: number;
  /** Clock ticks since boot at which the process began. */
  readonly startTime: string;
  readonly bootId: string;
}

/** How long an owner that is ending is waited for, and a lock that changes hands is looked at again: real time, for real processes. */
const patienceMs = 3000;
const pollMs = 10;
const never = new AbortController().signal;

/**
 * Takes the lock of `directory`; `Symbol.dispose` gives it back.
 * @throws StoreInUseError when a live process (this one included) has it
 */
export async function acquireOwnerLock(directory: string): Promise<Disposable> {
  const lock = join(directory, 'owner.lock');
  const mine = join(directory, `owner.lock.${process.pid}`);
  const text = JSON.stringify({ pid: process.pid, startTime: readProcess(process.pid)!.startTime, bootId: bootId() } satisfies Owner);
  writeFileSync(mine, text, { mode: 0o600 });
  try {
    const giveUpAt = systemClock.monotonic() + patienceMs;
    // A link is made whole or not at all, and fails when the name is taken.
    while (!succeeds('EEXIST', () => linkSync(mine, lock))) {
      const found = readText(lock);
      if (found === undefined) continue;
      const owner = parseOwner(found);
      const life = owner ? lifeOf(owner) : 'gone';
      if (life === 'running' || systemClock.monotonic() > giveUpAt) throw new StoreInUseError(directory, owner?.pid ?? 0);
      if (life === 'gone') removeStale(lock, `${mine}.stale`, found);
      else await systemClock.sleep(pollMs, never);
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

function lifeOf(owner: Owner): 'running' | 'ending' | 'gone' {
  const found = owner.bootId === bootId() ? readProcess(owner.pid) : undefined;
  if (found?.startTime !== owner.startTime) return 'gone';
  // The first thread may be a zombie already while others still run.
  if (found.zombie) return threadsOf(owner.pid).some((thread) => !(readProcess(thread)?.zombie ?? true)) ? 'ending' : 'gone';
  return found.exiting ? 'ending' : 'running';
}

function bootId(): string {
  return readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
}

/** A process or thread; undefined when there is none. @source proc(5), fields 3, 9 and 22 of stat; PF_EXITING of the kernel's sched.h */
function readProcess(
  pid: number | string,
): { readonly startTime: string; readonly zombie: boolean; readonly exiting: boolean } | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name in parentheses may hold anything, spaces and parentheses too.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { startTime: fields[19]!, zombie: fields[0] === 'Z' || fields[0] === 'X', exiting: (Number(fields[6]) & 4) !== 0 };
}

function threadsOf(pid: number): string[] {
  let threads: string[] = [];
  succeeds('ENOENT', () => (threads = readdirSync(`/proc/${pid}/task`)));
  return threads;
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
