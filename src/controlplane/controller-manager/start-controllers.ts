/**
 * The controllers of one term, over one set of caches, each with a client and an event recorder of its account. Ends with the group that it
 * is given; what it knew is forgotten.
 */
import { type Clock, type Logger, type Random, Registry, type TaskGroup } from '../../base/index.ts';
import {
  type ControllerContext,
  createClient,
  createEventRecorder,
  createInformerFactory,
  type InformerFactory,
  runControllers,
  type Transport,
} from '../../client/index.ts';
import { type ControllersOptions, createControllers } from '../../controllers/index.ts';
import { ControllerAccounts } from './controller-accounts.ts';

export interface StartControllersOptions {
  /** As the manager itself: what makes accounts, and what nobody has an account for. */
  readonly transport: Transport;
  /** As the account of a controller; left out: every controller has the manager's rights. */
  readonly accountTransport?: ((account: string, userAgent: string) => Transport) | undefined;
  /** Default: caches of their own. */
  readonly informers?: InformerFactory | undefined;
  readonly controllers?: ControllersOptions;
  readonly registry?: Registry | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly group: TaskGroup;
}

/** @returns the names of the controllers that run */
export function startControllers(options: StartControllersOptions): readonly string[] {
  const { transport, accountTransport, clock, random, log, group, registry = new Registry() } = options;
  const client = createClient(transport);
  const informers = options.informers ?? createInformerFactory({ client, clock, random, log, group });
  const accounts = accountTransport && new ControllerAccounts({ transport: accountTransport, client, clock, random, group });
  const context: ControllerContext = {
    client,
    ...(accounts && { accountOf: (name: string) => accounts.of(name) }),
    informers,
    recorder: createEventRecorder({ client, component: 'controllermanager', clock, random, group }),
    clock,
    random,
    registry,
  };
  const controllers = createControllers(context, options.controllers);
  if (accounts) group.spawn('controller accounts', (ctx) => accounts.make(ctx));
  runControllers({ controllers, context, group });
  return controllers.map(({ name }) => name);
}
