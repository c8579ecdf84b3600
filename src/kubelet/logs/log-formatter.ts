/**
 * Turns the bytes of a log file into what a reader asked for: one stream, from a time on, with timestamps, up to a number of
 * bytes. Pure; it knows lines and nothing of files.
 */
import { fixedTimestamp, parseLogLine, timestampNanos } from './log-line.ts';

export type LogStream = 'All' | 'Stdout' | 'Stderr';

export interface LogFormat {
  readonly stream: LogStream;
  /** Nanoseconds since the epoch; older lines are left out. */
  readonly sinceNanos?: bigint;
  readonly timestamps: boolean;
  /** At least 1. */
  readonly limitBytes?: number;
}

/** Longest line, in bytes, that is waited for; engines cut lines at 16 KiB, so more is not a log. */
const maxLineBytes = 1024 * 1024;
const newline = 0x0a;

export class LogFormatter {
  readonly #format: LogFormat;
  readonly #streamName: string | undefined;
  #carry: Buffer = Buffer.alloc(0);
  #left: number;
  #isNewLine = true;

  constructor(format: LogFormat) {
    this.#format = format;
    this.#streamName = format.stream === 'All' ? undefined : format.stream.toLowerCase();
    this.#left = format.limitBytes ?? Infinity;
  }

  /** True once `limitBytes` were given out. */
  get full(): boolean {
    return this.#left <= 0;
  }

  /** The output for the next bytes of the file; an unfinished line is kept until its rest comes. */
  push(bytes: Buffer): Buffer {
    const all = this.#carry.length === 0 ? bytes : Buffer.concat([this.#carry, bytes]);
    const output: Buffer[] = [];
    let from = 0;
    for (let at = all.indexOf(newline); at >= 0 && !this.full; at = all.indexOf(newline, from)) {
      this.#line(all.subarray(from, at), output);
      from = at + 1;
    }
    // Copied: the caller fills the same buffer again.
    this.#carry = all.length - from > maxLineBytes ? Buffer.alloc(0) : Buffer.from(all.subarray(from));
    return Buffer.concat(output);
  }

  /** The output for a last line without newline, as an engine that died may leave one. */
  end(): Buffer {
    const output: Buffer[] = [];
    if (this.#carry.length > 0 && !this.full) this.#line(this.#carry, output);
    this.#carry = Buffer.alloc(0);
    return Buffer.concat(output);
  }

  #line(line: Buffer, output: Buffer[]): void {
    const parsed = parseLogLine(line);
    if (!parsed || (this.#streamName !== undefined && parsed.stream !== this.#streamName)) return;
    const { sinceNanos, timestamps } = this.#format;
    if (sinceNanos !== undefined && (timestampNanos(parsed.timestamp) ?? sinceNanos) < sinceNanos) return;
    if (timestamps && this.#isNewLine) this.#emit(Buffer.from(`${fixedTimestamp(parsed.timestamp)} `), output);
    this.#emit(parsed.content, output);
    if (!parsed.partial) this.#emit(lineEnd, output);
    this.#isNewLine = !parsed.partial;
  }

  #emit(bytes: Buffer, output: Buffer[]): void {
    const kept = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= kept.length;
    if (kept.length > 0) output.push(kept);
  }
}

const lineEnd = Buffer.from('\n');
