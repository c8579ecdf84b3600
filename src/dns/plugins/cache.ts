/**
 * `cache`: answers are kept for as long as they allow and the Corefile lets them, also those that say that there is nothing.
 * Invariants: each side holds at most its capacity in answers and all together a limit in bytes; the oldest goes first.
 * @source CoreDNS plugin/cache/README.md; RFC 2308
 */
import type { Clock } from '../../base/index.ts';
import type { CacheConfig, CacheSide } from '../corefile/cache-config.ts';
import { rcodes, typeNumbers } from '../wire/codes.ts';
import type { Outcome } from '../wire/message.ts';
import { closestZone, isWithin } from '../wire/names.ts';
import { soaMinimum } from '../wire/records.ts';
import { type Answered, type Handler, type Plugin, type Request } from './plugin.ts';

export type CacheKind = 'success' | 'denial';

export interface CacheEvents {
  hit(kind: CacheKind): void;
  missed(): void;
  prefetched(): void;
  servedStale(): void;
  evicted(kind: CacheKind): void;
}

interface Entry {
  readonly outcome: Outcome;
  readonly kind: CacheKind;
  readonly storedMs: number;
  readonly untilMs: number;
  readonly bytes: number;
  hits: number;
  lastHitMs: number;
  refreshing: boolean;
}

/** Both sides together. */
const maxBytes = 16 * 1024 * 1024;
const entryOverhead = 300;

export interface CacheOptions {
  readonly config: CacheConfig;
  readonly clock: Clock;
  readonly events: CacheEvents;
}

export interface CachePlugin {
  readonly plugin: Plugin;
  entries(kind: CacheKind): number;
}

export function cachePlugin(options: CacheOptions): CachePlugin {
  const cache = new AnswerCache(options);
  return { plugin: (next) => (request) => cache.answer(request, next), entries: (kind) => cache.size(kind) };
}

class AnswerCache {
  readonly #options: CacheOptions;
  readonly #sides = { success: new Map<string, Entry>(), denial: new Map<string, Entry>() };
  #bytes = 0;

  constructor(options: CacheOptions) {
    this.#options = options;
  }

  size(kind: CacheKind): number {
    return this.#sides[kind].size;
  }

  answer(request: Request, next: Handler): Answered | Promise<Answered> {
    const { config, clock, events } = this.#options;
    if (closestZone(request.name, config.zones) === undefined) return next(request);
    const flags = `${request.query.edns?.dnssecOk ? 1 : 0}${request.query.checkingDisabled ? 1 : 0}${request.query.recursionDesired ? 1 : 0}`;
    const key = `${request.type} ${flags} ${request.name}`;
    const now = clock.monotonic();
    const entry = this.#sides.success.get(key) ?? this.#sides.denial.get(key);
    if (!entry) {
      events.missed();
      return this.#fetch(key, request, next);
    }
    const left = entry.untilMs - now;
    if (left > 0) {
      events.hit(entry.kind);
      this.#prefetch(entry, { key, request, next, now });
      return entry.outcome.withTtl(Math.max(1, Math.floor(left / 1000)));
    }
    const stale = config.serveStale;
    if (stale && -left < stale.forMs && entry.outcome.rcode !== rcodes.SERVFAIL)
      return this.#stale(entry, { key, request, next, verified: stale.mode === 'verified' });
    this.#drop(key, entry);
    events.missed();
    return this.#fetch(key, request, next);
  }

