/** How full the ranges of nodes are, under upstream's names. @source pkg/controller/nodeipam/ipam/cidrset/metrics.go, v1.35 */
import { Counter, Gauge, Histogram, Registry } from '../../base/index.ts';
import type { CidrSet } from './cidr-set.ts';

export interface CidrMetrics {
  /** So many ranges of the set were taken just now; `tries`: how many taken ones were passed to find one. */
  allocated(set: CidrSet, count: number, tries?: number): void;
  released(set: CidrSet, count: number): void;
}

const labelNames = ['clusterCIDR'] as const;
const made = new WeakMap<Registry, CidrMetrics>();

/** The metrics of a registry, made once: a manager that is elected again has the same. */
export function cidrMetrics(registry = new Registry()): CidrMetrics {
  const known = made.get(registry);
  if (known) return known;
  const metric = (name: string, help: string) => ({ name: `node_ipam_controller_${name}`, help, labelNames, registers: [registry] });
  const allocations = new Counter(metric('cidrset_cidrs_allocations_total', 'Ranges that were taken.'));
  const releases = new Counter(metric('cidrset_cidrs_releases_total', 'Ranges that were freed.'));
  // The name is upstream's, with its slip.
  const most = new Gauge(metric('cirdset_max_cidrs', 'Ranges that there are.'));
  const usage = new Gauge(metric('cidrset_usage_cidrs', 'Share of the ranges that is taken, from 0 to 1.'));
  const passed = new Histogram({
    ...metric('cidrset_allocation_tries_per_request', 'Taken ranges that were passed to find a free one.'),
    buckets: [1, 5, 25, 125, 625],
  });
  const show = (set: CidrSet): { clusterCIDR: string } => {
    const labels = { clusterCIDR: set.cidr };
    most.set(labels, set.usage.all);
    usage.set(labels, set.usage.taken / set.usage.all);
    return labels;
  };
  const metrics: CidrMetrics = {
    allocated: (set, count, tries) => {
      const labels = show(set);
      if (count > 0) allocations.inc(labels, count);
      if (tries !== undefined) passed.observe(labels, tries);
    },
    released: (set, count) => {
      const labels = show(set);
      if (count > 0) releases.inc(labels, count);
    },
  };
  made.set(registry, metrics);
  return metrics;
}
