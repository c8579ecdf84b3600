/**
 * The loop of the service proxy: notes what changed, computes the virtual ports of those Services, has the change written, and looks after
 * the table between changes. Knows no informers: it reads through `ProxySource`.
 */
import type { corev1, discoveryv1, IpFamily } from '../api/index.ts';
import { type Clock, type Ctx, isAbort, KeyedBackoff, ProcessError, type Registry, type Timer } from '../base/index.ts';
import { breather, type EventRecorder, splitKey, untilAborted, type ObjectKey } from '../client/index.ts';
import { FlowCleaner } from './conntrack.ts';
import type { ProxyProgress } from './health-state.ts';
import { PortClaims } from './port-claims.ts';
import { portKey } from './port-elements.ts';
import { type ProxyMetrics, proxyMetrics } from './proxy-metrics.ts';
import type { RunTool } from './run-tool.ts';
import { type VirtualPort, virtualPortsOf } from './service-ports.ts';
import { sourceRangesOf } from './source-ranges.ts';
import { type Refusal, TableWriter } from './table-writer.ts';
import type { Balance, TableOptions } from './table-frame.ts';

/** What the proxy sees of the cluster; keys are `namespace/name` of Services. */
export interface ProxySource {
  service(key: ObjectKey): corev1.Service | undefined;
  services(): readonly corev1.Service[];
  slicesOf(service: string): readonly discoveryv1.EndpointSlice[];
  zone(): string | undefined;
  serviceCidrs(): readonly string[];
}

export interface ProxySyncOptions {
  readonly name: string;
  readonly nodeName: string;
  readonly nodeIps: readonly string[];
  readonly podCidrs: Readonly<Partial<Record<IpFamily, string>>>;
  readonly families: readonly IpFamily[];
  readonly masqueradeMark: number;
  readonly balance: Balance;
  readonly clock: Clock;
  readonly registry: Registry;
  readonly recorder?: EventRecorder;
  readonly progress?: ProxyProgress;
  /** How often it is looked whether the tables still stand, in milliseconds; default 8000. */
  readonly lookMs?: number;
  /** Runs `nft` and `conntrack`; default: in this process's network namespace. */
  readonly run?: RunTool;
}

/** Changes are gathered this long; longer while one follows the other, so that transactions take a fifth of the time at most. */
const gatherMs = 10;
const restFactor = 4;
/** So much work is done without a rest: a change now and then is not kept waiting for the one before it. */
const restlessMs = 100;
const longestRestMs = 1000;
const longestUnrestedMs = restlessMs + longestRestMs / restFactor;
const defaultLookMs = 8_000;
/** How often everything is written anew even so. @source kube-proxy v1.35, FullSyncPeriod */
const rewriteMs = 3_600_000;
/** Unused chains go when nothing happened for so long. */
const tidyMs = 2_000;
const retryPolicy = { initialMs: 1000, maxMs: 60_000 };

export class ProxySync {
  readonly #source: ProxySource;
  readonly #options: ProxySyncOptions;
  readonly #metrics: ProxyMetrics;
  readonly #claims: PortClaims;
  readonly #flows: FlowCleaner;
  #writer: TableWriter;
  /** Services to look at. */
  readonly #changed = new Set<string>();
  /** Virtual ports that may differ from what is written. */
  readonly #dirty = new Set<string>();
  readonly #udpKeys = new Map<string, readonly string[]>();
  /** By Service: how many policies find no endpoint here. */
  readonly #without = new Map<string, { readonly internal: boolean; readonly external: boolean }>();
  readonly #triggers: number[] = [];
  /** Changes that are not in the rules yet. */
  readonly #pending = { services: 0, endpoints: 0 };
  readonly #refused = new Map<string, { readonly keys: readonly string[]; readonly retryAtMs: number }>();
  readonly #backoff = new KeyedBackoff<string>(retryPolicy);
  /** By Service: the source ranges that are none, as they were told of. */
  readonly #strangeRanges = new Map<string, string>();
  #all = true;
  #ranges = '';
  #wake: (() => void) | undefined;
  #rewrittenMs = 0;
  #lastSyncMs = 0;
  #syncedAtMs = 0;
  #workedMs = 0;
  #lookAtMs = 0;
  #tidyAtMs = Infinity;

