/**
 * The plain limits, in place of priorities: so many reading and so many writing requests at once; one more is refused.
 * @source apiserver pkg/server/filters/maxinflight.go
 */
import type { Clock } from '../../base/index.ts';
import { isLongRunning } from '../routing/long-running.ts';
import type { FlowControl, FlowRequest, Seat } from './flow-control.ts';
import { Overloaded } from './overloaded.ts';
import { RetryAfter } from './retry-after.ts';

export interface InflightOptions {
  /** `--max-requests-inflight`; 0: no limit. */
  readonly maxReading: number;
  /** `--max-mutating-requests-inflight`; 0: no limit. */
  readonly maxMutating: number;
}

interface Running {
  readonly max: number;
  count: number;
  rejected: number;
}

export class InflightLimits implements FlowControl {
  readonly reading: Running;
  readonly mutating: Running;
  readonly #retryAfter: RetryAfter;

  constructor({ maxReading, maxMutating }: InflightOptions, clock: Clock) {
    this.reading = { max: maxReading, count: 0, rejected: 0 };
    this.mutating = { max: maxMutating, count: 0, rejected: 0 };
    this.#retryAfter = new RetryAfter(clock);
  }

  admit({ user, info }: FlowRequest): Seat | undefined {
    if (isLongRunning(info)) return undefined;
    const running = readingVerbs.has(info.verb) ? this.reading : this.mutating;
    if (running.max === 0) return undefined;
    // Administrators get in even now, to find out what is wrong.
    if (running.count >= running.max && !user.groups.includes('system:masters')) {
      running.rejected++;
      throw new Overloaded(this.#retryAfter.afterRefusal());
    }
    running.count++;
    let isHeld = true;
    return {
      headers: undefined,
      release: () => {
        if (isHeld) running.count--;
        isHeld = false;
      },
    };
  }
}

/** @source nonMutatingRequestVerbs */
const readingVerbs: ReadonlySet<string> = new Set(['get', 'list', 'watch']);
