/** How the looks at namespaces ended, under upstream's names. @source pkg/controller/certificates/rootcacertpublisher/metrics.go, v1.35 */
import { Counter, Histogram, Registry } from '../../base/index.ts';

export interface RootCaMetrics {
  /** @param code HTTP status; 200: all is well */
  synced(code: number, tookMs: number): void;
}

const labelNames = ['code'] as const;
const made = new WeakMap<Registry, RootCaMetrics>();

/** The metrics of a registry, made once: a manager that is elected again has the same. */
export function rootCaMetrics(registry = new Registry()): RootCaMetrics {
  const known = made.get(registry);
  if (known) return known;
  const metric = (name: string, help: string) => ({ name: `root_ca_cert_publisher_${name}`, help, labelNames, registers: [registry] });
  const total = new Counter(metric('sync_total', 'Looks at namespaces.'));
  const seconds = new Histogram({
    ...metric('sync_duration_seconds', 'How long looks at namespaces took.'),
    buckets: Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i),
  });
  const metrics: RootCaMetrics = {
    synced: (code, tookMs) => {
      const labels = { code: String(code) };
      total.inc(labels);
      seconds.observe(labels, tookMs / 1000);
    },
  };
  made.set(registry, metrics);
  return metrics;
}
