/** The seam of the audit log: what the filters and the transports tell it of a request. Nothing behind it is known to them. */
import type { ApiError } from '../../api/index.ts';
import type { AuditNotes, UserInfo } from '../request.ts';
import type { Incoming } from '../server/incoming.ts';
import type { Answer } from '../verbs/answer.ts';

export interface Auditor {
  /** Undefined when the policy does not want to know of the request. @throws ApiError when the request must not go on unseen */
  begin(call: Incoming): RequestAudit | undefined;
  /** A request whose credential was refused: it has no user, and goes no further. */
  unauthenticated(call: Incoming, error: ApiError): void;
}

/** The audit of one request. */
export interface RequestAudit extends AuditNotes {
  impersonating(user: UserInfo): void;
  /** @param decision as the annotation says it */
  authorized(decision: 'allow' | 'forbid', reason: string): void;
  /** What the request came to; the answer is about to go out. */
  answered(answer: Answer): void;
  failed(error: ApiError): void;
  /** The answer has ended. @param status HTTP status */
  completed(status: number): void;
}
