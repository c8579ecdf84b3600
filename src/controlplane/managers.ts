/**
 * Controllers and scheduler in one process: one set of caches for all of them, and for each a user of its own to write as, with no more
 * than upstream's rights.
 */
import { type ComponentHealth, type SchedulingExplainer, serviceAccountUser, type UserInfo } from '../apiserver/index.ts';
import { type Clock, type Logger, type Random, Registry, TaskGroup } from '../base/index.ts';
import { createClient, createEventRecorder, createInformerFactory, type Transport } from '../client/index.ts';
import type { ControllersOptions } from '../controllers/index.ts';
import { type RunningScheduler, type SchedulerOptions, startScheduler } from '../scheduler/index.ts';
// One by one: the whole door brings kubeconfigs and a server along, which a control plane needs not.
import type { ComponentFlagValues, ElectionTimes } from './component/component-flags.ts';
import { fencedBy } from './component/election.ts';
import { type ControllerManagerFlagValues, controllersOptions, nodeMasks } from './controller-manager/flags.ts';
import { startControllers } from './controller-manager/start-controllers.ts';
import { type ElectedPart, Elections, type Fences } from './elections.ts';

export interface ManagerSettings {
  /** A way to the API server for each user, under the name of the program. */
  readonly transport: (user: UserInfo, userAgent?: string) => Transport;
  /** Range of the nodes' pod ranges. */
  readonly podCidrs: readonly string[];
  /** PEM; left out: no ConfigMap `kube-root-ca.crt`. */
  readonly rootCa?: string;
  /** What requests for certificates are signed with; left out: they are not. */
  readonly signing?: ControllersOptions['signing'];
  /** Signs the tokens of ServiceAccounts that stand in Secrets; left out: none are made. */
  readonly signToken?: ControllersOptions['signToken'];
  /** Periods and limits; each has upstream's default. */
  readonly controllers?: ControllersOptions;
  /** What flags of upstream's controller manager say; over it stands `controllers`. */
  readonly controllerManagerFlags?: ControllerManagerFlagValues | undefined;
  /** Left out: nobody else may run beside, and there is no election. */
  readonly election?: ManagerElection | undefined;
  /** False: there is none in this process. */
  readonly scheduler?: SchedulerOptions | false;
  /** Its election. */
  readonly schedulerFlags?: ComponentFlagValues | undefined;
  readonly registry?: Registry;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Ends them. */
  readonly signal: AbortSignal;
}

export interface ManagerElection {
  /** The same at every start of this control plane and of nothing else: it takes up its own Lease without waiting for its end. */
  readonly identity: string;
}

export type ManagerPart = typeof controllersPart | typeof schedulerPart;

export interface Managers {
  /** Names of what still runs in the background. */
  readonly running: readonly string[];
  /** Asks the scheduler, if it runs in this process now. */
  readonly explainScheduling: SchedulingExplainer;
  /** What a part counts in its present term; undefined: it does not run in this process now. */
  readonly metricsOf: (part: ManagerPart) => Registry | undefined;
  /** Ends controllers and scheduler; what they know is forgotten. */
  close(): Promise<void>;
}

const controllerManager: UserInfo = { name: 'system:kube-controller-manager', groups: ['system:authenticated'] };
const scheduler: UserInfo = { name: 'system:kube-scheduler', groups: ['system:authenticated'] };
const controllersPart = 'controllers';
const schedulerPart = 'scheduler';
const accountNamespace = 'kube-system';
/** Nobody else wants to lead as a rule: renewing every two seconds would be most of what an idle cluster writes. */
const unhurried: ElectionTimes = { leaseDurationMs: 60_000, renewDeadlineMs: 40_000, retryPeriodMs: 10_000 };

