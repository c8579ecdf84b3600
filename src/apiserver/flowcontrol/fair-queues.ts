/**
 * The queues of one priority level. Fairness is by virtual time: each queue carries the moment at which its next request would begin if all
 * busy queues were served in turn by the seat, and the earliest goes next. Knows nothing of seats in use or of clocks.
 * @source apiserver util/flowcontrol/fairqueuing/queueset; Demers, Keshav, Shenker: fair queueing
 */
import type { FlowSchemaState } from './flow-schemas.ts';
import type { FlowRequest } from './flow-control.ts';
import { Dealer } from './shuffle-sharding.ts';

export interface QueueSettings {
  readonly queues: number;
  readonly handSize: number;
  readonly queueLengthLimit: number;
}

/** A request that waits. */
export interface Waiting {
  readonly request: FlowRequest;
  readonly schema: FlowSchemaState;
  readonly distinguisher: string;
  readonly width: number;
  readonly arrivedMs: number;
  queue: FlowQueue;
  readonly dispatch: () => void;
}

export interface FlowQueue {
  readonly index: number;
  readonly waiting: Waiting[];
  executing: number;
  seatsInUse: number;
  /** Virtual time at which its next request begins. */
  nextBegin: number;
}

/** How long a request is expected to take while nobody knows, in seconds. */
const expectedSeconds = 0.003;

export class FairQueues {
  readonly settings: QueueSettings;
  readonly all: readonly FlowQueue[];
  readonly #dealer: Dealer;
  /** Those in which somebody waits. */
  readonly #busy = new Set<FlowQueue>();
  /** Virtual time: as far as every busy queue has got. */
  #now = 0;

  constructor(settings: QueueSettings) {
    this.settings = settings;
    this.all = Array.from({ length: settings.queues }, (_, index) => ({ index, waiting: [], executing: 0, seatsInUse: 0, nextBegin: 0 }));
    this.#dealer = new Dealer(settings.queues, settings.handSize);
  }

  /** The shortest queue of the flow's hand; undefined when that is full. */
  queueFor(flow: string): FlowQueue | undefined {
    let best: FlowQueue | undefined;
    for (const index of this.#dealer.deal(flow)) {
      const queue = this.all[index]!;
      if (!best || load(queue) < load(best)) best = queue;
    }
    return best && best.waiting.length < this.settings.queueLengthLimit ? best : undefined;
  }

  add(waiting: Waiting): void {
    const { queue } = waiting;
    // A queue that was idle has no claim on the past.
    if (queue.waiting.length === 0 && queue.executing === 0) queue.nextBegin = Math.max(queue.nextBegin, this.#now);
    queue.waiting.push(waiting);
    this.#busy.add(queue);
  }

  /** Takes out one that gave up. */
  remove(waiting: Waiting): void {
    const { queue } = waiting;
    const at = queue.waiting.indexOf(waiting);
    if (at >= 0) queue.waiting.splice(at, 1);
    if (queue.waiting.length === 0) this.#busy.delete(queue);
  }

  /** Who is next; it stays in its queue. */
  peek(): Waiting | undefined {
    let best: FlowQueue | undefined;
    for (const queue of this.#busy) if (!best || endOf(queue) < endOf(best)) best = queue;
    return best?.waiting[0];
  }

  /** The one that `peek` gave begins. */
  begin(waiting: Waiting): void {
    const { queue, width } = waiting;
    this.#now = Math.max(this.#now, queue.nextBegin);
    this.remove(waiting);
    queue.executing++;
    queue.seatsInUse += width;
    queue.nextBegin += width * expectedSeconds;
  }

  /** One that had begun has ended: its queue pays for what it really took. */
  end(queue: FlowQueue, width: number, seconds: number): void {
    queue.executing--;
    queue.seatsInUse -= width;
    queue.nextBegin += width * (seconds - expectedSeconds);
  }
}

function load(queue: FlowQueue): number {
  let seats = queue.seatsInUse;
  for (const { width } of queue.waiting) seats += width;
  return seats;
}

function endOf(queue: FlowQueue): number {
  return queue.nextBegin + queue.waiting[0]!.width * expectedSeconds;
}
