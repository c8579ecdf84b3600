/**
 * Controllers and scheduler in one process: one set of caches for all of them, and for each a user of its own to write as, with no more
 * than upstream's rights.
 */
import type { ComponentHealth, UserInfo } from '../apiserver/index.ts';
import { type Clock, type Logger, type Random, Registry, TaskGroup } from '../base/index.ts';
import {
  type Client,
  type ControllerContext,
  createClient,
  createEventRecorder,
  createInformerFactory,
  runControllers,
  type Transport,
} from '../client/index.ts';
import { type ControllersOptions, createControllers } from '../controllers/index.ts';
import { type SchedulerOptions, startScheduler } from '../scheduler/index.ts';
import { ControllerAccounts } from './controller-accounts.ts';

export interface ManagerSettings {
  /** A way to the API server for each user, under the name of the program. */
  readonly transport: (user: UserInfo, userAgent?: string) => Transport;
  /** Range of the nodes' pod ranges. */
  readonly podCidr: string;
  /** PEM; left out: no ConfigMap `kube-root-ca.crt`. */
  readonly rootCa?: string;
  /** Periods and limits; each has upstream's default. */
  readonly controllers?: ControllersOptions;
  /** False: there is none in this process. */
  readonly scheduler?: SchedulerOptions | false;
  readonly registry?: Registry;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Ends them. */
  readonly signal: AbortSignal;
}

export interface Managers {
  /** Names of what still runs in the background. */
  readonly running: readonly string[];
  /** Ends controllers and scheduler; what they know is forgotten. */
  close(): Promise<void>;
}

const controllerManager: UserInfo = { name: 'system:kube-controller-manager', groups: ['system:authenticated'] };
const scheduler: UserInfo = { name: 'system:kube-scheduler', groups: ['system:authenticated'] };

export function startManagers(settings: ManagerSettings): Managers {
  const { transport, podCidr, rootCa, clock, random, log, signal, registry = new Registry() } = settings;
  const group = new TaskGroup({ log, signal });
  const client = createClient(transport(controllerManager));
  const informers = createInformerFactory({ client, clock, random, log, group });
  const recorder = (own: Client, component: string): ReturnType<typeof createEventRecorder> =>
    createEventRecorder({ client: own, component, clock, random, group });
  const accounts = new ControllerAccounts({ transport, client, clock, random, group });
  const context: ControllerContext = {
    client,
    accountOf: (name) => accounts.of(name),
    informers,
    recorder: recorder(client, 'controllermanager'),
    clock,
    random,
    registry,
  };
  const options: ControllersOptions = {
    ...(rootCa !== undefined && { rootCa }),
    nodeIpam: { clusterCidrs: [podCidr] },
    ...settings.controllers,
  };
  const controllers = createControllers(context, options);
  group.spawn('controller accounts', (ctx) => accounts.make(ctx));
  runControllers({ controllers, context, group });
  if (settings.scheduler !== false) {
    const own = createClient(transport(scheduler));
    startScheduler({ client: own, informers, recorder: recorder(own, 'default-scheduler'), clock, random, group }, settings.scheduler);
  }
  return {
    get running() {
      return group.running;
    },
    close: () => group.close(),
  };
}

/** Whether controllers and scheduler run, under the names that upstream's `componentstatuses` has for them. */
export function componentHealth(managers: Managers | undefined): ComponentHealth[] {
  const of = (name: string, task: string): ComponentHealth =>
    managers?.running.some((running) => running.startsWith(task)) ? { name } : { name, error: 'it does not run' };
  return [of('controller-manager', 'deployment-controller '), of('scheduler', 'scheduler')];
}
