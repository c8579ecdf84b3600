/** The door of bootstrapping: the objects of the system itself, made at the start and kept. */
import { formatTime, isAbort } from '../../base/index.ts';
import { loopbackUser } from '../auth/users.ts';
import type { ApiServerHost, ExtensionFactory } from '../extension.ts';
import type { StartUpSteps } from '../health/index.ts';
import { SystemKeeper, type SystemKeeperOptions } from './system-keeper.ts';

export type { ServerAddress } from './system-objects.ts';

export interface BootstrapOptions extends Omit<SystemKeeperOptions, 'now'> {
  readonly steps: StartUpSteps;
  /** How often the objects are looked after; default ten seconds. */
  readonly intervalMs?: number;
}

export function bootstrapExtension(options: BootstrapOptions): ExtensionFactory {
  const { steps } = options;
  const named = {
    'start-system-namespaces-controller': (keeper: SystemKeeper) => keeper.keepNamespaces(),
    'scheduling/bootstrap-system-priority-classes': (keeper: SystemKeeper) => keeper.keepPriorityClasses(),
    'start-legacy-token-tracking-controller': (keeper: SystemKeeper) => keeper.keepTokenTracking(),
    'start-kubernetes-service-cidr-controller': (keeper: SystemKeeper) => keeper.keepServiceCidr(),
    'bootstrap-controller': (keeper: SystemKeeper) => keeper.keepService(),
  } as const;
  for (const name of Object.keys(named)) steps.announce(name);
  return (host) => {
    const op = { user: loopbackUser, signal: host.signal, warn: () => {} };
    const keeper = new SystemKeeper(host.registry, op, { ...options, now: () => formatTime(host.clock.now()) });
    const run = async (): Promise<void> => {
      for (const [name, step] of Object.entries(named)) {
        await step(keeper);
        steps.finish(name);
      }
    };
    return {
      start: async () => {
        // What cannot be made now leaves the server not ready, and is tried again.
        await attempt(host, run);
        void keep(host, run, options.intervalMs ?? 10_000);
      },
    };
  };
}

async function keep(host: ApiServerHost, run: () => Promise<void>, intervalMs: number): Promise<void> {
  try {
    for (;;) {
      await host.clock.sleep(intervalMs, host.signal);
      await attempt(host, run);
    }
  } catch (error) {
    if (!isAbort(error, host.signal)) host.log.error('keeping the objects of the system ended', { err: error });
  }
}

async function attempt({ log, signal }: ApiServerHost, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (isAbort(error, signal)) throw error;
    log.error('an object of the system could not be made or mended', { err: error });
  }
}
