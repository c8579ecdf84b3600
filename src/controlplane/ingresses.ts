/** The control plane's half of the Ingress controller: class and statuses while it is on, their end once it is off. */
import type { Clock, Logger, Random, TaskGroup } from '../base/index.ts';
import { type Client, createEventRecorder, createInformerFactory, runControllers } from '../client/index.ts';

export interface KeepIngressesOptions {
  readonly enabled: boolean;
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly group: TaskGroup;
}

/** Runs until the group closes; where the controller is off, until what it wrote is gone. */
export function keepIngresses(options: KeepIngressesOptions): void {
  options.group.spawn('ingresses', () => keep(options));
}

/** Loads what it needs when all else has been started. */
async function keep({ enabled, client, clock, random, log, group }: KeepIngressesOptions): Promise<void> {
  const { createIngressStatusController, makeIngressClass, retireIngress } = await import('../ingress/keeper/index.ts');
  if (!enabled) {
    retireIngress({ client, clock, group });
    return;
  }
  makeIngressClass({ client, clock, group });
  const informers = createInformerFactory({ client, clock, random, log, group });
  const recorder = createEventRecorder({ client, component: 'knarr-ingress', clock, random, group });
  const context = { client, informers, recorder, clock, random };
  runControllers({ controllers: [createIngressStatusController(client, informers)], context, group });
}
