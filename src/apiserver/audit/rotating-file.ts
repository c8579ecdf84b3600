/**
 * A log file that is set aside when it has grown, and whose old ones go by age and number. Names of old files carry the time at which they
 * were set aside. Written without a promise: an audit line is out of the process when `write` returns.
 * @source natefinch/lumberjack v2, which upstream uses
 */
import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { Clock } from '../../base/index.ts';

export interface RotationOptions {
  /** Days; 0: for ever. */
  readonly maxAgeDays: number;
  /** 0: all. */
  readonly maxBackups: number;
  /** Mebibytes; 0: a hundred. */
  readonly maxSizeMib: number;
}

const mib = 1024 * 1024;
const dayMs = 86_400_000;

export class RotatingFile {
  readonly #path: string;
  readonly #options: RotationOptions;
  readonly #clock: Clock;
  readonly #maxBytes: number;
  #fd: number | undefined;
  #size = 0;

  constructor(path: string, options: RotationOptions, clock: Clock) {
    this.#path = path;
    this.#options = options;
    this.#clock = clock;
    this.#maxBytes = (options.maxSizeMib === 0 ? 100 : options.maxSizeMib) * mib;
  }

  /** Makes the file, so that a path that cannot be written is known at the start. @throws the system's error */
  open(): void {
    if (this.#fd !== undefined) return;
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o750 });
    this.#fd = openSync(this.#path, 'a', 0o600);
    this.#size = fstatSync(this.#fd).size;
  }

  /** @throws the system's error */
  write(text: string): void {
    const bytes = Buffer.from(text);
    this.open();
    if (this.#size > 0 && this.#size + bytes.length > this.#maxBytes) {
      this.#setAside();
      this.open();
    }
    for (let at = 0; at < bytes.length;) at += writeSync(this.#fd!, bytes, at);
    this.#size += bytes.length;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #setAside(): void {
    this.close();
    const time = new Date(this.#clock.now()).toISOString().slice(0, -1).replaceAll(':', '-');
    const extension = extname(this.#path);
    renameSync(this.#path, join(dirname(this.#path), `${this.#stem}-${time}${extension}`));
    this.#removeOld();
  }

  get #stem(): string {
    return basename(this.#path, extname(this.#path));
  }

  #removeOld(): void {
    const { maxAgeDays, maxBackups } = this.#options;
    const directory = dirname(this.#path);
    const pattern = /^(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\d\.\d{3})$/;
    const old = readdirSync(directory)
      .map((name) => {
        const [prefix, suffix] = [`${this.#stem}-`, extname(this.#path)];
        const time =
          name.startsWith(prefix) && name.endsWith(suffix) ? pattern.exec(name.slice(prefix.length, name.length - suffix.length)) : null;
        return { name, timeMs: time ? Date.parse(`${time[1]}${time[2]}:${time[3]}:${time[4]}Z`) : NaN };
      })
      .filter(({ timeMs }) => !Number.isNaN(timeMs))
      .toSorted((a, b) => b.timeMs - a.timeMs);
    const oldestMs = maxAgeDays === 0 ? -Infinity : this.#clock.now() - maxAgeDays * dayMs;
    for (const [i, { name, timeMs }] of old.entries()) {
      if ((maxBackups > 0 && i >= maxBackups) || timeMs < oldestMs) unlinkSync(join(directory, name));
    }
  }
}
