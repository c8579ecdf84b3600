/** Counts events that were lost, by the part that lost them. @source apiserver_audit_error_total */
import { Counter, type Registry } from '../../base/index.ts';

export class AuditErrors {
  readonly #counter: Counter<'plugin'>;

  constructor(registry: Registry) {
    const help = 'Audit events that were not written, by the part of the pipeline that lost them.';
    this.#counter = new Counter({ name: 'apiserver_audit_error_total', help, labelNames: ['plugin'], registers: [registry] });
  }

  count(plugin: 'buffered' | 'log' | 'webhook', events: number): void {
    this.#counter.inc({ plugin }, events);
  }
}
