/**
 * Who runs what of a cluster: one small file a process in its run directory. A process of ours claims its record itself and holds it as a
 * lock, so there is never a second one; the engine's record is written by the agent that starts it. Nothing is signalled unless pid, start
 * time and boot id all match.
 */
import { existsSync, readFileSync } from 'node:fs';
import {
  type Clock,
  type Ctx,
  identityOf,
  lifeOf,
  parseIdentity,
  type ProcessIdentity,
  tryProcessLock,
  writeFileAtomically,
} from '../base/index.ts';

/** How long a predecessor that is ending is waited for. */
const patienceMs = 5000;
const pollMs = 10;

/** True until nothing of the process is left. */
export function isRunning(record: ProcessIdentity): boolean {
  return lifeOf(record) !== 'gone';
}

/** Signals the process when it is still the recorded one; says whether it was. */
export function signalRecorded(record: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isRunning(record)) return false;
  try {
    process.kill(record.pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false; // It ended between the look and the signal.
    throw error;
  }
}

export function writeProcessRecord(path: string, pid: number): void {
  const record = identityOf(pid);
  if (record) writeFileAtomically(path, JSON.stringify(record));
}

/** The recorded process when it runs; undefined otherwise. */
export function readRunningRecord(path: string): ProcessIdentity | undefined {
  const record = existsSync(path) ? parseIdentity(readFileSync(path, 'utf8')) : undefined;
  return record && isRunning(record) ? record : undefined;
}

/**
 * Makes this process the one that `path` records, until it is disposed or the process ends. Undefined when another one runs already, or
 * when the directory is gone, which means that the cluster was stopped.
 */
export async function claimProcessRecord(path: string, clock: Clock, { signal }: Pick<Ctx, 'signal'>): Promise<Disposable | undefined> {
  const giveUpAt = clock.monotonic() + patienceMs;
  for (;;) {
    let claim;
    try {
      claim = tryProcessLock(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    if (claim.held) return claim;
    if (!claim.ending || clock.monotonic() > giveUpAt) return undefined;
    await clock.sleep(pollMs, signal);
  }
}
