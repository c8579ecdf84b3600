/**
 * One priority level: its seats, who has them and who waits for them. Invariants: seats in use never pass the limit, but for a request that
 * is wider than the whole level and runs alone; whoever waits is dispatched, times out, or goes away, and does exactly one of these; while
 * nobody waits, a request takes its seat without a promise.
 */
import { type Clock, offAbort, onAbort } from '../../base/index.ts';
import type { SeatLimits } from './borrowing.ts';
import { FairQueues, type FlowQueue, type QueueSettings, type Waiting } from './fair-queues.ts';
import type { FlowRequest, Seat } from './flow-control.ts';
import type { FlowSchemaState } from './flow-schemas.ts';
import { Overloaded } from './overloaded.ts';
import { RetryAfter } from './retry-after.ts';
import { SeatDemand } from './seat-demand.ts';
import type { RequestWidth } from './width.ts';

export interface LevelSettings {
  readonly isExempt: boolean;
  /** Undefined: requests beyond the limit are refused at once. */
  readonly queuing: QueueSettings | undefined;
  readonly limits: SeatLimits;
}

/** What became of requests, since the beginning. */
export interface LevelCounts {
  dispatched: number;
  rejected: number;
  timedOut: number;
  cancelled: number;
}

export interface LevelHost {
  readonly clock: Clock;
  /** How long a request waits at most. */
  readonly waitLimitMs: number;
  /** A request had to wait or was refused. */
  readonly onPressure: () => void;
  /** How long it had to wait. */
  readonly onWaited: (schema: FlowSchemaState, waitedMs: number, dispatched: boolean) => void;
}

export class PriorityLevel {
  readonly name: string;
  readonly counts: LevelCounts = { dispatched: 0, rejected: 0, timedOut: 0, cancelled: 0 };
  readonly demand: SeatDemand;
  /** Seats at once, until the next round of borrowing. */
  limit = 0;
  smoothed = 0;
  settings: LevelSettings;
  /** No schema leads here any more: it goes when its last request has ended. */
  isQuiescing = false;
  seatsInUse = 0;
  waiting = 0;
  waitingSeats = 0;
  readonly executing = new Set<LevelSeat>();
  readonly #host: LevelHost;
  readonly #retryAfter: RetryAfter;
  #queues: FairQueues | undefined;
  /** Queues of an earlier setting in which somebody still waits. */
  #former: FairQueues[] = [];

  constructor(name: string, settings: LevelSettings, host: LevelHost) {
    this.name = name;
    this.#host = host;
    this.settings = settings;
    this.demand = new SeatDemand(host.clock.monotonic());
    this.#retryAfter = new RetryAfter(host.clock);
    this.configure(settings);
  }