export function startManagers(settings: ManagerSettings): Managers {
  const { clock, random, log, signal, election } = settings;
  const group = new TaskGroup({ log, signal });
  const deciding: { scheduler?: RunningScheduler | undefined } = {};
  const registries = new Map<string, Registry>();
  const metricsOf = (part: ManagerPart): Registry | undefined => registries.get(part);
  const explainScheduling: SchedulingExplainer = (key) => (deciding.scheduler ? deciding.scheduler.explain(key) : 'notRunning');
  if (!election) {
    for (const { name } of partsOf(settings)) registries.set(name, registryOf(settings, name));
    deciding.scheduler = startParts(settings, group, {
      fences: new Map(partsOf(settings).map(({ name }) => [name, undefined])),
      registries,
    });
    return {
      get running() {
        return group.running;
      },
      explainScheduling,
      metricsOf,
      close: () => group.close(),
    };
  }
  const elections = new Elections({
    parts: partsOf(settings),
    identity: election.identity,
    times: unhurried,
    clock,
    random,
    log,
    group,
    start: (fences, term) => {
      // Counts begin anew with a term, as they would in a process of its own.
      for (const name of fences.keys()) registries.set(name, registryOf(settings, name));
      const forget = (): void => fences.forEach((_, name) => registries.delete(name));
      term.signal.addEventListener('abort', forget, { once: true });
      const scheduler = startParts(settings, term, { fences, registries });
      if (!scheduler) return;
      deciding.scheduler = scheduler;
      const ended = (): void => void (deciding.scheduler = undefined);
      term.signal.addEventListener('abort', ended, { once: true });
    },
  });
  return {
    get running() {
      return [...group.running, ...elections.running];
    },
    explainScheduling,
    metricsOf,
    close: () => group.close(),
  };
}

function registryOf({ registry }: ManagerSettings, part: string): Registry {
  return (part === controllersPart && registry) || new Registry();
}

function partsOf({ transport, controllerManagerFlags = {}, schedulerFlags = {}, scheduler: wanted }: ManagerSettings): ElectedPart[] {
  const controllers = {
    name: controllersPart,
    leaseName: 'kube-controller-manager',
    client: createClient(transport(controllerManager)),
    flags: controllerManagerFlags,
  };
  const pods = { name: schedulerPart, leaseName: 'kube-scheduler', client: createClient(transport(scheduler)), flags: schedulerFlags };
  return wanted === false ? [controllers] : [controllers, pods];
}

/** Starts the parts that have an entry, over one set of caches, in the group. */
function startParts(
  settings: ManagerSettings,
  group: TaskGroup,
  { fences, registries }: { readonly fences: Fences; readonly registries: ReadonlyMap<string, Registry> },
): RunningScheduler | undefined {
  const { transport, podCidrs, rootCa, clock, random, log } = settings;
  const shared = { clock, random, log, group };
  const informers = createInformerFactory({ client: createClient(transport(controllerManager)), ...shared });
  if (fences.has(controllersPart)) {
    const fence = fences.get(controllersPart);
    const { controllerManagerFlags = {} } = settings;
    startControllers({
      transport: fencedBy(transport(controllerManager), fence),
      accountTransport: (name, userAgent) =>
        fencedBy(transport(serviceAccountUser({ namespace: accountNamespace, name, uid: '' }), userAgent), fence),
      informers,
      controllers: {
        ...(rootCa !== undefined && { rootCa }),
        ...(settings.signing && { signing: settings.signing }),
        ...(settings.signToken && { signToken: settings.signToken }),
        ...controllersOptions(controllerManagerFlags),
        nodeIpam: { clusterCidrs: podCidrs, ...nodeMasks(controllerManagerFlags) },
        ...settings.controllers,
      },
      registry: registries.get(controllersPart),
      ...shared,
    });
  }
  if (fences.has(schedulerPart) && settings.scheduler !== false) {
    const client = createClient(fencedBy(transport(scheduler), fences.get(schedulerPart)));
    const recorder = createEventRecorder({ client, component: 'default-scheduler', clock, random, group });
    const registry = registries.get(schedulerPart);
    return startScheduler({ client, informers, recorder, clock, random, group, ...(registry && { registry }) }, settings.scheduler);
  }
  return undefined;
}

/** Whether controllers and scheduler run, under the names that upstream's `componentstatuses` has for them. */
export function componentHealth(managers: Managers | undefined): ComponentHealth[] {
  const of = (name: string, task: string): ComponentHealth =>
    managers?.running.some((running) => running.startsWith(task)) ? { name } : { name, error: 'it does not run' };
  return [of('controller-manager', 'deployment-controller '), of('scheduler', 'scheduler')];
}
