/** What the queue asks the plugins of a profile: may the pod enter, and may an event help it. */
import type { corev1 } from '../../api/index.ts';
import { type ClusterEvent, type EventRegistration, eventMatches, type Plugin, type Status } from '../framework/index.ts';
import type { HeardEvent } from './in-flight.ts';
import type { QueueEntry } from './queue-entry.ts';

/** What becomes of a pod when an event happens: nothing, back when its back-off is over, or back at once. */
export type Requeue = 'skip' | 'afterBackoff' | 'now';

/** A plugin that does not say which events help is asked about all of them. */
const everything: readonly EventRegistration[] = [{ resource: '*', actions: ~0 }];

/** Asked about by a pod that an extender rejected: extenders have no hints. */
export const extenderRejector = 'Extender';

export class QueueProfile {
  readonly #preEnqueue: readonly Plugin[];
  readonly #registrations: ReadonlyMap<string, readonly EventRegistration[]>;

  /** @param plugins every plugin of the profile, once */
  constructor(plugins: readonly Plugin[], preEnqueue: readonly Plugin[] = plugins.filter((plugin) => plugin.preEnqueue !== undefined)) {
    this.#preEnqueue = preEnqueue;
    this.#registrations = new Map([
      ...plugins.map(({ name, events }): [string, readonly EventRegistration[]] => [name, events ?? everything]),
      [extenderRejector, everything],
    ]);
  }

  /** Undefined: the pod may enter. */
  gate(pod: corev1.Pod): { readonly plugin: string; readonly status: Status } | undefined {
    for (const plugin of this.#preEnqueue) {
      const status = plugin.preEnqueue?.(pod);
      if (status) return { plugin: plugin.name, status };
    }
    return undefined;
  }

  /** Plugins that want to hear of the event. */
  interestedIn(event: ClusterEvent): string[] {
    return [...this.#registrations].flatMap(([name, registrations]) =>
      registrations.some((registration) => eventMatches(registration, event)) ? [name] : [],
    );
  }

  requeue(entry: QueueEntry, { event, old, current }: HeardEvent): Requeue {
    if (event.resource === '*') return 'afterBackoff';
    let verdict: Requeue = 'skip';
    for (const plugin of rejectorsOf(entry)) {
      for (const registration of this.#registrations.get(plugin) ?? everything) {
        if (!eventMatches(registration, event) || !helps(registration, entry.info.pod, old, current)) continue;
        if (entry.pendingBy.has(plugin)) return 'now';
        if (entry.pendingBy.size === 0) return 'afterBackoff';
        verdict = 'afterBackoff';
      }
    }
    return verdict;
  }
}

function* rejectorsOf(entry: QueueEntry): IterableIterator<string> {
  yield* entry.rejectors();
  if (entry.gatedBy !== undefined) yield entry.gatedBy;
}

/** A hint that throws must not leave the pod stuck. */
function helps(registration: EventRegistration, pod: corev1.Pod, old: unknown, current: unknown): boolean {
  if (!registration.hint) return true;
  // The registration's resource says which objects its events are about.
  const hint = registration.hint as (pod: corev1.Pod, old: unknown, current: unknown) => boolean;
  try {
    return hint(pod, old, current);
  } catch {
    return true;
  }
}