  configure(settings: LevelSettings): void {
    const { queuing, limits } = settings;
    const before = this.#queues?.settings;
    if (this.settings.limits.nominal !== limits.nominal || this.limit === 0) this.limit = limits.nominal;
    this.settings = settings;
    if (
      before?.queues === queuing?.queues &&
      before?.handSize === queuing?.handSize &&
      before?.queueLengthLimit === queuing?.queueLengthLimit
    ) {
      return;
    }
    if (this.#queues) this.#former.push(this.#queues);
    this.#queues = queuing && new FairQueues(queuing);
  }

  get queues(): readonly FlowQueue[] {
    return [...this.#former, ...(this.#queues ? [this.#queues] : [])].flatMap(({ all }) => all);
  }

  get isIdle(): boolean {
    return this.waiting === 0 && this.executing.size === 0;
  }

  /** @throws Overloaded at once, or later from the promise */
  admit(schema: FlowSchemaState, width: RequestWidth, request: FlowRequest): Seat | Promise<Seat> {
    const nowMs = this.#host.clock.monotonic();
    if (this.settings.isExempt || (this.waiting === 0 && this.#hasRoomFor(width.seats))) {
      return this.#take(new LevelSeat(this, schema, width, request, nowMs, undefined), nowMs);
    }
    this.#host.onPressure();
    if (!this.#queues) throw this.#rejected(schema, 'concurrency-limit');
    const { user, info } = request;
    const distinguisher = schema.distinguisher === undefined ? '' : schema.distinguisher === 'ByUser' ? user.name : info.namespace;
    const queue = this.#queues.queueFor(`${schema.name}/${distinguisher}`);
    if (!queue) throw this.#rejected(schema, 'queue-full');
    return this.#wait(this.#queues, { request, schema, distinguisher, queue, width, nowMs });
  }

  /** Gives a seat back and lets others begin. */
  release(seat: LevelSeat): void {
    if (!this.executing.delete(seat)) return;
    const { schema, width, queue } = seat;
    const nowMs = this.#host.clock.monotonic();
    const { counts } = schema;
    counts.executing--;
    counts.executingSeats -= width.seats;
    if (queue)
      for (const queues of this.#everyQueues())
        if (queues.all[queue.index] === queue) queues.end(queue, width.seats, (nowMs - seat.beganMs) / 1000);
    if (width.finalSeats > 0 && !this.settings.isExempt) {
      // What a write costs the watches of its resource is paid after its answer.
      this.seatsInUse += width.finalSeats;
      this.#host.clock.setTimer(width.finalMs, () => {
        this.seatsInUse -= width.finalSeats;
        this.dispatch();
      });
    }
    this.seatsInUse -= width.seats;
    this.demand.set(this.seatsInUse + this.waitingSeats, nowMs);
    if (this.waiting > 0) this.dispatch();
  }

  /** Lets begin whoever finds room, in the order that is fair. */
  dispatch(): void {
    while (this.waiting > 0) {
      const queues = this.#everyQueues().find((candidate) => candidate.peek() !== undefined);
      const next = queues?.peek();
      if (!queues || !next || !this.#hasRoomFor(next.width)) return;
      queues.begin(next);
      next.dispatch();
    }
    if (this.#former.length > 0) this.#former = [];
  }

  #everyQueues(): FairQueues[] {
    return this.#queues ? [...this.#former, this.#queues] : this.#former;
  }

  #hasRoomFor(seats: number): boolean {
    return seats > this.limit ? this.seatsInUse === 0 : this.seatsInUse + seats <= this.limit;
  }

  #take(seat: LevelSeat, nowMs: number): LevelSeat {
    const { counts } = seat.schema;
    const { seats } = seat.width;
    this.counts.dispatched++;
    this.executing.add(seat);
    counts.dispatched++;
    counts.executing++;
    counts.executingSeats += seats;
    this.seatsInUse += seats;
    this.demand.set(this.seatsInUse + this.waitingSeats, nowMs);
    return seat;
  }

  #wait(
    queues: FairQueues,
    about: Omit<Waiting, 'width' | 'arrivedMs' | 'dispatch'> & { readonly width: RequestWidth; readonly nowMs: number },
  ): Promise<LevelSeat> {
    const { request, schema, width, nowMs, queue, distinguisher } = about;
    const { clock, waitLimitMs, onWaited } = this.#host;
    return new Promise((resolve, reject) => {
      const done = (dispatched: boolean): void => {
        limit.cancel();
        offAbort(request.signal, cancel);
        this.waiting--;
        this.waitingSeats -= width.seats;
        schema.counts.waiting--;
        schema.counts.waitingSeats -= width.seats;
        onWaited(schema, clock.monotonic() - nowMs, dispatched);
      };
      const giveUp = (reason: 'time-out' | 'cancelled'): void => {
        for (const every of this.#everyQueues()) every.remove(waiting);
        done(false);
        reject(this.#rejected(schema, reason));
        // It may have stood before others that need less.
        this.dispatch();
      };
      const cancel = (): void => giveUp('cancelled');
      const waiting: Waiting = {
        request,
        schema,
        distinguisher,
        queue,
        width: width.seats,
        arrivedMs: nowMs,
        dispatch: () => {
          done(true);
          const beganMs = clock.monotonic();
          resolve(this.#take(new LevelSeat(this, schema, width, request, beganMs, queue), beganMs));
        },
      };
      const limit = clock.setTimer(waitLimitMs, () => giveUp('time-out'));
      onAbort(request.signal, cancel);
      this.waiting++;
      this.waitingSeats += width.seats;
      schema.counts.waiting++;
      schema.counts.waitingSeats += width.seats;
      this.demand.set(this.seatsInUse + this.waitingSeats, nowMs);
      queues.add(waiting);
      this.dispatch();
    });
  }

  #rejected(schema: FlowSchemaState, reason: 'concurrency-limit' | 'queue-full' | 'time-out' | 'cancelled'): Overloaded {
    const { rejected } = schema.counts;
    rejected.set(reason, (rejected.get(reason) ?? 0) + 1);
    if (reason === 'cancelled') this.counts.cancelled++;
    else if (reason === 'time-out') this.counts.timedOut++;
    else this.counts.rejected++;
    return new Overloaded(this.#retryAfter.afterRefusal(), schema.headers);
  }
}

/** A request that runs. */
export class LevelSeat implements Seat {
  readonly level: PriorityLevel;
  readonly schema: FlowSchemaState;
  readonly width: RequestWidth;
  readonly request: FlowRequest;
  readonly beganMs: number;
  /** Undefined when it did not have to wait. */
  readonly queue: FlowQueue | undefined;

  // One a request: fields in place of an options object.
  constructor(
    level: PriorityLevel,
    schema: FlowSchemaState,
    width: RequestWidth,
    request: FlowRequest,
    beganMs: number,
    queue: FlowQueue | undefined,
  ) {
    this.level = level;
    this.schema = schema;
    this.width = width;
    this.request = request;
    this.beganMs = beganMs;
    this.queue = queue;
  }

  get headers(): Readonly<Record<string, string>> {
    return this.schema.headers;
  }

  release(): void {
    this.level.release(this);
  }
}
