/**
 * How much is done at once. A request that finds room goes on at once; one that has to wait its turn does so here; one that cannot wait
 * is refused with 429. Whoever ends the answer releases the seat.
 */
import type { FlowControl, Seat } from '../flowcontrol/index.ts';
import type { Answer } from '../verbs/answer.ts';
import type { FilteredCall, Step } from './filter.ts';

/** @param flowControl undefined: nothing is limited. @throws Overloaded */
export function withFlowControl<C extends FilteredCall>(flowControl: FlowControl | undefined, next: Step<C>): Step<C> {
  if (!flowControl) return next;
  const goOnWith = async (call: C, waiting: Promise<Seat | undefined>): Promise<Answer> => {
    call.seat = await waiting;
    return next(call);
  };
  return (call) => {
    const seat = flowControl.admit(call);
    if (seat instanceof Promise) return goOnWith(call, seat);
    call.seat = seat;
    return next(call);
  };
}
