/** What the EndpointSlice controller counts, under upstream's names. @source k8s.io/endpointslice metrics, v1.35 */
import type { corev1, discoveryv1 } from '../../api/index.ts';
import { Counter, Gauge, Histogram, type Registry } from '../../base/index.ts';
import { type EndpointGroup, identityOf, type SlicePlan } from './pack.ts';
import { wantsTopologyHints } from './topology-hints.ts';

/** What became of the slices of one address type. */
export interface SliceOutcome {
  readonly existing: readonly discoveryv1.EndpointSlice[];
  readonly groups: readonly EndpointGroup[];
  readonly plan: SlicePlan;
}

/** What a Service adds to the gauges. */
interface Share {
  readonly endpoints: number;
  readonly slices: number;
  readonly idealSlices: number;
  readonly distribution: string;
}

const prefix = 'endpoint_slice_controller_';
const perSyncBuckets = Array.from({ length: 15 }, (_, i) => 2 ** (i + 1));

const made = new WeakMap<Registry, EndpointSliceMetrics>();

export class EndpointSliceMetrics {
  readonly #shares = new Map<string, Share>();
  readonly #added: Histogram;
  readonly #removed: Histogram;
  readonly #changedPerSync: Histogram<'topology' | 'traffic_distribution'>;
  readonly #changes: Counter<'operation'>;
  readonly #syncs: Counter<'result'>;
  readonly #desired: Gauge;
  readonly #slices: Gauge;
  readonly #idealSlices: Gauge;
  readonly #distributions: Gauge<'traffic_distribution'>;

  /** The metrics of a registry, made once. */
  static of(registry: Registry): EndpointSliceMetrics {
    const known = made.get(registry) ?? new EndpointSliceMetrics(registry);
    made.set(registry, known);
    return known;
  }

  private constructor(registry: Registry) {
    const metric = (name: string, help: string) => ({ name: prefix + name, help, registers: [registry] });
    const histogram = { buckets: perSyncBuckets };
    this.#added = new Histogram({ ...metric('endpoints_added_per_sync', 'Endpoints added by each look at a Service.'), ...histogram });
    this.#removed = new Histogram({
      ...metric('endpoints_removed_per_sync', 'Endpoints removed by each look at a Service.'),
      ...histogram,
    });
    this.#changedPerSync = new Histogram({
      ...metric('endpointslices_changed_per_sync', 'EndpointSlices changed by each look at a Service.'),
      labelNames: ['topology', 'traffic_distribution'] as const,
    });
    this.#changes = new Counter({ ...metric('changes', 'Changes of EndpointSlices.'), labelNames: ['operation'] as const });
    this.#syncs = new Counter({ ...metric('syncs', 'Looks at Services by how they ended.'), labelNames: ['result'] as const });
    this.#desired = new Gauge(metric('endpoints_desired', 'Endpoints that there should be.'));
    this.#slices = new Gauge(metric('num_endpoint_slices', 'EndpointSlices that there are.'));
    this.#idealSlices = new Gauge(metric('desired_endpoint_slices', 'EndpointSlices that there would be if each were full.'));
    this.#distributions = new Gauge({
      ...metric('services_count_by_traffic_distribution', 'Services by their trafficDistribution.'),
      labelNames: ['traffic_distribution'] as const,
    });
  }

  synced(result: 'success' | 'stale' | 'error'): void {
    this.#syncs.inc({ result });
  }

  observe(
    key: string,
    service: corev1.Service,
    { outcomes, maxPerSlice }: { readonly outcomes: readonly SliceOutcome[]; readonly maxPerSlice: number },
  ): void {
    const topology = wantsTopologyHints(service) ? 'Auto' : 'Disabled';
    const distribution = topology === 'Auto' ? '' : (service.spec.trafficDistribution ?? '');
    const share = { endpoints: 0, slices: 0, idealSlices: 0, distribution };
    let changed = 0;
    let added = 0;
    let removed = 0;
    for (const { existing, groups, plan } of outcomes) {
      const { create, update, remove } = plan;
      changed += create.length + update.length + remove.length;
      for (const [operation, { length }] of [['create', create] as const, ['update', update] as const, ['delete', remove] as const]) {
        if (length > 0) this.#changes.inc({ operation }, length);
      }
      const before = new Set(existing.flatMap(({ endpoints }) => endpoints.map(identityOf)));
      const after = new Set(groups.flatMap(({ endpoints }) => endpoints.map(identityOf)));
      added += after.difference(before).size;
      removed += before.difference(after).size;
      share.endpoints += after.size;
      share.slices += existing.length + create.length - remove.length;
      share.idealSlices += Math.max(
        1,
        groups.reduce((sum, { endpoints }) => sum + Math.ceil(endpoints.length / maxPerSlice), 0),
      );
    }
    this.#added.observe(added);
    this.#removed.observe(removed);
    this.#changedPerSync.observe({ topology, traffic_distribution: distribution }, changed);
    this.forget(key);
    this.#shares.set(key, share);
    this.#count(share, 1);
  }

  /** The Service is gone. */
  forget(key: string): void {
    const share = this.#shares.get(key);
    if (!share) return;
    this.#shares.delete(key);
    this.#count(share, -1);
  }

  #count({ endpoints, slices, idealSlices, distribution }: Share, sign: 1 | -1): void {
    this.#desired.inc(sign * endpoints);
    this.#slices.inc(sign * slices);
    this.#idealSlices.inc(sign * idealSlices);
    if (distribution !== '') this.#distributions.inc({ traffic_distribution: distribution }, sign);
  }
}
