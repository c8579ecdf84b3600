/**
 * The order of what happens to every request before its verb runs, the same as upstream's. Read from the top: each filter wraps what
 * stands below it. Put together once; a request that nothing holds up passes without a promise.
 * @source apiserver pkg/server/config.go DefaultBuildHandlerChain
 */
import type { Auditor } from '../audit/index.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import type { Authorizer } from '../authorization/index.ts';
import type { FlowControl } from '../flowcontrol/index.ts';
import type { HttpCall } from '../http/http-call.ts';
import { withAudit } from './audit.ts';
import { withAuthentication } from './authentication.ts';
import { withAuthorization } from './authorization.ts';
import type { Step } from './filter.ts';
import { withFlowControl } from './flow-control.ts';
import { withImpersonation } from './impersonation.ts';

export type { FilteredCall, Step } from './filter.ts';

export interface FilterParts {
  readonly authenticator: Authenticator;
  readonly authorize: Authorizer;
  /** Undefined: nothing is audited. */
  readonly auditor: Auditor | undefined;
  /** Undefined: nothing is limited. */
  readonly flowControl: FlowControl | undefined;
  /** Routes and runs the verb. */
  readonly handle: Step;
}

/** What a request over the network passes. */
export function networkFilters(parts: FilterParts): Step<HttpCall> {
  return withAuthentication(
    parts.authenticator,
    withAudit(
      parts.auditor,
      withImpersonation(
        parts.authorize,
        withFlowControl(
          parts.flowControl, //
          withAuthorization(parts.authorize, parts.handle),
        ),
      ),
    ),
  );
}

/** What a request of this process's own components passes: who asks is known from the start. */
export function inProcessFilters(parts: Omit<FilterParts, 'authenticator'>): Step {
  return withAudit(
    parts.auditor,
    withFlowControl(
      parts.flowControl, //
      withAuthorization(parts.authorize, parts.handle),
    ),
  );
}
