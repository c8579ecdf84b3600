/**
 * What is counted of every request, under upstream's names and labels, so that dashboards and alerts made for Kubernetes work.
 * Label sets are resolved once and kept, and what a number is enough for is told to its metric when somebody reads: finding a metric by
 * its labels costs more than counting.
 * @source apiserver pkg/endpoints/metrics/metrics.go
 */
import { Counter, Gauge, type HistogramSeries, type Registry, SeriesHistogram } from '../../base/index.ts';
import type { ObservedRequest, RequestOutcome } from '../extension.ts';
import type { RequestInfo } from '../request.ts';

const durationBuckets = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
const sizeBuckets = [1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];
const requestLabels = ['verb', 'dry_run', 'group', 'version', 'resource', 'subresource', 'scope', 'component'] as const;
const runningLabels = ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'component'] as const;

/** Label sets that are kept; requests beyond them are counted just the same, only slower. */
const maxRememberedLabels = 4096;

type RequestLabels = Record<(typeof requestLabels)[number], string>;

interface Remembered {
  readonly labels: RequestLabels;
  readonly duration: HistogramSeries;
  readonly running: Omit<RequestLabels, 'dry_run'>;
  /** Of verbs whose answers are measured. */
  readonly sizes: HistogramSeries | undefined;
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
  readonly #duration: SeriesHistogram<(typeof requestLabels)[number]>;
  readonly #sizes: SeriesHistogram<(typeof runningLabels)[number]>;
  readonly #inflight = { readOnly: 0, mutating: 0 };
  readonly #running: Gauge<(typeof runningLabels)[number]>;
  readonly #remembered = new Map<string, Remembered>();
  readonly #untold = new Set<Total>();
  readonly #monotonic: () => number;
  readonly #isServed: (info: RequestInfo) => boolean;

  /**
   * @param monotonic milliseconds, as `Clock.monotonic`
   * @param isServed whether there is such a resource, with such a subresource
   */
  constructor(registry: Registry, monotonic: () => number, isServed: (info: RequestInfo) => boolean) {
    this.#isServed = isServed;
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
    this.#duration = new SeriesHistogram({
      name: 'apiserver_request_duration_seconds',
      help: 'Time from the end of the head of a request to the end of its answer.',
      buckets: durationBuckets,
      registers,
    });
    this.#sizes = new SeriesHistogram({
      name: 'apiserver_response_sizes',
      help: 'Bytes of the bodies of answers.',
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
      remembered.sizes?.observe(bytes);
    };
  }

  /** What a path says, as far as it is ours: clients that nobody knows yet can ask for anything, and each label is kept for good. */
  #countable(info: RequestInfo): Pick<RequestInfo, 'apiGroup' | 'version' | 'resource' | 'subresource'> {
    if (info.isResourceRequest && this.#isServed(info)) return info;
    const root = info.path.split('/')[1] ?? '';
    // A path that is no resource is told as upstream does; below it anything goes, so only its first part is a label.
    return { apiGroup: '', version: '', resource: '', subresource: knownRoots.has(root) ? `/${root}` : '' };
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
    const { apiGroup: group, version, resource, subresource } = this.#countable(info);
    const key = `${verb} ${group} ${version} ${resource} ${subresource} ${scopeOf(request)} ${request.dryRun}`;
    const known = this.#remembered.get(key);
    if (known) return known;
    const labels: RequestLabels = {
      verb,
      dry_run: request.dryRun ? 'All' : '',
      group,
      version,
      resource,
      subresource,
      scope: scopeOf(request),
      component: 'apiserver',
    };
    const { dry_run: _, ...running } = labels;
    const sizes = verb === 'GET' || verb === 'LIST' ? this.#sizes.series(running) : undefined;
    const remembered = { labels, running, duration: this.#duration.series(labels), sizes, totals: new Map() };
    if (this.#remembered.size < maxRememberedLabels) this.#remembered.set(key, remembered);
    return remembered;
  }
}

/** First parts of the paths that are no resources. */
const knownRoots: ReadonlySet<string> = new Set([
  '',
  '.well-known',
  'api',
  'apis',
  'debug',
  'healthz',
  'livez',
  'metrics',
  'openapi',
  'openid',
  'readyz',
  'version',
]);

/** The verb as metrics name it: upper case, `APPLY` told from `PATCH`, and `CONNECT` for what leaves HTTP. */
function reportedVerb({ info, method, isApply }: ObservedRequest): string {
  // Over HTTP/2 a method can be any word. @source apiserver endpoints/metrics OtherRequestMethod
  if (!knownMethods.has(method)) return 'other';
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

const knownMethods: ReadonlySet<string> = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE']);

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
