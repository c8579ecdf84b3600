/** How many equal outcomes in a row make a result. Pure. @source prober/worker.go */

export type ProbeResult = 'success' | 'failure';

export class Thresholds {
  readonly #needed: Readonly<Record<ProbeResult, number>>;
  #last: ProbeResult | undefined;
  #run = 0;

  constructor(probe: { readonly successThreshold?: number; readonly failureThreshold?: number }) {
    this.#needed = { success: probe.successThreshold ?? 1, failure: probe.failureThreshold ?? 3 };
  }

  /** Counts one outcome. @returns the result that it confirms, or undefined while there are too few */
  count(outcome: ProbeResult): ProbeResult | undefined {
    this.#run = this.#last === outcome ? this.#run + 1 : 1;
    this.#last = outcome;
    return this.#run >= this.#needed[outcome] ? outcome : undefined;
  }
}
