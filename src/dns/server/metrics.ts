/** What is counted, under the names that CoreDNS gives it. Series are found once and kept: they are counted on every packet. */
import { Counter, Gauge, type HistogramSeries, Registry, SeriesHistogram } from '../../base/index.ts';
import type { CacheEvents, CacheKind } from '../plugins/cache.ts';
import type { ForwardEvents } from '../plugins/forward.ts';
import { rcodeName, typeName, typeNumbers } from '../wire/codes.ts';

const durationBuckets = Array.from({ length: 16 }, (_, power) => 0.000_25 * 2 ** power);
const programmingBuckets = Array.from({ length: 20 }, (_, power) => 0.001 * 2 ** power);

export interface Answered {
  readonly server: string;
  readonly zone: string;
  readonly transport: 'udp' | 'tcp';
  readonly family: '1' | '2';
  readonly type: number;
  readonly rcode: number;
  readonly seconds: number;
}

export class DnsMetrics {
  readonly registry = new Registry();
  readonly #durations: SeriesHistogram<'server' | 'zone' | 'view'>;
  readonly #programming: SeriesHistogram<'service_kind'>;
  readonly #cache: Readonly<Record<'hits' | 'evictions', Counter>> &
    Readonly<Record<'misses' | 'requests' | 'prefetch' | 'stale', Counter>>;
  readonly #cacheEntries: Gauge;
  readonly #proxied: SeriesHistogram<'proxy_name' | 'to' | 'rcode'>;
  readonly #probeFailures: Counter;
  readonly #broken: Counter;
  readonly #rejects: Counter;
  readonly #reloads: Counter;
  readonly #panics: Counter;
  readonly #counted = new Map<string, { count: number; readonly labels: Record<string, string> }>();
  readonly #answeredCounts = new Map<string, { count: number; readonly labels: Record<string, string> }>();
  readonly #series = new Map<string, HistogramSeries>();

  constructor() {
    const registers = [this.registry];
    const counter = (name: string, help: string, labelNames: string[] = [], collect?: (this: Counter) => void): Counter =>
      new Counter({ name: `coredns_${name}`, help, labelNames, registers, ...(collect && { collect }) });
    const pour = (from: Map<string, { count: number; readonly labels: Record<string, string> }>): ((this: Counter) => void) =>
      function (this: Counter) {
        this.reset();
        for (const { count, labels } of from.values()) this.inc(labels, count);
      };
    const requestLabels = ['server', 'zone', 'view', 'proto', 'family', 'type'];
    counter('dns_requests_total', 'Counter of DNS requests made per zone, protocol and family.', requestLabels, pour(this.#counted));
    counter('dns_responses_total', 'Counter of response status codes.', ['server', 'zone', 'view', 'rcode'], pour(this.#answeredCounts));
    this.#durations = new SeriesHistogram({
      name: 'coredns_dns_request_duration_seconds',
      help: 'Histogram of the time (in seconds) each request took per zone.',
      buckets: durationBuckets,
      registers,
    });
    this.#programming = new SeriesHistogram({
      name: 'coredns_kubernetes_dns_programming_duration_seconds',
      help: 'Histogram of the time (in seconds) it took to program a dns instance.',
      buckets: programmingBuckets,
      registers,
    });
    this.#cache = {
      hits: counter('cache_hits_total', 'The count of cache hits.', ['type']),
      evictions: counter('cache_evictions_total', 'The count of cache evictions.', ['type']),
      misses: counter('cache_misses_total', 'The count of cache misses.'),
      requests: counter('cache_requests_total', 'The count of cache requests.'),
      prefetch: counter('cache_prefetch_total', 'The number of times the cache has prefetched a cached item.'),
      stale: counter('cache_served_stale_total', 'The number of requests served from stale cache entries.'),
    };
    this.#cacheEntries = new Gauge({
      name: 'coredns_cache_entries',
      help: 'The number of elements in the cache.',
      labelNames: ['type'],
      registers,
    });
    this.#proxied = new SeriesHistogram({
      name: 'coredns_proxy_request_duration_seconds',
      help: 'Histogram of the time each request took.',
      buckets: durationBuckets,
      registers,
    });
    this.#probeFailures = counter('proxy_healthcheck_failures_total', 'Counter of the number of failed healthchecks.', [
      'proxy_name',
      'to',
    ]);
    this.#broken = counter('forward_healthcheck_broken_total', 'Counter of the number of complete failures of the healthchecks.');
    this.#rejects = counter(
      'forward_max_concurrent_rejects_total',
      'Counter of the number of queries rejected because the concurrent queries were at maximum.',
    );
    this.#reloads = counter('reload_failed_total', 'Counter of the number of failed reload attempts.');
    this.#panics = counter('panics_total', 'A metrics that counts the number of panics.');
  }

  answered({ server, zone, transport, family, type, rcode, seconds }: Answered): void {
    const known = (typeName(type) as keyof typeof typeNumbers) in typeNumbers ? typeName(type) : 'other';
    add(this.#counted, `${server} ${zone} ${transport}${family}${known}`, () => ({
      server,
      zone,
      view: '',
      proto: transport,
      family,
      type: known,
    }));
    add(this.#answeredCounts, `${server} ${zone} ${rcode}`, () => ({ server, zone, view: '', rcode: rcodeName(rcode) }));
    const key = `${server} ${zone}`;
    let series = this.#series.get(key);
    if (!series) this.#series.set(key, (series = this.#durations.series({ server, zone, view: '' })));
    series.observe(seconds);
  }

  programmed(seconds: number): void {
    this.#programming.series({ service_kind: 'headless_with_selector' }).observe(seconds);
  }

  reloadFailed(): void {
    this.#reloads.inc();
  }

  failed(): void {
    this.#panics.inc();
  }

  cacheEvents(): CacheEvents {
    const { hits, evictions, misses, requests, prefetch, stale } = this.#cache;
    return {
      hit: (kind) => {
        requests.inc();
        hits.inc({ type: kind });
      },
      missed: () => {
        requests.inc();
        misses.inc();
      },
      prefetched: () => prefetch.inc(),
      servedStale: () => stale.inc(),
      evicted: (kind) => evictions.inc({ type: kind }),
    };
  }

  cacheEntries(kind: CacheKind, count: number): void {
    this.#cacheEntries.set({ type: kind }, count);
  }

  forwardEvents(onFailure: (to: string, name: string) => void): ForwardEvents {
    return {
      answered: (to, rcode, seconds) => this.#proxied.series({ proxy_name: 'forward', to, rcode: rcodeName(rcode) }).observe(seconds),
      failed: onFailure,
      probeFailed: (to) => this.#probeFailures.inc({ proxy_name: 'forward', to }),
      rejected: () => this.#rejects.inc(),
      allDown: () => this.#broken.inc(),
    };
  }

  /** Everything in Prometheus' text form. */
  text(): Promise<string> {
    return this.registry.metrics();
  }
}

function add(
  map: Map<string, { count: number; readonly labels: Record<string, string> }>,
  key: string,
  labels: () => Record<string, string>,
): void {
  const known = map.get(key);
  if (known) known.count++;
  else map.set(key, { count: 1, labels: labels() });
}
