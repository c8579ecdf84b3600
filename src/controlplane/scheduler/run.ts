/**
 * `knarr scheduler`: the scheduler in a process of its own, over HTTPS, elected among its like. Whoever does not lead waits; whoever loses
 * the lead ends, as upstream's does. @source cmd/kube-scheduler/app/server.go, v1.35
 */
import { type Clock, type Logger, type Random, registerProcessMetrics, Registry, TaskGroup } from '../../base/index.ts';
import { createClient, createEventRecorder, createInformerFactory, type Transport } from '../../client/index.ts';
import { startScheduler } from '../../scheduler/index.ts';
import {
  ComponentError,
  connectByKubeconfig,
  fencedBy,
  leaderElectionCheck,
  registerLeaderStatus,
  runElected,
  serveComponent,
  servingAccess,
} from '../component/index.ts';
import type { SchedulerFlagValues } from './flags.ts';
import { schedulerSettings } from './settings.ts';

export interface SchedulerConfig {
  readonly flags: SchedulerFlagValues;
  readonly version: { readonly major: string; readonly minor: string; readonly gitVersion: string };
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** What every request passes after its fence was set; for tests. */
  readonly wrap?: (transport: Transport) => Transport;
}

const program = 'kube-scheduler';
const defaultPort = 10_259;

/**
 * Runs until the signal aborts.
 * @throws ComponentError when it cannot start, or another leads now
 */
export async function runScheduler(config: SchedulerConfig, signal: AbortSignal): Promise<void> {
  const { clock, random, log, wrap = (transport) => transport } = config;
  const { flags, options } = await schedulerSettings(config.flags, clock);
  if (flags.kubeconfig === undefined) throw new ComponentError('--kubeconfig must be given: it says where the API server is');
  const shared = { clock, random, log };
  const connect = connectByKubeconfig(flags.kubeconfig, shared);
  const registry = new Registry();
  registerProcessMetrics(registry, config.version);
  let leads = false;
  registerLeaderStatus(registry, flags['leader-elect-resource-name'] ?? program, () => leads);
  const checks = (): readonly (typeof leaderElectionCheck)[] => (flags['leader-elect'] === false ? [] : [leaderElectionCheck]);
  const access = servingAccess(flags, shared, program);
  await using _server = await serveComponent({ flags, defaultPort, checks, metrics: registry, access, ...shared });
  const own = connect({ userAgent: program });
  const forLease = connect({ userAgent: `${program}/leader-election` });
  try {
    await runElected({
      flags,
      leaseName: program,
      client: createClient(wrap(forLease)),
      ...shared,
      signal,
      lead: async (ctx, fence) => {
        await using group = new TaskGroup({ log: ctx.log, signal: ctx.signal });
        const client = createClient(fencedBy(wrap(own), fence));
        const mine = { clock, random, log: ctx.log, group };
        const informers = createInformerFactory({ client, ...mine });
        const recorder = createEventRecorder({ client, component: 'default-scheduler', clock, random, group });
        startScheduler({ client, informers, recorder, registry, ...mine }, options);
        leads = true;
        await aborted(ctx.signal);
        leads = false;
      },
    });
  } catch (error) {
    // What is wrong with the configuration shows when plugins are made of it.
    if (error instanceof Error && error.name === 'ConfigurationError') throw new ComponentError(error.message, { cause: error });
    throw error;
  } finally {
    await Promise.all([own.close(), forLease.close()]);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
