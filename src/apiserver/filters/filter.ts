/**
 * What a filter is: a function made once that wraps the next step, and is called for every request. A step answers at once when it can:
 * nothing here may make a promise that nobody has to wait for.
 */
import type { RequestAudit } from '../audit/index.ts';
import type { Seat } from '../flowcontrol/index.ts';
import type { UserInfo } from '../request.ts';
import type { Incoming } from '../server/incoming.ts';
import type { Answer } from '../verbs/answer.ts';

/** A request on its way through the filters, and what they found out about it. */
export interface FilteredCall extends Incoming {
  /** Who acts: who was authenticated, or whom they impersonate. */
  user: UserInfo;
  /** Set when the request is written to the audit log. */
  audit: RequestAudit | undefined;
  /** Set while the request takes part of what the server can do at once; whoever ends the answer gives it back. */
  seat: Seat | undefined;
}

/** @throws ApiError */
export type Step<C extends FilteredCall = FilteredCall> = (call: C) => Answer | Promise<Answer>;
