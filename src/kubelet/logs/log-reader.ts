/**
 * Reads a container's log file for a client: from its tail or a time on, and following it as it grows and is rotated, until the
 * container has ended. The reader is slowed by its client, never buffers ahead of it, and follows no link.
 */
import { close, constants, fstat, fstatSync, read, type Stats, statSync, watch } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../../base/index.ts';
import { openBeneath } from '../volumes/beneath.ts';
import { type LogFormat, LogFormatter } from './log-formatter.ts';
import { tailOffset } from './tail-offset.ts';

const readFile = promisify(read);
const closeFile = promisify(close);
const statFile = promisify(fstat);

const blockBytes = 64 * 1024;
/** How often a followed file is looked at when no change was reported. */
const pollMs = 1_000;

export interface LogRequest extends LogFormat {
  /** Absolute. */
  readonly path: string;
  readonly tailLines?: number;
  /** Goes on at the end of the file while `running()` holds. */
  readonly follow: boolean;
  readonly running: () => boolean;
}

export interface LogReadContext {
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/**
 * Opens a log without following links in the directories that engines and containers write to.
 * @returns a descriptor that the caller closes
 */
export function openLog(path: string, flags: number = constants.O_RDONLY, mode = 0): number {
  // ROOT/NAMESPACE_POD_UID/CONTAINER/N.log: the root is the node's own.
  const container = dirname(path);
  const pod = dirname(container);
  return openBeneath(dirname(pod), join(basename(pod), basename(container), basename(path)), flags, mode);
}

/**
 * Writes what was asked for, awaiting each write.
 * @throws the system's error (ENOENT) when there is no log, or the signal's reason
 */
export async function readContainerLog(request: LogRequest, write: (bytes: Buffer) => Promise<void>, ctx: LogReadContext): Promise<void> {
  const formatter = new LogFormatter(request);
  let file = openLog(request.path);
  try {
    let position = await startPosition(file, request);
    const buffer = Buffer.alloc(blockBytes);
    const drain = async (): Promise<void> => {
      while (!formatter.full) {
        ctx.signal.throwIfAborted();
        const { bytesRead } = await readFile(file, buffer, 0, blockBytes, position);
        if (bytesRead === 0) return;
        position += bytesRead;
        await emit(formatter.push(buffer.subarray(0, bytesRead)), write);
      }
    };
    if (!request.follow) {
      await drain();
    } else {
      using changes = new FileChanges(request.path, ctx.clock);
      for (;;) {
        // Asked before draining: what a container printed before it ended is read.
        const isLast = !request.running();
        await drain();
        if (formatter.full) break;
        const replaced = replacement(file, request.path);
        if (replaced !== undefined) {
          await drain();
          await closeFile(file);
          file = replaced;
          position = 0;
          continue;
        }
        if (isLast) break;
        if ((await statFile(file)).size < position) position = 0;
        await changes.next(ctx.signal);
      }
    }
    await emit(formatter.end(), write);
  } finally {
    await closeFile(file);
  }
}

async function emit(bytes: Buffer, write: (bytes: Buffer) => Promise<void>): Promise<void> {
  if (bytes.length > 0) await write(bytes);
}

async function startPosition(file: number, { tailLines, stream }: LogRequest): Promise<number> {
  if (tailLines === undefined) return 0;
  const { size } = await statFile(file);
  const wanted = stream === 'All' ? undefined : stream.toLowerCase();
  const readAt = async (buffer: Buffer, position: number): Promise<number> =>
    (await readFile(file, buffer, 0, buffer.length, position)).bytesRead;
  return tailOffset(readAt, size, tailLines, (line) => wanted === undefined || line.stream === wanted);
}

/** A descriptor of the file that took the path after a rotation; undefined while the path is still ours, or nobody's. */
function replacement(file: number, path: string): number | undefined {
  let current: Stats;
  try {
    current = statSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const own = fstatSync(file);
  return own.ino === current.ino && own.dev === current.dev ? undefined : openLog(path);
}

/** Wakes a reader when its file's directory changes, and from time to time in any case. */
class FileChanges implements Disposable {
  readonly #clock: Clock;
  readonly #watcher: ReturnType<typeof watch> | undefined;
  #changed = false;
  #wake: (() => void) | undefined;

  constructor(path: string, clock: Clock) {
    this.#clock = clock;
    const onChange = (): void => {
      this.#changed = true;
      this.#wake?.();
    };
    try {
      this.#watcher = watch(dirname(path), { persistent: false }, onChange);
      // A watch that breaks leaves the poll.
      this.#watcher.on('error', () => {});
    } catch {
      // No inotify instance left: the poll serves alone.
      this.#watcher = undefined;
    }
  }

  async next(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#changed) {
      const woken = Promise.withResolvers<void>();
      this.#wake = woken.resolve;
      using _timer = this.#clock.setTimer(pollMs, woken.resolve);
      const onAbort = (): void => woken.reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        await woken.promise;
      } finally {
        signal.removeEventListener('abort', onAbort);
        this.#wake = undefined;
      }
    }
    this.#changed = false;
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
  }
}
