/**
 * How many seats the requests of a level wanted over a period: mean, deviation and most. What is lent and borrowed is decided by it.
 * @source apiserver util/flowcontrol/seat_demand_stats.go, KEP-1040 "Seat Borrowing"
 */

export interface DemandSummary {
  readonly average: number;
  readonly deviation: number;
  readonly highWatermark: number;
}

export class SeatDemand {
  #sinceMs: number;
  #changedMs: number;
  #demand = 0;
  #weighted = 0;
  #weightedSquares = 0;
  #highest = 0;

  /** @param nowMs of a monotonic clock, as everywhere here */
  constructor(nowMs: number) {
    this.#sinceMs = this.#changedMs = nowMs;
  }

  get highest(): number {
    return this.#highest;
  }

  /** @param seats in use and waited for from now on */
  set(seats: number, nowMs: number): void {
    const lastedMs = nowMs - this.#changedMs;
    this.#weighted += this.#demand * lastedMs;
    this.#weightedSquares += this.#demand * this.#demand * lastedMs;
    this.#changedMs = nowMs;
    this.#demand = seats;
    if (seats > this.#highest) this.#highest = seats;
  }

  /** Sums up the period that ends now and begins the next. */
  next(nowMs: number): DemandSummary {
    this.set(this.#demand, nowMs);
    const lastedMs = nowMs - this.#sinceMs;
    const average = lastedMs > 0 ? this.#weighted / lastedMs : this.#demand;
    const variance = lastedMs > 0 ? this.#weightedSquares / lastedMs - average * average : 0;
    const summary = { average, deviation: Math.sqrt(Math.max(0, variance)), highWatermark: this.#highest };
    this.#sinceMs = nowMs;
    this.#weighted = this.#weightedSquares = 0;
    this.#highest = this.#demand;
    return summary;
  }
}
