/** What the garbage collector counts, under upstream's name. @source pkg/controller/garbagecollector/metrics, v1.35 */
import { Counter, Registry } from '../../base/index.ts';

const made = new WeakMap<Registry, Counter>();

/** The counter of a registry, made once: a manager that is elected again has the same. */
export function syncErrorCounter(registry = new Registry()): Counter {
  const known = made.get(registry);
  if (known) return known;
  const counter = new Counter({
    name: 'garbagecollector_controller_resources_sync_error_total',
    help: 'Times that it could not be learned what is served.',
    registers: [registry],
  });
  made.set(registry, counter);
  return counter;
}
