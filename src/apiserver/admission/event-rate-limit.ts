/**
 * Events come no faster than allowed: to the server, from a namespace, from a user, about one thing from one source.
 * @source kubernetes plugin/pkg/admission/eventratelimit, v1.35
 */
import { type corev1, tooManyRequests } from '../../api/index.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { ConfigurationReader } from './configuration-reader.ts';

const limitTypes = ['Server', 'Namespace', 'User', 'SourceAndObject'] as const;
type LimitType = (typeof limitTypes)[number];

export interface EventLimit {
  readonly type: LimitType;
  readonly qps: number;
  readonly burst: number;
  /** Keys remembered; the one that was used longest ago is forgotten. */
  readonly cacheSize: number;
}

const defaultCacheSize = 4096;

/** @throws RangeError naming the field that is wrong; the plugin needs a configuration */
export function readEventLimits(value: unknown): readonly EventLimit[] {
  const reader = new ConfigurationReader('admission plugin "EventRateLimit"');
  const root = reader.object(value, '', ['apiVersion', 'kind', 'limits']);
  reader.kind(root, { kind: 'Configuration', versions: ['eventratelimit.admission.k8s.io/v1alpha1'] });
  const limits = reader.list(root['limits'], 'limits');
  if (limits.length === 0) throw reader.fault('limits', 'Invalid value: null: must not be empty');
  return limits.map((item, i) => {
    const path = `limits[${i}]`;
    const { type: text, ...numbers } = reader.object(item, path, ['type', 'qps', 'burst', 'cacheSize']);
    const type = limitTypes.find((one) => one === text);
    const number = (field: 'qps' | 'burst' | 'cacheSize'): number => reader.integer(numbers[field], `${path}.${field}`);
    if (!type)
      throw reader.fault(
        `${path}.type`,
        `Unsupported value: ${JSON.stringify(text ?? '')}: supported values: "${limitTypes.join('", "')}"`,
      );
    for (const field of ['burst', 'qps'] as const) {
      if (number(field) <= 0) throw reader.fault(`${path}.${field}`, `Invalid value: ${number(field)}: must be positive`);
    }
    if (number('cacheSize') < 0) throw reader.fault(`${path}.cacheSize`, `Invalid value: ${number('cacheSize')}: must not be negative`);
    return { type, qps: number('qps'), burst: number('burst'), cacheSize: number('cacheSize') || defaultCacheSize };
  });
}

/** @param monotonic milliseconds, as `Clock.monotonic` */
export function eventRateLimitPlugin(limits: readonly EventLimit[], monotonic: () => number): AdmissionPlugin {
  const buckets = limits.map((limit) => ({ limit, bucket: new Buckets(limit, monotonic) }));
  return {
    name: 'EventRateLimit',
    handles: (resource, operation, subresource) =>
      resource.kind === 'Event' && (operation === 'CREATE' || operation === 'UPDATE') && subresource === '',
    validate: (request) => {
      if (request.options.dryRun) return;
      // Each limit counts, also when another refuses already.
      const refused = buckets.flatMap(({ limit, bucket }) => {
        const key = keysOf[limit.type](request);
        return bucket.take(key) ? [] : [`limit reached on type ${limit.type} for key ${key}`];
      });
      if (refused.length > 0) throw tooManyRequests(`Too many requests: ${refused.at(-1)!}`, 1);
    },
  };
}

const keysOf: Readonly<Record<LimitType, (request: AdmissionRequest) => string>> = {
  Server: () => '',
  Namespace: ({ namespace }) => namespace,
  User: ({ user }) => user.name,
  SourceAndObject: ({ object }) => {
    // An event of either API; only the older names are looked at.
    const { source, involvedObject } = object as unknown as Partial<corev1.Event>;
    const { kind, namespace, name, uid, apiVersion } = involvedObject ?? {};
    return [source?.component, source?.host, kind, namespace, name, uid, apiVersion].join('');
  },
};

interface Bucket {
  tokens: number;
  sinceMs: number;
}

/** Token buckets by key. */
class Buckets {
  readonly #limit: EventLimit;
  readonly #monotonic: () => number;
  /** In the order of use. */
  readonly #byKey = new Map<string, Bucket>();

  constructor(limit: EventLimit, monotonic: () => number) {
    this.#limit = limit;
    this.#monotonic = monotonic;
  }

  take(key: string): boolean {
    const { qps, burst, cacheSize } = this.#limit;
    const nowMs = this.#monotonic();
    const { tokens, sinceMs } = this.#byKey.get(key) ?? { tokens: burst, sinceMs: nowMs };
    const filled = Math.min(burst, tokens + ((nowMs - sinceMs) / 1000) * qps);
    this.#byKey.delete(key);
    this.#byKey.set(key, { tokens: filled >= 1 ? filled - 1 : filled, sinceMs: nowMs });
    const [oldest] = this.#byKey.keys();
    if (this.#byKey.size > cacheSize) this.#byKey.delete(oldest!);
    return filled >= 1;
  }
}
