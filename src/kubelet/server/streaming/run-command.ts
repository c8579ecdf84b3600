/**
 * Joins a client of exec or attach with the container engine: bytes both ways at the pace of the slower side, the end of stdin, the
 * terminal's size, and at last how it ended, after all output.
 */
import type { Readable } from 'node:stream';
import type { Clock, Timer } from '../../../base/index.ts';
import type { SpdySession, SpdyStream } from '../spdy/index.ts';
import { type CommandClient, type CommandFlags, failureStatus } from './command-client.ts';
import { idleLimitMs, IdleWatch } from './idle-watch.ts';
import { pump } from './pump.ts';

/** Longest Status that is read of an engine. */
const maxStatusBytes = 1024 * 1024;
/** How long output may go on after the engine told how the command ended. */
const outputGraceMs = 10_000;
/** How long a client may take to close after it was told the end. */
const farewellMs = 10_000;
/** How long stdin may stand still after all output has ended. */
const stuckMs = 5_000;

export interface CommandContext {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Resolves when both connections are gone. */
export async function runCommand(client: CommandClient, engine: SpdySession, flags: CommandFlags, ctx: CommandContext): Promise<void> {
  const stop = (): void => {
    client.destroy();
    engine.destroy();
  };
  using idle = new IdleWatch(ctx.clock, idleLimitMs, stop);
  ctx.signal.addEventListener('abort', stop, { once: true });
  void client.closed.then(() => engine.destroy());
  try {
    const touch = (): void => idle.touch();
    const streams = await openStreams(engine, flags);
    // Input never ends the command by itself: it is cut when the rest is done.
    if (client.stdin && streams.stdin) void pump(client.stdin, streams.stdin, touch).catch(stop);
    if (client.resize && streams.resize) void pump(client.resize, streams.resize, touch).catch(stop);
    const output = Promise.all([
      streams.stdout && client.stdout ? pump(streams.stdout, client.stdout, touch) : undefined,
      streams.stderr && client.stderr ? pump(streams.stderr, client.stderr, touch) : undefined,
    ]);
    using _stuck = new StuckWatch(output, streams, engine, ctx.clock);
    const status = await readAll(streams.error);
    using _grace = ctx.clock.setTimer(outputGraceMs, () => engine.destroy());
    await output;
    engine.destroy();
    await client.finish(status.length > 0 ? status : failureStatus('the container engine did not tell how the command ended'));
    using _farewell = ctx.clock.setTimer(farewellMs, () => client.destroy());
    await client.closed;
  } catch (error) {
    if (ctx.signal.aborted) return;
    await client.finish(failureStatus(error instanceof Error ? error.message : String(error)));
  } finally {
    ctx.signal.removeEventListener('abort', stop);
    engine.destroy();
  }
}

/**
 * Gives up on an engine that will never tell the end: some (containerd 1.6) wait for ever to hand on the rest of stdin to a command
 * that has ended. All output has ended then, and stdin does not move.
 */
class StuckWatch implements Disposable {
  #timer: Timer | undefined;
  #isDisposed = false;

  constructor(output: Promise<unknown>, { stdin }: EngineStreams, engine: SpdySession, clock: Clock) {
    const look = (sentBefore: number | undefined): void => {
      if (this.#isDisposed || !stdin) return;
      const sent = stdin.writableNeedDrain ? stdin.writableLength : undefined;
      if (sent !== undefined && sent === sentBefore) engine.destroy();
      else this.#timer = clock.setTimer(stuckMs, () => look(sent));
    };
    // A failure is told by whoever waits for the output.
    output.then(
      () => look(undefined),
      () => {},
    );
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#timer?.cancel();
  }
}

interface EngineStreams {
  readonly error: SpdyStream;
  readonly stdin: SpdyStream | undefined;
  readonly stdout: SpdyStream | undefined;
  readonly stderr: SpdyStream | undefined;
  readonly resize: SpdyStream | undefined;
}

/** @throws SpdyStreamError */
async function openStreams(engine: SpdySession, { stdin, stdout, stderr, tty }: CommandFlags): Promise<EngineStreams> {
  const open = (type: string): Promise<SpdyStream> => engine.openStream(new Map([['streamtype', type]]));
  const [error, ...rest] = await Promise.all([
    open('error'),
    stdin ? open('stdin') : undefined,
    stdout ? open('stdout') : undefined,
    stderr ? open('stderr') : undefined,
    tty ? open('resize') : undefined,
  ]);
  const [input, output, errors, resize] = rest;
  // What an engine sends on its inputs is nothing to anybody.
  input?.resume();
  resize?.resume();
  return { error, stdin: input, stdout: output, stderr: errors, resize };
}

async function readAll(from: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of from as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= maxStatusBytes) chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
