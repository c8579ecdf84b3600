/**
 * Which process a record is about. A pid alone may be somebody else's by now, so it goes with the start time and the boot id; only when all
 * three match is it still the same process.
 */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot at which the process began, field 22 of /proc/PID/stat. */
  readonly startTime: string;
  readonly bootId: string;
}

/**
 * - `running`: it is there.
 * - `ending`: it will run no more of its program, but a thread of it may still be in a system call.
 * - `gone`: nothing of it is left (a zombie is nothing).
 */
export type ProcessLife = 'running' | 'ending' | 'gone';

export function currentBootId(): string {
  return readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
}

/** The identity of a process that has not ended; undefined when there is none of that pid. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const found = readProcess(pid);
  return found && !found.zombie ? { pid, startTime: found.startTime, bootId: currentBootId() } : undefined;
}

export function lifeOf({ pid, startTime, bootId }: ProcessIdentity): ProcessLife {
  const found = bootId === currentBootId() ? readProcess(pid) : undefined;
  if (found?.startTime !== startTime) return 'gone';
  // The first thread may be a zombie already while others still run.
  if (found.zombie) return threadsOf(pid).some((thread) => !(readProcess(thread)?.zombie ?? true)) ? 'ending' : 'gone';
  return found.exiting ? 'ending' : 'running';
}

/** Reads what `JSON.stringify` made of an identity; undefined when it names nobody. */
export function parseIdentity(text: string): ProcessIdentity | undefined {
  try {
    const found = JSON.parse(text) as Partial<ProcessIdentity> | null;
    return typeof found?.pid === 'number' ? (found as ProcessIdentity) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
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
  return unlessGone(() => readdirSync(`/proc/${pid}/task`)) ?? [];
}

function readText(path: string): string | undefined {
  return unlessGone(() => readFileSync(path, 'utf8'));
}

/** Undefined when the process ended before (ENOENT) or while (ESRCH) it was looked at. */
function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
