/** What mirroring counts, under upstream's names. @source pkg/controller/endpointslicemirroring/metrics, v1.35 */
import { Counter, Gauge, Histogram, Registry } from '../../base/index.ts';
import type { SliceOutcome } from '../endpointslice/metrics.ts';
import { identityOf } from '../endpointslice/pack.ts';
import { semanticEqual } from '../semantic-equal.ts';

/** What an Endpoints object adds to the gauges. */
interface Share {
  readonly endpoints: number;
  readonly slices: number;
  readonly idealSlices: number;
}

const prefix = 'endpoint_slice_mirroring_controller_';
const doubling = (first: number): number[] => Array.from({ length: 15 }, (_, i) => first * 2 ** i);
const made = new WeakMap<Registry, MirroringMetrics>();

export class MirroringMetrics {
  readonly #shares = new Map<string, Share>();
  readonly #perSync: Readonly<Record<'added' | 'updated' | 'removed' | 'skipped', Histogram>>;
  readonly #seconds: Histogram;
  readonly #changes: Counter<'operation'>;
  readonly #desired: Gauge;
  readonly #slices: Gauge;
  readonly #idealSlices: Gauge;

  /** The metrics of a registry, made once. */
  static of(registry = new Registry()): MirroringMetrics {
    const known = made.get(registry) ?? new MirroringMetrics(registry);
    made.set(registry, known);
    return known;
  }

  private constructor(registry: Registry) {
    const metric = (name: string, help: string) => ({ name: prefix + name, help, registers: [registry] });
    const perSync = (name: string, help: string): Histogram => new Histogram({ ...metric(name, help), buckets: doubling(2) });
    this.#perSync = {
      added: perSync('endpoints_added_per_sync', 'Endpoints added by each look at Endpoints.'),
      updated: perSync('endpoints_updated_per_sync', 'Endpoints changed by each look at Endpoints.'),
      removed: perSync('endpoints_removed_per_sync', 'Endpoints removed by each look at Endpoints.'),
      skipped: perSync('addresses_skipped_per_sync', 'Addresses that were none or too many, by each look at Endpoints.'),
    };
    this.#seconds = new Histogram({ ...metric('endpoints_sync_duration', 'How many seconds a look took.'), buckets: doubling(0.001) });
    this.#changes = new Counter({ ...metric('changes', 'Changes of EndpointSlices.'), labelNames: ['operation'] as const });
    this.#desired = new Gauge(metric('endpoints_desired', 'Endpoints that there should be.'));
    this.#slices = new Gauge(metric('num_endpoint_slices', 'EndpointSlices that there are.'));
    this.#idealSlices = new Gauge(metric('desired_endpoint_slices', 'EndpointSlices that there would be if each were full.'));
  }

  took(ms: number): void {
    this.#seconds.observe(ms / 1000);
  }

  observe(key: string, seen: { readonly outcomes: readonly SliceOutcome[]; readonly skipped: number; readonly maxPerSlice: number }): void {
    const share = { endpoints: 0, slices: 0, idealSlices: 0 };
    let [added, updated, removed] = [0, 0, 0];
    for (const { existing, groups, plan } of seen.outcomes) {
      const { create, update, remove } = plan;
      for (const [operation, { length }] of [['create', create] as const, ['update', update] as const, ['delete', remove] as const]) {
        if (length > 0) this.#changes.inc({ operation }, length);
      }
      const before = new Map(existing.flatMap(({ endpoints }) => endpoints.map((endpoint) => [identityOf(endpoint), endpoint] as const)));
      const after = new Map(groups.flatMap(({ endpoints }) => endpoints.map((endpoint) => [identityOf(endpoint), endpoint] as const)));
      for (const [identity, endpoint] of after) {
        const old = before.get(identity);
        if (!old) added++;
        else if (!semanticEqual(old, endpoint)) updated++;
      }
      for (const identity of before.keys()) if (!after.has(identity)) removed++;
      share.endpoints += after.size;
      share.slices += existing.length + create.length - remove.length;
      share.idealSlices += groups.reduce((sum, { endpoints }) => sum + Math.ceil(endpoints.length / seen.maxPerSlice), 0);
    }
    this.#perSync.added.observe(added);
    this.#perSync.updated.observe(updated);
    this.#perSync.removed.observe(removed);
    this.#perSync.skipped.observe(seen.skipped);
    this.forget(key);
    this.#shares.set(key, share);
    this.#count(share, 1);
  }

  /** The Endpoints are gone, or mirrored no more. */
  forget(key: string): void {
    const share = this.#shares.get(key);
    if (!share) return;
    this.#shares.delete(key);
    this.#count(share, -1);
  }

  #count({ endpoints, slices, idealSlices }: Share, sign: 1 | -1): void {
    this.#desired.inc(sign * endpoints);
    this.#slices.inc(sign * slices);
    this.#idealSlices.inc(sign * idealSlices);
  }
}
