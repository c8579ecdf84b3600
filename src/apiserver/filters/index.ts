/**
 * The order of what happens to every request before its verb runs, the same as upstream's. Read from the bottom: each filter wraps what
 * stands above it. Put together once; a request that nothing holds up passes without a promise.
 * @source apiserver pkg/server/config.go DefaultBuildHandlerChain
 */
import type { Auditor } from '../audit/index.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import type { Authorizer } from '../authorization/index.ts';
import type { FlowControl } from '../flowcontrol/index.ts';
import type { HttpCall } from '../http/http-call.ts';
import { withAudit } from './audit.ts';
import { withAuthentication } from './authentication.ts';
import { withAuthenticationFailures } from './authentication-failures.ts';
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
export function networkFilters({ authenticator, authorize, auditor, flowControl, handle }: FilterParts): Step<HttpCall> {
  const authorized = withAuthorization(authorize, handle);
  const admitted = withFlowControl<HttpCall>(flowControl, authorized);
  const acting = withImpersonation(authorize, admitted);
  const audited = withAudit(auditor, acting);
  const authenticated = withAuthentication(authenticator, audited);
  return withAuthenticationFailures(auditor, authenticated);
}

/** What a request of this process's own components passes: who asks is known from the start. */
export function inProcessFilters({ authorize, auditor, flowControl, handle }: Omit<FilterParts, 'authenticator'>): Step {
  const authorized = withAuthorization(authorize, handle);
  const admitted = withFlowControl(flowControl, authorized);
  return withAudit(auditor, admitted);
}
