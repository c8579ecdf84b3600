/** Structured logs. One JSON object a line, `level` and `msg` first; secrets are never passed to it. */
import { createRequire } from 'node:module';
import type * as pinoTypes from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Fields of a log line: plain data and one error under `err`. */
export interface LogFields {
  readonly err?: unknown;
  readonly [field: string]: unknown;
}

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger;
}

/** Threads and commands that write no log do without the library. */
const loadPino = (): typeof pinoTypes => createRequire(import.meta.url)('pino') as typeof pinoTypes;

/** A logger that writes to a file descriptor (default: standard error). */
export function createLogger(options: { readonly component: string; readonly level?: LogLevel; readonly fd?: number }): Logger {
  const { pino } = loadPino();
  const sink = pino(
    {
      level: options.level ?? 'info',
      base: { component: options.component },
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error: unknown) => (isForeseen(error) ? messagesOf(error) : pino.stdSerializers.err(error as Error)) },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    pino.destination({ fd: options.fd ?? 2, sync: true }),
  );
  return wrap(sink);
}

/** An error with a name of its own is a condition that somebody foresaw: its message says it all. Where others were thrown must be told. */
function isForeseen(error: unknown): error is Error {
  return error instanceof Error && !/^(Error|(Assertion|Eval|Range|Reference|Syntax|Type|URI|Aggregate)Error)$/.test(error.name);
}

function messagesOf({ name, message, cause }: Error): { readonly type: string; readonly message: string } {
  const why = cause instanceof Error && !message.includes(cause.message) ? `: ${cause.message}` : '';
  return { type: name, message: `${message}${why}` };
}

function wrap(sink: pinoTypes.Logger): Logger {
  return {
    debug: (message, fields) => sink.debug(fields ?? {}, message),
    info: (message, fields) => sink.info(fields ?? {}, message),
    warn: (message, fields) => sink.warn(fields ?? {}, message),
    error: (message, fields) => sink.error(fields ?? {}, message),
    child: (fields) => wrap(sink.child(fields)),
  };
}

const drop = (): void => {};

/** Drops everything; for tests and embedders that want no output. */
export const silentLogger: Logger = { debug: drop, info: drop, warn: drop, error: drop, child: () => silentLogger };
