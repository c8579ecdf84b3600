/**
 * What is counted of every request, under upstream's names and labels, so that dashboards and alerts made for Kubernetes work.
 * Label sets are resolved once and kept, and what a number is enough for is told to its metric when somebody reads: finding a metric by
 * its labels costs more than counting.
 * @source apiserver pkg/endpoints/metrics/metrics.go
 */
import { Counter, Gauge, Histogram, type Registry } from '../../base/index.ts';
import type { ObservedRequest, RequestOutcome } from '../extension.ts';

const durationBuckets = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
const sizeBuckets = [1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];
const requestLabels = ['verb', 'dry_run', 'group', 'version', 'resource', 'subresource', 'scope', 'component'] as const;
const runningLabels = ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'component'] as const;

/** Label sets that are kept; requests beyond them are counted just the same, only slower. */
const maxRememberedLabels = 4096;

type RequestLabels = Record<(typeof requestLabels)[number], string>;

interface Remembered {
  readonly labels: RequestLabels;
  readonly duration: Histogram.Internal<(typeof requestLabels)[number]>;
  readonly running: Omit<RequestLabels, 'dry_run'>;
  readonly totals: Map<number, Total>;
}

/** Requests of one label set and status. */
interface Total {
  readonly counter: Counter.Internal;
  /** Since the counter was told last. */
  count: number;
}

export class RequestMetrics {
  readonly #total: Counter<(typeof requestLabels)[number] | 'code'>;
  readonly #duration: Histogram<(typeof requestLabels)[number]>;
  readonly #sizes: Histogram<(typeof runningLabels)[number]>;
  readonly #inflight = { readOnly: 0, mutating: 0 };
  readonly #running: Gauge<(typeof runningLabels)[number]>;
  readonly #remembered = new Map<string, Remembered>();
  readonly #untold = new Set<Total>();
  readonly #monotonic: () => number;

  /** @param monotonic milliseconds, as `Clock.monotonic` */
  constructor(registry: Registry, monotonic: () => number) {
    const registers = [registry];
    const inflight = this.#inflight;
    this.#monotonic = monotonic;
    this.#total = new Counter({
      name: 'apiserver_request_total',
      help: 'Requests answered, by verb, resource and HTTP status.',
      labelNames: [...requestLabels, 'code'],
      registers,
      collect: () => this.#tellTotals(),
    });
    this.#duration = new Histogram({
      name: 'apiserver_request_duration_seconds',
      help: 'Time from the end of the head of a request to the end of its answer.',
      labelNames: requestLabels,
      buckets: durationBuckets,
      registers,
    });
    this.#sizes = new Histogram({
      name: 'apiserver_response_sizes',
      help: 'Bytes of the bodies of answers.',
      labelNames: runningLabels,
      buckets: sizeBuckets,
      registers,
    });
    const current = new Gauge({
      name: 'apiserver_current_inflight_requests',
      help: 'Requests that are being answered, long-running ones not counted.',
      labelNames: ['request_kind'],
      registers,
      collect: () => {
        current.set({ request_kind: 'readOnly' }, inflight.readOnly);
        current.set({ request_kind: 'mutating' }, inflight.mutating);
      },
    });
    this.#running = new Gauge({
      name: 'apiserver_longrunning_requests',
      help: 'Watches, logs and connections that are open.',
      labelNames: runningLabels,
      registers,
    });
  }

  /** Counts a request that begins; the function returned is called once, when it has ended. */
  begin(request: ObservedRequest): (outcome: RequestOutcome) => void {
    const startMs = this.#monotonic();
    const verb = reportedVerb(request);
    const remembered = this.#labels(request, verb);
    const { running } = remembered;
    const kind = isReadOnly(request) ? 'readOnly' : 'mutating';
    const isLong = isLongRunning(request, verb);
    if (isLong) this.#running.inc(running);
    else this.#inflight[kind]++;
    return ({ status, bytes }) => {
      if (isLong) this.#running.dec(running);
      else this.#inflight[kind]--;
      let total = remembered.totals.get(status);
      if (!total) {
        total = { counter: this.#total.labels({ ...remembered.labels, code: String(status) }), count: 0 };
        remembered.totals.set(status, total);
      }
      if (total.count++ === 0) this.#untold.add(total);
      remembered.duration.observe((this.#monotonic() - startMs) / 1000);
      if (verb === 'GET' || verb === 'LIST') this.#sizes.observe(running, bytes);
    };
  }

  #tellTotals(): void {
    for (const total of this.#untold) {
      total.counter.inc(total.count);
      total.count = 0;
    }
    this.#untold.clear();
  }

  #labels(request: ObservedRequest, verb: string): Remembered {
    const { info } = request;
    const key = `${verb} ${info.apiGroup} ${info.version} ${info.resource} ${info.subresource} ${scopeOf(request)} ${request.dryRun}`;
    const known = this.#remembered.get(key);
    if (known) return known;
    const labels: RequestLabels = {
      verb,
      dry_run: request.dryRun ? 'All' : '',
      group: info.apiGroup,
      version: info.version,
      resource: info.resource,
      // A path that is no resource is told as upstream does; below it anything goes, so only its first part is a label.
      subresource: info.isResourceRequest ? info.subresource : `/${info.path.split('/')[1] ?? ''}`,
      scope: scopeOf(request),
      component: 'apiserver',
    };
    const { dry_run: _, ...running } = labels;
    const remembered = { labels, running, duration: this.#duration.labels(labels), totals: new Map() };
    if (this.#remembered.size < maxRememberedLabels) this.#remembered.set(key, remembered);
    return remembered;
  }
}

/** The verb as metrics name it: upper case, `APPLY` told from `PATCH`, and `CONNECT` for what leaves HTTP. */
function reportedVerb({ info, method, isApply }: ObservedRequest): string {
  if (!info.isResourceRequest) return method;
  if (isConnect(info.subresource)) return 'CONNECT';
  switch (info.verb) {
    case 'create':
      return 'POST';
    case 'update':
      return 'PUT';
    case 'patch':
      return isApply ? 'APPLY' : 'PATCH';
    default:
      return info.verb.toUpperCase();
  }
}

const connectSubresources: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward', 'proxy']);

function isConnect(subresource: string): boolean {
  return connectSubresources.has(subresource);
}

function isLongRunning({ info }: ObservedRequest, verb: string): boolean {
  return verb === 'WATCH' || verb === 'CONNECT' || (info.resource === 'pods' && info.subresource === 'log');
}

function isReadOnly({ method }: ObservedRequest): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}

function scopeOf({ info }: ObservedRequest): string {
  if (!info.isResourceRequest) return '';
  if (info.name !== '') return 'resource';
  return info.namespace === '' ? 'cluster' : 'namespace';
}
