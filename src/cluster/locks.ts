/**
 * One command at a time changes a cluster, and one at a time the machine's network. The locks are files that name their holder, so they fall
 * with it, however it ends. What only waits for readiness holds none.
 */
import { type Clock, type Ctx, type HeldLock, tryProcessLock } from '../base/index.ts';
import { type ClusterPaths, makePrivateDirectory } from './home.ts';

/** Machine-wide, whatever `$KNARR_HOME` is; a reboot empties the directory. */
const machineLock = '/run/knarr.lock';
const pollMs = 20;

interface Waiting {
  readonly clock: Clock;
  /** Told once when somebody else has to be waited for. */
  readonly say: (line: string) => void;
}

/** Runs `work` while no other command changes the cluster at `paths`. The cluster's directory is made for it. */
export function withClusterLock<T>(paths: ClusterPaths, waiting: Waiting, ctx: Ctx, work: () => Promise<T>): Promise<T> {
  return withLock(
    () => {
      makePrivateDirectory(paths.root);
      return tryProcessLock(paths.lock);
    },
    waiting,
    ctx,
    work,
  );
}

/** Runs `work` while no other command of any cluster chooses addresses or changes what clusters share. */
export function withMachineLock<T>(waiting: Waiting, ctx: Ctx, work: () => Promise<T>): Promise<T> {
  return withLock(() => tryProcessLock(machineLock), waiting, ctx, work);
}

async function withLock<T>(take: () => ReturnType<typeof tryProcessLock>, waiting: Waiting, { signal }: Ctx, work: () => Promise<T>) {
  let said = false;
  let lock: HeldLock | undefined;
  while (!lock) {
    const found = takeUnlessRemoved(take);
    if (found?.held) lock = found;
    else {
      if (found && !said) waiting.say(`waiting for another knarr (pid ${found.holder.pid}) to finish`);
      said ||= found !== undefined;
      await waiting.clock.sleep(pollMs, signal);
    }
  }
  using _lock = lock;
  return await work();
}

/** Undefined when the directory was deleted between making it and locking in it. */
function takeUnlessRemoved(take: () => ReturnType<typeof tryProcessLock>): ReturnType<typeof tryProcessLock> | undefined {
  try {
    return take();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
