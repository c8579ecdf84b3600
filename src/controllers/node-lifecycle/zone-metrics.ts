/** How well the nodes of each zone are, under upstream's names. @source pkg/controller/nodelifecycle/metrics.go, v1.35 */
import { Counter, Gauge, Histogram, Registry } from '../../base/index.ts';

export interface ZoneMetrics {
  /** Called at each look, with the Ready statuses of every zone that has nodes; zones that had some before are empty now. */
  observe(zones: ReadonlyMap<string, readonly (string | undefined)[]>): void;
  /** A node was given a taint that drives its pods off. */
  evicted(zone: string): void;
  lookedAtOne(ms: number): void;
  lookedAtAll(ms: number): void;
}

const labelNames = ['zone'] as const;
const made = new WeakMap<Registry, ZoneMetrics>();
const timesFour = (first: number): number[] => Array.from({ length: 8 }, (_, i) => first * 4 ** i);

/** The metrics of a registry, made once: a manager that is elected again has the same. */
export function zoneMetrics(registry = new Registry()): ZoneMetrics {
  const known = made.get(registry);
  if (known) return known;
  const named = (name: string, help: string) => ({ name: `node_collector_${name}`, help, registers: [registry] });
  const metric = (name: string, help: string) => ({ ...named(name, help), labelNames });
  const health = new Gauge(metric('zone_health', 'Nodes of a zone that are ready, in per cent.'));
  const size = new Gauge(metric('zone_size', 'Nodes of a zone.'));
  const unhealthy = new Gauge(metric('unhealthy_nodes_in_zone', 'Nodes of a zone that are not ready.'));
  const evictions = new Counter(metric('evictions_total', 'Nodes whose pods were driven off.'));
  const one = new Histogram({
    ...named('update_node_health_duration_seconds', 'How long the look at a node took.'),
    buckets: timesFour(0.001),
  });
  const all = new Histogram({
    ...named('update_all_nodes_health_duration_seconds', 'How long the look at all nodes took.'),
    buckets: timesFour(0.01),
  });
  const seen = new Set<string>();
  const metrics: ZoneMetrics = {
    observe: (zones) => {
      for (const zone of seen) {
        if (zones.has(zone)) continue;
        size.set({ zone }, 0);
        health.set({ zone }, 100);
        unhealthy.set({ zone }, 0);
      }
      for (const [zone, statuses] of zones) {
        seen.add(zone);
        const notReady = statuses.filter((status) => status !== 'True').length;
        size.set({ zone }, statuses.length);
        health.set({ zone }, (100 * (statuses.length - notReady)) / statuses.length);
        unhealthy.set({ zone }, notReady);
      }
    },
    evicted: (zone) => evictions.inc({ zone }),
    lookedAtOne: (ms) => one.observe(ms / 1000),
    lookedAtAll: (ms) => all.observe(ms / 1000),
  };
  made.set(registry, metrics);
  return metrics;
}
