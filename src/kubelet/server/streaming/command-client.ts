/**
 * What exec and attach need of a client, whatever protocol it speaks. Two implementations: SPDY streams and WebSocket channels.
 */
import type { Readable, Writable } from 'node:stream';

/** Which streams a client asked for. */
export interface CommandFlags {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export interface CommandClient {
  /** Each as asked for by the flags. */
  readonly stdin: Readable | undefined;
  readonly stdout: Writable | undefined;
  readonly stderr: Writable | undefined;
  /** JSON sizes of the terminal, one after the other. */
  readonly resize: Readable | undefined;
  /** Tells how it ended, after all output, and closes the connection. @param status a Status as JSON */
  finish(status: Buffer): Promise<void>;
  /** Resolves when the connection is gone, by whoever's doing. */
  readonly closed: Promise<void>;
  destroy(): void;
}

/** The Status of an end that the engine did not explain. */
export function failureStatus(message: string): Buffer {
  return Buffer.from(
    JSON.stringify({ metadata: {}, status: 'Failure', message, reason: 'InternalError', details: { causes: [{ message }] }, code: 500 }),
  );
}

/** What clients of older protocols are told: nothing of success, only the message of a failure. */
export function failureText(status: Buffer): string {
  const text = status.toString('utf8');
  try {
    const parsed = JSON.parse(text) as { status?: unknown; message?: unknown };
    if (parsed.status === 'Success') return '';
    return typeof parsed.message === 'string' ? parsed.message : text;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return text;
  }
}
