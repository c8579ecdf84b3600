/**
 * Audit events to a webhook, as lists. A batch that the webhook does not take is sent again, longer and longer after; one that it never
 * takes is dropped and counted.
 * @source apiserver plugin/pkg/audit/webhook, v1.35
 */
import { type Clock, isAbort, type Logger, type Random } from '../../base/index.ts';
import { OutgoingError } from '../outgoing/index.ts';
import type { AuditErrors } from './audit-errors.ts';
import { type BatchOptions, BatchQueue } from './batch-queue.ts';
import { type AuditEvent, eventJson } from './event.ts';
import type { AuditSink } from './policy-auditor.ts';

const tries = 5;
const backoff = { factor: 1.5, jitter: 0.2 };
/** How long what waits may take to be sent when the server stops. */
const closingMs = 5_000;

export interface WebhookSinkOptions {
  readonly mode: 'batch' | 'blocking' | 'blocking-strict';
  readonly batch: BatchOptions;
  readonly initialBackoffMs: number;
}

export class WebhookSink implements AuditSink {
  readonly #options: WebhookSinkOptions;
  readonly #deps: WebhookDeps;
  readonly #queue: BatchQueue;

  constructor(options: WebhookSinkOptions, deps: WebhookDeps) {
    this.#options = options;
    this.#deps = deps;
    // Nothing here waits for an answer before it goes on: `blocking` sends each event at once, and by itself.
    const batch = options.mode === 'batch' ? options.batch : { ...options.batch, maxBatchSize: 1, throttle: undefined };
    this.#queue = new BatchQueue(batch, {
      clock: deps.clock,
      send: (events, signal) => this.#send(events, signal),
      onDropped: (count) => deps.errors.count('buffered', count),
    });
  }

  process(event: AuditEvent): void {
    this.#queue.add(event);
  }

  close(): Promise<void> {
    return this.#queue.close(closingMs);
  }

  async #send(events: readonly AuditEvent[], signal: AbortSignal): Promise<void> {
    const { post, clock, random, errors, log } = this.#deps;
    const items = events.map((event) => eventJson(event, true)).join(',');
    const body = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${items}]}`;
    for (let attempt = 1, delayMs = this.#options.initialBackoffMs; ; attempt++, delayMs *= backoff.factor) {
      try {
        await post(body, signal);
        return;
      } catch (error) {
        if (isAbort(error, signal) || attempt === tries) {
          errors.count('webhook', events.length);
          log.error('audit events were dropped: the webhook did not take them', { err: error, events: events.length });
          return;
        }
        if (!(error instanceof OutgoingError)) throw error;
      }
      await clock.sleep(delayMs * (1 + backoff.jitter * random.next()), signal);
    }
  }
}

export interface WebhookDeps {
  /** @throws OutgoingError; the signal's reason */
  readonly post: (body: string, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly errors: AuditErrors;
}
