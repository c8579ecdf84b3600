/**
 * Authorization as an extension of the server: the authorizer itself, the guard against escalation, the reviews, and the default
 * policy that is made at the start.
 */
import { isAbort } from '../../base/index.ts';
import { loopbackUser } from '../auth/users.ts';
import type { ApiServerHost, ExtensionFactory } from '../extension.ts';
import type { FlagValues } from '../flags/index.ts';
import type { StartUpSteps } from '../health/index.ts';
import { type AdditionalPolicy, PolicyKeeper } from './bootstrap/policy-keeper.ts';
import { configuredAuthorization } from './configuration/configured-authorization.ts';
import { NodeRelations } from './node/node-relations.ts';
import { escalationHooks } from './rbac/escalation.ts';
import { PolicyIndex } from './rbac/policy-index.ts';
import { reviewHandlers } from './reviews/review-handlers.ts';

export interface AuthorizationOptions {
  /** Kept beside the default policy. */
  readonly policy?: AdditionalPolicy;
  /** Say who is asked, in which order. Default: Node, RBAC. */
  readonly flags?: FlagValues | undefined;
  readonly steps: StartUpSteps;
}

const step = 'rbac/bootstrap-roles';
const retryMs = 1_000;

export function authorizationExtension({ steps, flags = {}, policy }: AuthorizationOptions): ExtensionFactory {
  steps.announce(step);
  return (host) => {
    const index = new PolicyIndex(host.registry);
    let relations: NodeRelations | undefined;
    const { authorize, listRules } = configuredAuthorization(flags, host, {
      policy: index,
      relations: () => (relations ??= new NodeRelations(host.registry)),
    });
    return {
      authorizer: authorize,
      hooks: escalationHooks(index, authorize),
      subresources: reviewHandlers(authorize, listRules),
      start: async () => {
        const keeper = new PolicyKeeper(host.registry, { user: loopbackUser, signal: host.signal, warn: () => {} }, policy);
        // What cannot be made now leaves the server not ready, and is tried again.
        if (await keptOnce(host, keeper)) steps.finish(step);
        else void keepTrying(host, keeper, () => steps.finish(step));
      },
    };
  };
}

async function keptOnce({ log, signal }: ApiServerHost, keeper: PolicyKeeper): Promise<boolean> {
  try {
    await keeper.keep();
    return true;
  } catch (error) {
    if (isAbort(error, signal)) throw error;
    log.error('the default policy could not be made or mended', { err: error });
    return false;
  }
}

async function keepTrying(host: ApiServerHost, keeper: PolicyKeeper, done: () => void): Promise<void> {
  try {
    do await host.clock.sleep(retryMs, host.signal);
    while (!(await keptOnce(host, keeper)));
    done();
  } catch (error) {
    if (!isAbort(error, host.signal)) throw error;
  }
}
