/**
 * Keeps the logs of this node's containers within their limits, and reads their ends for messages of terminated containers.
 * One task looks at all running containers from time to time; a log that cannot be rotated is tried again at the next look.
 */
import { dirname } from 'node:path';
import { type Ctx, isAbort, TaskGroup } from '../../base/index.ts';
import type { ContainerLogOptions, ContainerLogs, KubeletDeps, RunningContainer } from '../seams.ts';
import { linksDirectoryOf, removeDeadLinks } from './layout.ts';
import { readContainerLog } from './log-reader.ts';
import { logSize, removeLog, rotateLog } from './rotation.ts';

/** @param options.maxFiles at least 2 */
export function createContainerLogs(deps: Pick<KubeletDeps, 'clock' | 'log' | 'runtime'>, options: ContainerLogOptions): ContainerLogs {
  const { clock, runtime } = deps;

  const rotateLarge = async (container: RunningContainer, ctx: Ctx): Promise<void> => {
    const { logPath, containerId } = container;
    if (logSize(logPath) < options.maxSizeBytes) return;
    await rotateLog({
      logPath,
      maxFiles: options.maxFiles,
      nowMs: clock.now(),
      reopen: () => runtime.reopenContainerLog(containerId, { signal: ctx.signal }),
      signal: ctx.signal,
    });
  };

  const look = async (ctx: Ctx): Promise<void> => {
    const linkDirectories = new Set<string>();
    for (const container of options.pods.runningContainers()) {
      linkDirectories.add(linksDirectoryOf(container.logPath));
      try {
        await rotateLarge(container, ctx);
      } catch (err) {
        if (isAbort(err, ctx.signal)) throw err;
        ctx.log.error('log not rotated', { path: container.logPath, containerId: container.containerId, err });
      }
    }
    for (const directory of linkDirectories) removeDeadLinks(directory);
  };

  const loop = async (ctx: Ctx): Promise<void> => {
    for (;;) {
      await clock.sleep(options.checkMs, ctx.signal);
      await look(ctx);
    }
  };

  return {
    start: (ctx) => {
      new TaskGroup(ctx).spawn('log rotation', loop);
    },
    tail: async (logPath, { maxBytes, maxLines }) => {
      let text: Buffer = Buffer.alloc(0);
      const keepEnd = (bytes: Buffer): Promise<void> => {
        const all = Buffer.concat([text, bytes]);
        text = all.subarray(Math.max(0, all.length - maxBytes));
        return Promise.resolve();
      };
      const request = {
        path: logPath,
        tailLines: maxLines,
        follow: false,
        running: () => false,
        stream: 'All',
        timestamps: false,
      } as const;
      try {
        await readContainerLog(request, keepEnd, { signal: new AbortController().signal, clock });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
        throw error;
      }
      return text.toString('utf8');
    },
    remove: (logPath) => {
      removeLog(logPath);
      const links = linksDirectoryOf(logPath);
      if (links !== dirname(logPath)) removeDeadLinks(links);
      return Promise.resolve();
    },
  };
}
