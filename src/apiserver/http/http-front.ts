/**
 * From an exchange to its answer: read what is asked, let the filters and the handler behind them answer, write. Nothing thrown
 * leaves here; a client always gets an answer or a closed connection.
 */
import type { Clock, Logger } from '../../base/index.ts';
import type { ObservedRequest, RequestOutcome } from '../extension.ts';
import type { Step } from '../filters/index.ts';
import type { RequestInfo } from '../request.ts';
import { parseRequestInfo } from '../routing/request-info.ts';
import { toApiError } from '../server/error-mapping.ts';
import type { Answer } from '../verbs/answer.ts';
import { mediaTypeOf } from '../verbs/options.ts';
import { applyPatchType } from '../verbs/patch.ts';
import type { AnswerWriter, Written } from './answer-writer.ts';
import type { Exchange } from './exchange.ts';
import { type CallServer, HttpCall } from './http-call.ts';
import { defaultRequestTimeoutMs, RequestDeadlines } from './request-deadlines.ts';

export interface HttpFrontOptions {
  /** What every request passes: the filters, then its verb. */
  readonly answer: Step<HttpCall>;
  readonly nextAuditId: () => string;
  readonly writer: AnswerWriter;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long a request may take that does not stay open by nature; default a minute. */
  readonly requestTimeoutMs?: number | undefined;
  readonly observers: readonly ((request: ObservedRequest) => (outcome: RequestOutcome) => void)[];
}

export class HttpFront {
  readonly #options: HttpFrontOptions;
  readonly #server: CallServer;
  readonly #deadlines: RequestDeadlines;
  #open = 0;
  #idle: (() => void) | undefined;

  constructor(options: HttpFrontOptions) {
    this.#options = options;
    const { clock, log, nextAuditId, requestTimeoutMs = defaultRequestTimeoutMs } = options;
    this.#deadlines = new RequestDeadlines(clock, requestTimeoutMs);
    this.#server = { clock, log, nextAuditId, deadlines: this.#deadlines };
  }

  /** Answers; resolves when the answer is complete. Never rejects. */
  async serve(exchange: Exchange): Promise<void> {
    this.#open++;
    try {
      await this.#serve(exchange);
    } catch (error) {
      // Writing failed: the client is gone, or will see a broken answer.
      if (!exchange.signal.aborted) this.#options.log.warn('answer was not completed', { err: error });
      exchange.abort();
    } finally {
      this.#open--;
      if (this.#open === 0) this.#idle?.();
    }
  }

  /** Resolves when no request is being answered. */
  whenIdle(): Promise<void> {
    if (this.#open === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
  }

  async #serve(exchange: Exchange): Promise<void> {
    const { log, writer, observers, answer: filtered } = this.#options;
    const info = parseRequestInfo(exchange.method, exchange.target);
    const call = new HttpCall(exchange, { info, server: this.#server });
    const ended = observers.length > 0 ? this.#observe(exchange, info) : undefined;
    let written: Written;
    try {
      const limitMs = this.#deadlines.limitOf(info);
      const answering = filtered(call);
      const answer: Answer = answering instanceof Promise ? await this.#inTime(answering, limitMs, call) : answering;
      call.audit?.answered(answer);
      written = await this.#write(call, answer, limitMs);
    } catch (error) {
      const failure = toApiError(error, log);
      call.audit?.failed(failure);
      written = await writer.fail(call, failure);
    } finally {
      call.seat?.release();
    }
    call.audit?.completed(written.status);
    if (ended) for (const end of ended) end(written);
  }

  /** @throws ApiError Timeout; a seat that is still given to the late request is given back */
  #inTime(answering: Promise<Answer>, limitMs: number | undefined, call: HttpCall): Promise<Answer> {
    if (limitMs === undefined) return answering;
    const leave = (): void => call.seat?.release();
    return this.#deadlines.inTime(answering, limitMs).catch((error: unknown) => {
      answering.then(leave, leave);
      throw error;
    });
  }

  /** What a client takes too slowly is broken off: the head is out, so there is no other way to tell. */
  async #write(call: HttpCall, answer: Answer, limitMs: number | undefined): Promise<Written> {
    const { writer } = this.#options;
    if (limitMs === undefined || (answer.type !== 'list' && answer.type !== 'stream')) return writer.write(call, answer);
    const end = this.#deadlines.guard(limitMs, () => call.exchange.abort());
    try {
      return await writer.write(call, answer);
    } finally {
      end();
    }
  }

  #observe(exchange: Exchange, info: RequestInfo): ((outcome: RequestOutcome) => void)[] {
    const isPatch = exchange.method === 'PATCH';
    const request: ObservedRequest = {
      info,
      method: exchange.method,
      dryRun: info.query.has('dryRun'),
      isApply: isPatch && mediaTypeOf(exchange.header('content-type')) === applyPatchType,
    };
    return this.#options.observers.map((observe) => observe(request));
  }
}
