/** Begins the audit of a request that the policy wants to see; whoever ends the answer ends it. */
import type { Auditor } from '../audit/index.ts';
import type { FilteredCall, Step } from './filter.ts';

/** @param auditor undefined: there is no policy, and no request costs anything */
export function withAudit<C extends FilteredCall>(auditor: Auditor | undefined, next: Step<C>): Step<C> {
  if (!auditor) return next;
  return (call) => {
    call.audit = auditor.begin(call);
    return next(call);
  };
}
