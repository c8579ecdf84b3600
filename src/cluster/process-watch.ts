/** Keeps an eye on a process that somebody else restarts: one that keeps ending is told of in the words of its own log. */
import { statSync } from 'node:fs';
import type { Clock, ProcessIdentity } from '../base/index.ts';
import { ClusterError } from './cluster-error.ts';
import type { NodeRecord } from './cluster-record.ts';
import { type ClusterPaths, nodePaths } from './home.ts';
import { lastErrorIn, logEnd } from './last-error.ts';
import { agentRecord, aliveOf, controlPlaneLog, controlPlaneRecord } from './launch.ts';
import { readRunningRecord } from './process-record.ts';

/** Ends that are one accident; its restarter makes up for it. */
const toleratedEnds = 2;
/** How long there may be nobody at all: longer than the back-off of the first restarts. */
const absenceLimitMs = 5000;

/** A process that has to live, and what its log says when it does not. */
export class ProcessWatch {
  readonly #what: string;
  readonly #record: string;
  readonly #log: string;
  readonly #logFrom: number;
  readonly #clock: Clock;
  #seen: ProcessIdentity | undefined;
  #seenMs: number;
  #ends = 0;

  /** Made before the process is started: only what it logs from now on is quoted. */
  constructor(what: string, files: { readonly record: string; readonly log: string }, clock: Clock) {
    this.#what = what;
    this.#record = files.record;
    this.#log = files.log;
    this.#logFrom = logEnd(files.log);
    this.#clock = clock;
    this.#seenMs = clock.monotonic();
  }

  static ofControlPlane(paths: ClusterPaths, clock: Clock): ProcessWatch {
    return new ProcessWatch('the control plane', { record: controlPlaneRecord(paths), log: controlPlaneLog(paths) }, clock);
  }

  static ofAgent(paths: ClusterPaths, node: NodeRecord, clock: Clock): ProcessWatch {
    const files = { record: agentRecord(paths, node.index), log: nodePaths(paths, node.index).log };
    return new ProcessWatch(`the agent of node ${node.name}`, files, clock);
  }

  /** When the process that runs now recorded itself, milliseconds since the epoch; undefined while none has. */
  get since(): number | undefined {
    return readRunningRecord(this.#record) && statSync(this.#record, { throwIfNoEntry: false })?.mtimeMs;
  }

  /** Has a look. @throws ClusterError when the process keeps ending, or nobody starts it */
  look(): void {
    const found = aliveOf(this.#record);
    const nowMs = this.#clock.monotonic();
    if (this.#seen && found?.pid !== this.#seen.pid) this.#ends++;
    if (found) this.#seenMs = nowMs;
    this.#seen = found;
    if (this.#ends > toleratedEnds) this.fail('keeps ending');
    if (nowMs - this.#seenMs > absenceLimitMs) this.fail('does not run');
  }

  /** The last error in its log, when it has logged one. */
  get complaint(): string | undefined {
    return lastErrorIn(this.#log, this.#logFrom);
  }

  /** @throws ClusterError always */
  fail(how: string): never {
    const error = this.complaint;
    throw new ClusterError(`${this.#what} ${how}${error ? `: ${error}` : ''}; its log is ${this.#log}`);
  }
}
