/**
 * Audit events as lines of a file or of standard output. `blocking`: a line is written before its stage goes on, those of one turn of the
 * loop together; `blocking-strict`: each at once, and a request whose first line cannot be written is refused; `batch`: behind a buffer.
 * @source apiserver plugin/pkg/audit/log, v1.35
 */
import { internalError } from '../../api/index.ts';
import type { Clock, Logger } from '../../base/index.ts';
import type { AuditErrors } from './audit-errors.ts';
import { type BatchOptions, BatchQueue } from './batch-queue.ts';
import { type AuditEvent, eventJson, eventLine } from './event.ts';
import type { AuditSink } from './policy-auditor.ts';
import { RotatingFile, type RotationOptions } from './rotating-file.ts';

export interface LogSinkOptions {
  /** `-`: standard output. */
  readonly path: string;
  readonly format: 'json' | 'legacy';
  readonly mode: 'batch' | 'blocking' | 'blocking-strict';
  readonly batch: BatchOptions;
  readonly rotation: RotationOptions;
}

export class LogSink implements AuditSink {
  readonly #mode: LogSinkOptions['mode'];
  readonly #format: (event: AuditEvent) => string;
  readonly #file: RotatingFile | undefined;
  readonly #queue: BatchQueue;
  readonly #log: Logger;
  readonly #errors: AuditErrors;
  #turn = '';

  /** @throws the system's error when the file cannot be opened */
  constructor(options: LogSinkOptions, deps: { readonly clock: Clock; readonly log: Logger; readonly errors: AuditErrors }) {
    const { clock, log, errors } = deps;
    this.#mode = options.mode;
    this.#format = options.format === 'json' ? eventJson : eventLine;
    this.#log = log;
    this.#errors = errors;
    this.#file = options.path === '-' ? undefined : new RotatingFile(options.path, options.rotation, clock);
    this.#file?.open();
    this.#queue = new BatchQueue(options.batch, {
      clock,
      send: (batch) => {
        this.#write(batch.map((event) => `${this.#format(event)}\n`).join(''), batch.length);
        return Promise.resolve();
      },
      onDropped: (count) => errors.count('buffered', count),
    });
  }

  process(event: AuditEvent): void {
    if (this.#mode === 'batch') {
      this.#queue.add(event);
      return;
    }
    const line = `${this.#format(event)}\n`;
    if (this.#mode === 'blocking-strict') {
      if (!this.#write(line, 1) && event.stage === 'RequestReceived') throw internalError(new Error('failed to store audit event'));
      return;
    }
    if (this.#turn === '') setImmediate(() => this.#writeTurn());
    this.#turn += line;
  }

  async close(): Promise<void> {
    await this.#queue.close(0);
    this.#writeTurn();
    this.#file?.close();
  }

  #writeTurn(): void {
    const text = this.#turn;
    this.#turn = '';
    if (text !== '') this.#write(text, 1);
  }

  #write(text: string, events: number): boolean {
    try {
      if (this.#file) this.#file.write(text);
      else process.stdout.write(text);
      return true;
    } catch (error) {
      // The log cannot be written; requests go on, as upstream's do.
      this.#errors.count('log', events);
      this.#log.error('audit events could not be written', { err: error });
      return false;
    }
  }
}