  #stale(
    entry: Entry,
    {
      key,
      request,
      next,
      verified,
    }: { readonly key: string; readonly request: Request; readonly next: Handler; readonly verified: boolean },
  ): Answered | Promise<Answered> {
    const { events } = this.#options;
    const old = (): Outcome => {
      events.servedStale();
      return entry.outcome.withTtl(0);
    };
    if (verified) {
      const fetched = this.#fetch(key, request, next);
      const choose = (answered: Answered): Answered => (answered === 'dropped' || answered.rcode === rcodes.SERVFAIL ? old() : answered);
      return fetched instanceof Promise ? fetched.then(choose) : choose(fetched);
    }
    this.#refresh(entry, { key, request, next });
    return old();
  }

  #prefetch(
    entry: Entry,
    { key, request, next, now }: { readonly key: string; readonly request: Request; readonly next: Handler; readonly now: number },
  ): void {
    const { prefetch } = this.#options.config;
    if (!prefetch) return;
    entry.hits = now - entry.lastHitMs > prefetch.withinMs ? 1 : entry.hits + 1;
    entry.lastHitMs = now;
    const lifetime = entry.untilMs - entry.storedMs;
    if (entry.hits < prefetch.amount || entry.untilMs - now > Math.max(1000, (lifetime * prefetch.percentage) / 100)) return;
    if (!entry.refreshing) this.#options.events.prefetched();
    this.#refresh(entry, { key, request, next });
  }

  #refresh(entry: Entry, { key, request, next }: { readonly key: string; readonly request: Request; readonly next: Handler }): void {
    if (entry.refreshing) return;
    entry.refreshing = true;
    void Promise.resolve(this.#fetch(key, request, next)).finally(() => {
      entry.refreshing = false;
    });
  }

  #fetch(key: string, request: Request, next: Handler): Answered | Promise<Answered> {
    const answered = next(request);
    if (!(answered instanceof Promise)) {
      this.#keep(key, request, answered);
      return answered;
    }
    return answered.then((outcome) => {
      this.#keep(key, request, outcome);
      return outcome;
    });
  }

  #keep(key: string, request: Request, outcome: Answered): void {
    if (outcome === 'dropped') return;
    const { config, clock } = this.#options;
    const kind: CacheKind = outcome.rcode === rcodes.NOERROR && outcome.answers.length > 0 ? 'success' : 'denial';
    const side = config[kind];
    if (side.disabled.some((zone) => isWithin(request.name, zone))) return;
    const lifetimeMs = outcome.rcode === rcodes.SERVFAIL ? config.servfailMs : lifetimeSeconds(outcome, side) * 1000;
    if (lifetimeMs <= 0) return;
    const before = this.#sides.success.get(key) ?? this.#sides.denial.get(key);
    // A failure never takes the place of what may still be told.
    if (before && outcome.rcode === rcodes.SERVFAIL) return;
    if (before) this.#drop(key, before);
    const now = clock.monotonic();
    const bytes = entryOverhead + 2 * outcome.body(request.query.name).bytes.length;
    this.#sides[kind].set(key, {
      outcome,
      kind,
      storedMs: now,
      untilMs: now + lifetimeMs,
      bytes,
      hits: 0,
      lastHitMs: now,
      refreshing: false,
    });
    this.#bytes += bytes;
    while (this.#sides[kind].size > side.capacity || this.#bytes > maxBytes) this.#evict(this.#sides[kind].size > 0 ? kind : 'success');
  }

  #evict(kind: CacheKind): void {
    const [oldest] = this.#sides[kind];
    if (!oldest) return;
    this.#drop(...oldest);
    this.#options.events.evicted(kind);
  }

  #drop(key: string, entry: Entry): void {
    if (this.#sides[entry.kind].delete(key)) this.#bytes -= entry.bytes;
  }
}

/** For how long an answer may be kept; 0: not at all. */
function lifetimeSeconds({ rcode, answers, authorities, additionals }: Outcome, { minTtl, maxTtl }: CacheSide): number {
  if (rcode !== rcodes.NOERROR && rcode !== rcodes.NXDOMAIN) return 0;
  const soa = authorities.find((record) => record.type === typeNumbers.SOA);
  // What is not there is kept only where somebody says for how long.
  if ((rcode === rcodes.NXDOMAIN || answers.length === 0) && !soa) return 0;
  const lifetimes = [...answers, ...authorities, ...additionals].map(({ ttl }) => ttl);
  if (soa && answers.length === 0) lifetimes.push(soaMinimum(soa));
  return Math.min(maxTtl, Math.max(minTtl, Math.min(...lifetimes)));
}