  constructor(source: ProxySource, options: ProxySyncOptions) {
    this.#source = source;
    this.#options = options;
    this.#metrics = proxyMetrics(options.registry);
    this.#claims = new PortClaims(options.nodeIps);
    this.#flows = new FlowCleaner(options.run);
    this.#writer = this.#newWriter();
  }

  serviceChanged(key: string): void {
    this.#metrics.serviceChanges.inc();
    this.#metrics.pendingServices.set(++this.#pending.services);
    this.#note(key);
  }

  /** @param triggeredMs when the pod or Service changed that brought the endpoints to change; since the epoch */
  endpointsChanged(service: string, triggeredMs: number | undefined): void {
    this.#metrics.endpointChanges.inc();
    this.#metrics.pendingEndpoints.set(++this.#pending.endpoints);
    if (triggeredMs !== undefined && this.#writer.stands) this.#triggers.push(triggeredMs);
    this.#note(service);
  }

  /** What all Services depend on changed. */
  everythingChanged(): void {
    this.#all = true;
    this.#options.progress?.queued();
    this.#wake?.();
  }

  /** Runs until the signal aborts. */
  async run(ctx: Ctx): Promise<void> {
    const { clock } = this.#options;
    let failures = 0;
    for (;;) {
      try {
        await this.#look(ctx);
        if (this.#hasWork || this.#isIncomplete) await this.#sync(ctx);
        failures = 0;
      } catch (err) {
        if (isAbort(err, ctx.signal) || !(err instanceof ProcessError)) throw err;
        ctx.log.error('cannot apply the service rules: writing the whole table anew', { err });
        this.#metrics.failures.inc();
        this.#rewrittenMs = 0;
        await clock.sleep(Math.min(200 * 2 ** failures++, 30_000), ctx.signal);
        continue;
      }
      if (await this.#woken(this.#idleMs(), ctx.signal)) await clock.sleep(Math.max(gatherMs, this.#restMs()), ctx.signal);
    }
  }

  /** What is left of the rest after the last transactions. */
  #restMs(): number {
    return Math.min(restFactor * (this.#unrestedMs() - restlessMs), longestRestMs);
  }

  /** The time of transactions that no rest has paid for yet. */
  #unrestedMs(): number {
    return Math.max(this.#workedMs - (this.#options.clock.monotonic() - this.#syncedAtMs) / restFactor, 0);
  }

  #note(service: string): void {
    this.#changed.add(service);
    this.#options.progress?.queued();
    this.#metrics.lastQueued.set(this.#options.clock.now() / 1000);
    this.#wake?.();
  }

  get #hasWork(): boolean {
    return this.#all || this.#changed.size > 0;
  }

  /** The kernel may lack something, though nothing changed. */
  get #isIncomplete(): boolean {
    return this.#dirty.size > 0 || !this.#writer.stands || this.#rewrittenMs === 0;
  }

  /** How long there is nothing to do of our own accord. */
  #idleMs(): number {
    const dueMs = [this.#lookAtMs, this.#tidyAtMs, ...[...this.#refused.values()].map(({ retryAtMs }) => retryAtMs)];
    return Math.max(Math.min(...dueMs) - this.#options.clock.monotonic(), 0);
  }

  /** True when something changed, false when the time is over. */
  async #woken(afterMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.#hasWork) return true;
    let timer: Timer | undefined;
    try {
      return await untilAborted(
        new Promise<boolean>((resolve) => {
          this.#wake = () => resolve(true);
          timer = this.#options.clock.setTimer(afterMs, () => resolve(false));
        }),
        signal,
      );
    } finally {
      timer?.cancel();
      this.#wake = undefined;
    }
  }

  /** What falls due by itself, changes or not: what was refused is tried again, unused chains go, and it is seen whether the tables stand. */
  async #look(ctx: Ctx): Promise<void> {
    const now = this.#options.clock.monotonic();
    for (const [service, { keys, retryAtMs }] of this.#refused) {
      if (retryAtMs > now) continue;
      this.#refused.delete(service);
      for (const key of keys) this.#dirty.add(key);
    }
    if (this.#tidyAtMs <= now) {
      this.#tidyAtMs = Infinity;
      await this.#writer.tidy(ctx);
    }
    if (this.#lookAtMs > now) return;
    this.#lookAtMs = now + (this.#options.lookMs ?? defaultLookMs);
    if (this.#writer.stands && !(await this.#writer.isIntact(ctx)))
      ctx.log.warn('the service rules were changed by somebody else: writing them anew');
    if (now - this.#rewrittenMs >= rewriteMs) this.#rewrittenMs = 0;
  }

  async #sync(ctx: Ctx): Promise<void> {
    const { clock } = this.#options;
    const startMs = clock.monotonic();
    const triggers = this.#triggers.splice(0);
    const seen = { ...this.#pending };
    await this.#compute();
    const full = !this.#writer.stands || this.#rewrittenMs === 0;
    const keys = [...this.#dirty];
    this.#dirty.clear();
    const refused = full ? await this.#writer.rewrite(this.#claims, ctx) : await this.#writer.apply(keys, this.#claims, ctx);
    if (full) this.#rewrittenMs = clock.monotonic();
    this.#tidyAtMs = clock.monotonic() + tidyMs;
    this.#report(refused, full ? undefined : keys, ctx);
    const unrestedMs = this.#unrestedMs();
    this.#syncedAtMs = clock.monotonic();
    this.#lastSyncMs = this.#syncedAtMs - startMs;
    this.#workedMs = Math.min(unrestedMs, longestUnrestedMs) + this.#lastSyncMs;
    this.#measure(full, triggers);
    this.#metrics.pendingServices.set((this.#pending.services -= seen.services));
    this.#metrics.pendingEndpoints.set((this.#pending.endpoints -= seen.endpoints));
    // What came meanwhile waits for the next turn, and counts from now on.
    this.#options.progress?.updated();
    if (this.#hasWork) this.#options.progress?.queued();
    this.#metrics.deletedFlows.inc(await this.#flows.clean(ctx));
  }

  /** Brings what is wanted up to date with the Services that changed. */
  async #compute(): Promise<void> {
    if (this.#all) {
      this.#all = false;
      const ranges = this.#source.serviceCidrs().toSorted().join();
      if (ranges !== this.#ranges) {
        this.#ranges = ranges;
        this.#writer = this.#newWriter();
      }
      for (const { metadata } of this.#source.services()) this.#changed.add(`${metadata.namespace}/${metadata.name}`);
    }
    for (const key of this.#changed) {
      this.#changed.delete(key);
      this.#computeService(key);
      await breather(this.#options.clock);
    }
  }

  #computeService(key: string): void {
    const { nodeName, nodeIps, families } = this.#options;
    const service = this.#source.service(splitKey(key));
    const slices = service ? this.#source.slicesOf(key) : [];
    const context = { nodeName, nodeIps, zone: this.#source.zone() };
    const ports = service ? virtualPortsOf(service, slices, context).filter(({ family }) => families.includes(family)) : [];
    // What it left behind when it was refused is settled with what it is now.
    for (const stuck of this.#refused.get(key)?.keys ?? []) this.#dirty.add(stuck);
    if (!service) {
      this.#refused.delete(key);
      this.#backoff.forget(key);
    }
    for (const touched of this.#claims.set(key, service?.metadata.creationTimestamp ?? '', ports)) this.#dirty.add(touched);
    this.#tellFlows(key, ports, slices);
    this.#tellStrangeRanges(key, service);
    const without = (internal: boolean): boolean =>
      ports.some(({ kind, whenEmpty, backends }) => (kind === 'clusterIP') === internal && whenEmpty === 'drop' && backends.length === 0);
    const missing = { internal: without(true), external: without(false) };
    if (missing.internal || missing.external) this.#without.set(key, missing);
    else this.#without.delete(key);
  }

  /** A source range that is none lets nobody in, which its owner has to hear; once, not with every endpoint that comes and goes. */
  #tellStrangeRanges(key: string, service: corev1.Service | undefined): void {
    const { invalid } = service ? sourceRangesOf(service, { family: 'IPv4', nodeIps: [] }) : { invalid: [] };
    const text = invalid.map((each) => JSON.stringify(each)).join(', ');
    if (!service || text === '') {
      this.#strangeRanges.delete(key);
      return;
    }
    if (this.#strangeRanges.get(key) === text) return;
    this.#strangeRanges.set(key, text);
    const message = `load balancer source ranges that are no CIDR let nobody in: ${text}`;
    this.#options.recorder?.event(service, { type: 'Warning', reason: 'InvalidSourceRange', message });
  }

  #tellFlows(service: string, ports: readonly VirtualPort[], slices: readonly discoveryv1.EndpointSlice[]): void {
    const keys: string[] = [];
    for (const port of ports) {
      if (port.protocol !== 'UDP') continue;
      const serving = servingOf(slices, port.family);
      for (const ip of port.ip === undefined ? this.#options.nodeIps : [port.ip]) {
        const key = portKey(ip, port);
        keys.push(key);
        this.#flows.tell(key, serving);
      }
    }
    for (const key of this.#udpKeys.get(service) ?? []) if (!keys.includes(key)) this.#flows.forget(key);
    if (keys.length > 0) this.#udpKeys.set(service, keys);
    else this.#udpKeys.delete(service);
  }

  #newWriter(): TableWriter {
    const { name, families, podCidrs, masqueradeMark, balance, clock } = this.#options;
    const ranges = this.#ranges === '' ? [] : this.#ranges.split(',');
    const serviceCidrs = {
      IPv4: ranges.filter((range) => !range.includes(':')),
      IPv6: ranges.filter((range) => range.includes(':')),
    };
    const options: TableOptions = { name, families, podCidrs, serviceCidrs, masqueradeMark, balance };
    return new TableWriter(options, clock, this.#options.run);
  }

  /** Names the Services that were refused, and forgets the trouble of those that went through. @param keys undefined: all */
  #report(refused: readonly Refusal[], keys: readonly string[] | undefined, ctx: Ctx): void {
    const { recorder, clock } = this.#options;
    const through = keys === undefined ? [...this.#refused.keys()] : keys.flatMap((key) => this.#claims.get(key)?.service ?? []);
    const names = new Set(refused.map(({ service }) => service));
    for (const service of through) {
      if (names.has(service)) continue;
      this.#backoff.forget(service);
      this.#refused.delete(service);
    }
    for (const { service, keys: left, error } of refused) {
      this.#metrics.failures.inc();
      const delayMs = this.#backoff.next(service);
      this.#refused.set(service, { keys: left, retryAtMs: clock.monotonic() + delayMs });
      const reason = error.stderr.split('\n')[0] ?? '';
      ctx.log.error('nftables refused the rules of a Service: those before stay', { service, reason, retryMs: delayMs });
      const object = this.#source.service(splitKey(service));
      if (object)
        recorder?.event(object, { type: 'Warning', reason: 'ServiceRulesRefused', message: `nftables refused the rules: ${reason}` });
    }
    this.#metrics.refusedServices.set(this.#refused.size);
  }

  #measure(full: boolean, triggers: readonly number[]): void {
    const { clock } = this.#options;
    const seconds = this.#lastSyncMs / 1000;
    this.#metrics.syncSeconds.observe(seconds);
    this.#metrics[full ? 'fullSyncSeconds' : 'partialSyncSeconds'].observe(seconds);
    for (const trigger of triggers) this.#metrics.programmingSeconds.observe(Math.max(clock.now() - trigger, 0) / 1000);
    const missing = [...this.#without.values()];
    this.#metrics.noLocalEndpoints.set({ traffic_policy: 'internal' }, missing.filter(({ internal }) => internal).length);
    this.#metrics.noLocalEndpoints.set({ traffic_policy: 'external' }, missing.filter(({ external }) => external).length);
    this.#metrics.lastSync.set(clock.now() / 1000);
  }
}

/** Addresses of one family that serve, ready or ending. */
function servingOf(slices: readonly discoveryv1.EndpointSlice[], family: IpFamily): Set<string> {
  const endpoints = slices.filter(({ addressType }) => addressType === family).flatMap((slice) => slice.endpoints ?? []);
  return new Set(endpoints.filter(({ conditions }) => conditions?.serving !== false).flatMap(({ addresses }) => addresses[0] ?? []));
}
