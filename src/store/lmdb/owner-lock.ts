/**
 * One process owns a store directory. A process that is just ending may still have a thread in a write: it owns the directory until the
 * last one is gone.
 */
import { join } from 'node:path';
import { systemClock, tryProcessLock } from '../../base/index.ts';
import { StoreInUseError } from '../errors.ts';

/** How long an owner that is ending is waited for: real time, for real processes. */
const patienceMs = 3000;
const pollMs = 10;
const never = new AbortController().signal;

/**
 * Takes the lock of `directory`; `Symbol.dispose` gives it back.
 * @throws StoreInUseError when a live process (this one included) has it
 */
export async function acquireOwnerLock(directory: string): Promise<Disposable> {
  const giveUpAt = systemClock.monotonic() + patienceMs;
  for (;;) {
    const lock = tryProcessLock(join(directory, 'owner.lock'));
    if (lock.held) return lock;
    if (!lock.ending || systemClock.monotonic() > giveUpAt) throw new StoreInUseError(directory, lock.holder.pid);
    await systemClock.sleep(pollMs, never);
  }
}
