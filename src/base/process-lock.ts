/**
 * A lock that the death of its holder releases: a file that names the holder by pid, start time and boot id, so that one left by a process
 * that was killed, by another boot, or whose pid is somebody else's by now, is known to be stale and taken over.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { identityOf, lifeOf, parseIdentity, type ProcessIdentity } from './process-identity.ts';

export interface HeldLock extends Disposable {
  readonly held: true;
}

export interface RefusedLock {
  readonly held: false;
  readonly holder: ProcessIdentity;
  /** Whether the holder is already on its way out. */
  readonly ending: boolean;
}

/** Takes the lock `file`, or says who has it (this process too, when it took it before). The directory must be there. */
export function tryProcessLock(file: string): HeldLock | RefusedLock {
  const mine = `${file}.${process.pid}`;
  const text = JSON.stringify(identityOf(process.pid));
  writeFileSync(mine, text, { mode: 0o600 });
  try {
    // A link is made whole or not at all, and fails when the name is taken.
    while (!succeeds('EEXIST', () => linkSync(mine, file))) {
      const found = readText(file);
      if (found === undefined) continue;
      const holder = parseIdentity(found);
      const life = holder ? lifeOf(holder) : 'gone';
      if (holder && life !== 'gone') return { held: false, holder, ending: life === 'ending' };
      removeStale(file, `${mine}.stale`, found);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  return {
    held: true,
    [Symbol.dispose]: () => {
      if (readText(file) === text) rmSync(file, { force: true });
    },
  };
}

/** Moves the stale lock away; puts it back when somebody else's fresh lock was moved instead. */
function removeStale(lock: string, aside: string, stale: string): void {
  if (!succeeds('ENOENT', () => renameSync(lock, aside))) return;
  if (readText(aside) !== stale) succeeds('EEXIST', () => linkSync(aside, lock));
  rmSync(aside, { force: true });
}

function readText(path: string): string | undefined {
  let text: string | undefined;
  succeeds('ENOENT', () => (text = readFileSync(path, 'utf8')));
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
