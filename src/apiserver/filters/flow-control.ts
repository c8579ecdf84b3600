/**
 * How much is done at once. A request that finds room goes on at once; one that has to wait its turn does so here; one that cannot wait
 * is refused with 429. Whoever ends the answer releases the seat.
 */
import type { FlowControl } from '../flowcontrol/index.ts';
import type { Step } from './filter.ts';

/** @param flowControl undefined: nothing is limited. @throws Overloaded */
export function withFlowControl<C extends Parameters<Step>[0]>(flowControl: FlowControl | undefined, next: Step<C>): Step<C> {
  if (!flowControl) return next;
  return (call) => {
    const seat = flowControl.admit(call);
    if (seat instanceof Promise) {
      return seat.then((taken) => {
        call.seat = taken;
        return next(call);
      });
    }
    call.seat = seat;
    return next(call);
  };
}
