/**
 * An authorizer that asks a webhook. What it said lately is answered at once; whoever asks what is being asked already waits for the same
 * answer; when too many wait, or no answer comes, the failure policy decides.
 * @source apiserver plugin/pkg/authorizer/webhook/webhook.go, v1.35
 */
import type { JsonObject } from '../../../api/index.ts';
import { type Clock, isAbort, type Logger } from '../../../base/index.ts';
import { OutgoingError, type WebhookClient } from '../../outgoing/index.ts';
import type { Authorizer, Verdict } from '../authorizer.ts';
import { accessReview, accessReviewSpec, type ReviewVersion, verdictOf } from './access-review.ts';
import { VerdictCache } from './verdict-cache.ts';

/** For one question with all its tries: as long as a request may take. */
const deadlineMs = 60_000;
/** Most different questions that wait for their answer. */
const maxWaiting = 1_024;

export interface WebhookPolicy {
  readonly version: ReviewVersion;
  /** How long a verdict is believed; 0: it is asked for each time. */
  readonly authorizedMs: number;
  readonly unauthorizedMs: number;
  /** What is decided when there is no answer; either way the failure is told. */
  readonly onFailure: 'no-opinion' | 'deny';
}

export interface WebhookMeans {
  readonly client: Pick<WebhookClient, 'post' | 'close'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export class WebhookAuthorizer {
  readonly #policy: WebhookPolicy;
  readonly #means: WebhookMeans;
  readonly #known: VerdictCache;
  readonly #asking = new Map<string, Promise<Verdict>>();
  #closed = false;

  constructor(policy: WebhookPolicy, means: WebhookMeans) {
    this.#policy = policy;
    this.#means = means;
    this.#known = new VerdictCache(means.clock);
  }

  readonly authorize: Authorizer = (user, access) => {
    const spec = accessReviewSpec(user, access);
    const question = JSON.stringify(spec);
    const known = this.#known.get(question) ?? this.#asking.get(question);
    if (known) return known;
    if (this.#asking.size >= maxWaiting) return this.#failed(`more than ${maxWaiting} questions wait for the webhook`);
    const asking = this.#ask(accessReview(spec, this.#policy.version), question).finally(() => {
      this.#asking.delete(question);
      this.#closeIfIdle();
    });
    this.#asking.set(question, asking);
    return asking;
  };

  /** Gives the connections back once nobody waits any more. */
  close(): void {
    this.#closed = true;
    this.#closeIfIdle();
  }

  async #ask(review: JsonObject, question: string): Promise<Verdict> {
    const { client, clock, log, signal } = this.#means;
    const { version, authorizedMs, unauthorizedMs } = this.#policy;
    const late = new AbortController();
    using _deadline = clock.setTimer(deadlineMs, () =>
      late.abort(new OutgoingError('the webhook did not answer: context deadline exceeded')),
    );
    try {
      const verdict = verdictOf(await client.post(review, AbortSignal.any([signal, late.signal])), version);
      if (verdict.error === undefined) this.#known.set(question, verdict, verdict.decision === 'allow' ? authorizedMs : unauthorizedMs);
      return verdict;
    } catch (error) {
      if (isAbort(error, signal)) return this.#failed('the server is shutting down');
      // Whatever kept it from answering, be it the file with our token: the policy decides, and nothing is allowed by accident.
      log.error('Failed to make webhook authorizer request', { err: error });
      return this.#failed((error as Error).message);
    }
  }

  #failed(error: string): Verdict {
    return { decision: this.#policy.onFailure, reason: '', error };
  }

  #closeIfIdle(): void {
    if (this.#closed && this.#asking.size === 0) this.#means.client.close();
  }
}
