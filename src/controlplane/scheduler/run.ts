/**
 * `knarr scheduler`: the scheduler in a process of its own, over HTTPS, elected among its like.
 * @source cmd/kube-scheduler/app/server.go, v1.35
 */
import { createClient, createEventRecorder, createInformerFactory } from '../../client/index.ts';
import { startScheduler } from '../../scheduler/index.ts';
import { type ComponentConfig, ComponentError, runElectedComponent, type Term } from '../component/index.ts';
import type { SchedulerFlagValues } from './flags.ts';
import { schedulerSettings } from './settings.ts';

export type SchedulerConfig = ComponentConfig<SchedulerFlagValues>;

const defaultPort = 10_259;

/**
 * Runs until the signal aborts.
 * @throws ComponentError when it cannot start, or another leads now
 */
export async function runScheduler(config: SchedulerConfig, signal: AbortSignal): Promise<void> {
  const { flags, options } = await schedulerSettings(config.flags, config.clock);
  const scheduler = {
    program: 'kube-scheduler',
    defaultPort,
    start: ({ transport, registry, clock, random, log, group }: Term): readonly string[] => {
      const client = createClient(transport);
      const informers = createInformerFactory({ client, clock, random, log, group });
      const recorder = createEventRecorder({ client, component: 'default-scheduler', clock, random, group });
      startScheduler({ client, informers, recorder, registry, clock, random, log, group }, options);
      return [];
    },
  };
  try {
    await runElectedComponent(scheduler, { ...config, flags }, signal);
  } catch (error) {
    // What is wrong with the configuration shows when plugins are made of it.
    if (error instanceof Error && error.name === 'ConfigurationError') throw new ComponentError(error.message, { cause: error });
    throw error;
  }
}
