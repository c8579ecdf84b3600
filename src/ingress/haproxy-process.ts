/**
 * HAProxy as a process of this node: started, kept running, reloaded without losing a connection, ended. It is detached and recorded, so it
 * serves on while the agent is away, and the next agent takes it over.
 * Invariants: one server a node; the running one has the configuration that was last checked; nothing is signalled that is not the recorded
 * process.
 */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import {
  backoffMs,
  type Clock,
  type Ctx,
  identityOf,
  lifeOf,
  parseIdentity,
  ProcessError,
  type ProcessIdentity,
  run,
  writeFileAtomically,
} from '../base/index.ts';
import { HaproxyError, type HaproxySocket } from './haproxy-socket.ts';

export interface HaproxyProcessOptions {
  readonly program: string;
  readonly directory: string;
  /** Says which process it is, for whoever comes after this one. */
  readonly record: string;
  /** What the server says; kept below a size, with as much again of what came before in `LOG.1`. */
  readonly log: string;
  readonly socket: HaproxySocket;
  readonly clock: Clock;
}

const reloadLimitMs = 15_000;
const pollMs = 20;
const lookMs = 200;
const graceMs = 2000;
const maxLogBytes = 4 * 1024 * 1024;
const restartPolicy = { initialMs: 100, maxMs: 10_000 };
/** A server that lived this long ended for a new reason. */
const forgetAfterMs = 60_000;

export class HaproxyProcess {
  readonly #options: HaproxyProcessOptions;

  constructor(options: HaproxyProcessOptions) {
    this.#options = options;
  }

  get running(): ProcessIdentity | undefined {
    const { record } = this.#options;
    const identity = existsSync(record) ? parseIdentity(readFileSync(record, 'utf8')) : undefined;
    return identity && lifeOf(identity) !== 'gone' ? identity : undefined;
  }

  /** What the server says against these files; undefined when it would run with them. */
  async check(files: ReadonlyMap<string, string>, { signal }: Ctx): Promise<string | undefined> {
    // Files name one another by their place, so they are checked where they are going to stand, under the names of a rehearsal.
    const { directory, program } = this.#options;
    const rehearsal = join(directory, 'check');
    try {
      writeFiles(rehearsal, new Map([...files].map(([name, text]) => [name, text.replaceAll(`${directory}/`, `${rehearsal}/`)])));
      writeFiles(rehearsal, new Map([['default.pem', readFileSync(join(directory, 'default.pem'), 'utf8')]]));
      await run([program, '-c', '-q', '-f', join(rehearsal, 'haproxy.cfg')], { signal });
      return undefined;
    } catch (error) {
      if (!(error instanceof ProcessError)) throw error;
      return error.stderr.trim() || error.message;
    } finally {
      rmSync(rehearsal, { recursive: true, force: true });
    }
  }

  /** Puts files in place and makes them those of the running server. @throws HaproxyError when that did not come about */
  async load(files: ReadonlyMap<string, string>, generation: string, ctx: Ctx): Promise<void> {
    const { directory } = this.#options;
    writeFiles(directory, files);
    removeOthers(join(directory, 'certificates'), files);
    const running = this.running;
    if (running) process.kill(running.pid, 'SIGUSR2');
    else this.#start();
    if (!(await this.#answersAs((name) => name === generation, ctx)))
      throw new HaproxyError(`the server did not take its new configuration${this.#lastWords()}`);
  }

  /** Waits until the server's generation is the right one; false when that takes too long, or it ended. */
  async #answersAs(right: (generation: string) => boolean, { signal }: Ctx): Promise<boolean> {
    const { socket, clock } = this.#options;
    const endMs = clock.monotonic() + reloadLimitMs;
    for (;;) {
      const generation = await socket.generation();
      if (generation !== undefined && right(generation)) return true;
      if (clock.monotonic() > endMs || !this.running) return false;
      await clock.sleep(pollMs, signal);
    }
  }

  /** Starts the server again whenever it ends; runs until the signal aborts. `onStart` is told, since a new server has only its files. */
  async keep(onStart: () => void, ctx: Ctx): Promise<void> {
    const { signal, log } = ctx;
    const { clock } = this.#options;
    let failures = 0;
    for (;;) {
      const beganMs = clock.monotonic();
      while (this.running) {
        boundLog(this.#options.log);
        await clock.sleep(lookMs, signal);
      }
      if (clock.monotonic() - beganMs > forgetAfterMs) failures = 0;
      await clock.sleep(backoffMs(restartPolicy, failures++), signal);
      if (this.running) continue;
      log.warn(`the ingress server ended: starting it again${this.#lastWords()}`);
      this.#start();
      if (await this.#answersAs(() => true, ctx)) onStart();
    }
  }

  /** Ends the server, at once when it does not go by itself. */
  async stop(): Promise<void> {
    const { clock, record } = this.#options;
    const running = this.running;
    if (!running) return;
    process.kill(running.pid, 'SIGTERM');
    const endMs = clock.monotonic() + graceMs;
    const never = new AbortController().signal;
    while (this.running && clock.monotonic() < endMs) await clock.sleep(pollMs, never);
    if (this.running) process.kill(running.pid, 'SIGKILL');
    rmSync(record, { force: true });
  }

  #start(): void {
    const { program, directory, record, log } = this.#options;
    const output = openSync(log, 'a', 0o600);
    try {
      const child = spawn(program, ['-W', '-f', join(directory, 'haproxy.cfg')], {
        detached: true,
        stdio: ['ignore', output, output],
        cwd: '/',
      });
      // What went wrong shows in that it does not run.
      child.on('error', () => {});
      child.unref();
      const identity = child.pid === undefined ? undefined : identityOf(child.pid);
      if (identity) writeFileAtomically(record, JSON.stringify(identity));
    } finally {
      closeSync(output);
    }
  }

  /** The last complaint in the log. */
  #lastWords(): string {
    const { log } = this.#options;
    const complaint = existsSync(log)
      ? readFileSync(log, 'utf8')
          .split('\n')
          .findLast((line) => /^\[(ALERT|ERROR)\]/.test(line))
      : undefined;
    return complaint ? `: ${complaint}` : '';
  }
}

/** Private, whatever the umask. */
export function writeFiles(directory: string, files: ReadonlyMap<string, string>): void {
  for (const [name, text] of files) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
    writeFileAtomically(path, text);
    chmodSync(path, 0o600);
  }
}

/** The server appends to the file for as long as it lives, so the file itself is emptied. */
export function boundLog(path: string, maxBytes = maxLogBytes): void {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) <= maxBytes) return;
  copyFileSync(path, `${path}.1`);
  truncateSync(path);
}

/** Certificates of Secrets that nobody names any more are not kept. */
function removeOthers(directory: string, files: ReadonlyMap<string, string>): void {
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) if (!files.has(`certificates/${name}`)) rmSync(join(directory, name));
}
