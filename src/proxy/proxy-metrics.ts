/** What the service proxy counts, under the names that dashboards know. @source kube-proxy v1.35, pkg/proxy/metrics */
import { Counter, Gauge, Histogram, type Registry } from '../base/index.ts';

/** Milliseconds doubled 15 times from 1. */
const syncBuckets = Array.from({ length: 15 }, (_, power) => 0.001 * 2 ** power);
const range = (from: number, count: number, step: number): number[] => Array.from({ length: count }, (_, at) => from + at * step);
const programmingBuckets = [0.25, 0.5, ...range(1, 59, 1), ...range(60, 12, 5), ...range(120, 7, 30)];

export interface ProxyMetrics {
  readonly syncSeconds: Histogram;
  readonly fullSyncSeconds: Histogram;
  readonly partialSyncSeconds: Histogram;
  readonly programmingSeconds: Histogram;
  readonly lastSync: Gauge;
  readonly lastQueued: Gauge;
  readonly failures: Counter;
  readonly cleanupFailures: Counter;
  readonly serviceChanges: Counter;
  readonly endpointChanges: Counter;
  readonly pendingServices: Gauge;
  readonly pendingEndpoints: Gauge;
  readonly noLocalEndpoints: Gauge<'traffic_policy'>;
  readonly deletedFlows: Counter;
  readonly refusedServices: Gauge;
}

export function proxyMetrics(registry: Registry): ProxyMetrics {
  const registers = [registry];
  const counter = (name: string, help: string): Counter => new Counter({ name: `kubeproxy_${name}`, help, registers });
  const gauge = (name: string, help: string): Gauge => new Gauge({ name: `kubeproxy_${name}`, help, registers });
  const histogram = (name: string, help: string, buckets: number[]): Histogram =>
    new Histogram({ name: `kubeproxy_${name}`, help, buckets, registers });
  return {
    syncSeconds: histogram('sync_proxy_rules_duration_seconds', 'How long it took to bring the rules up to date.', syncBuckets),
    fullSyncSeconds: histogram('sync_full_proxy_rules_duration_seconds', 'The same where the whole table was written.', syncBuckets),
    partialSyncSeconds: histogram('sync_partial_proxy_rules_duration_seconds', 'The same where changes were written.', syncBuckets),
    programmingSeconds: histogram('network_programming_duration_seconds', 'From the change of a pod to the rule.', programmingBuckets),
    lastSync: gauge('sync_proxy_rules_last_timestamp_seconds', 'When the rules were last brought up to date.'),
    lastQueued: gauge('sync_proxy_rules_last_queued_timestamp_seconds', 'When a change was last noticed.'),
    failures: counter('sync_proxy_rules_nftables_sync_failures_total', 'Transactions that nftables refused.'),
    cleanupFailures: counter('sync_proxy_rules_nftables_cleanup_failures_total', 'Removals of unused chains that nftables refused.'),
    serviceChanges: counter('sync_proxy_rules_service_changes_total', 'Changes of Services that were seen.'),
    endpointChanges: counter('sync_proxy_rules_endpoint_changes_total', 'Changes of EndpointSlices that were seen.'),
    pendingServices: gauge('sync_proxy_rules_service_changes_pending', 'Changes of Services that are not in the rules yet.'),
    pendingEndpoints: gauge('sync_proxy_rules_endpoint_changes_pending', 'Changes of EndpointSlices that are not in the rules yet.'),
    noLocalEndpoints: new Gauge({
      name: 'kubeproxy_sync_proxy_rules_no_local_endpoints_total',
      help: 'Services kept to the node that have no endpoint on it.',
      labelNames: ['traffic_policy'] as const,
      registers,
    }),
    deletedFlows: counter('conntrack_reconciler_deleted_entries_total', 'Connections deleted because their endpoint is gone.'),
    refusedServices: new Gauge({ name: 'knarr_proxy_refused_services', help: 'Services whose rules nftables refused.', registers }),
  };
}
