/** All that a process of a cluster does in the background. */
import { type Logger, TaskGroup } from '../../base/index.ts';

/**
 * A group whose failures end the process: a proxy or controller that has died would be missed only by its users, and whoever watches this
 * process starts the whole of it again.
 */
export function processGroup(log: Logger, signal: AbortSignal): TaskGroup {
  return new TaskGroup({
    log,
    signal,
    onFailure: (task, err) => {
      log.error('background task failed; the process ends', { task, err });
      process.exit(1);
    },
  });
}
