/**
 * What a webhook said, for a while: bounded in number and in size, because those who ask choose what is asked. What was not wanted for
 * the longest time goes first.
 */
import type { Clock } from '../../../base/index.ts';
import type { Verdict } from '../authorizer.ts';

/** @source apiserver plugin/pkg/authorizer/webhook (responseCache) */
const maxVerdicts = 8_192;
/** Of questions and reasons together, in characters. */
const maxTotalLength = 16 * 1024 * 1024;
/** A longer question, or a longer reason, is not worth keeping. @source maxControlledAttrCacheSize */
const maxLength = 10_000;

interface Kept {
  readonly verdict: Verdict;
  readonly untilMs: number;
}

export class VerdictCache {
  readonly #clock: Clock;
  /** In the order of their last use. */
  readonly #kept = new Map<string, Kept>();
  #length = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#kept.size;
  }

  get(question: string): Verdict | undefined {
    const kept = this.#kept.get(question);
    if (!kept) return undefined;
    this.#forget(question, kept);
    if (kept.untilMs <= this.#clock.monotonic()) return undefined;
    this.#keep(question, kept);
    return kept.verdict;
  }

  /** @param lifeMs 0: not at all */
  set(question: string, verdict: Verdict, lifeMs: number): void {
    if (lifeMs <= 0 || question.length > maxLength || verdict.reason.length > maxLength) return;
    const before = this.#kept.get(question);
    if (before) this.#forget(question, before);
    this.#keep(question, { verdict, untilMs: this.#clock.monotonic() + lifeMs });
    while (this.#kept.size > maxVerdicts || this.#length > maxTotalLength) {
      const [oldest, kept] = this.#kept.entries().next().value!;
      this.#forget(oldest, kept);
    }
  }

  #keep(question: string, kept: Kept): void {
    this.#kept.set(question, kept);
    this.#length += question.length + kept.verdict.reason.length;
  }

  #forget(question: string, kept: Kept): void {
    this.#kept.delete(question);
    this.#length -= question.length + kept.verdict.reason.length;
  }
}
