/**
 * How fast nodes may be given up, by zone: when many fail at once the fault is more likely in the network or in us than in the
 * nodes, and evicting everything would make it worse.
 * @source pkg/controller/nodelifecycle handleDisruption, v1.35
 */
import type { corev1 } from '../../api/index.ts';

export type ZoneState = 'Initial' | 'Normal' | 'PartialDisruption' | 'FullDisruption';

export interface EvictionRates {
  /** Nodes a second in a healthy zone; default 0.1. */
  readonly normal: number;
  /** In a partly disrupted large zone; default 0.01. */
  readonly reduced: number;
  /** Nodes above which a zone is large; smaller ones stop evicting when disrupted; default 50. */
  readonly largeZone: number;
  /** Share of nodes not ready that makes a zone disrupted; default 0.55. */
  readonly unhealthyThreshold: number;
}

export const defaultEvictionRates: EvictionRates = { normal: 0.1, reduced: 0.01, largeZone: 50, unhealthyThreshold: 0.55 };

export function zoneOf({ metadata: { labels = {} } }: corev1.Node): string {
  const region = labels['topology.kubernetes.io/region'] ?? '';
  const zone = labels['topology.kubernetes.io/zone'] ?? '';
  return region === '' && zone === '' ? '' : `${region}:\u0000:${zone}`;
}

export function zoneState(readyStatuses: readonly (string | undefined)[], { unhealthyThreshold }: EvictionRates): ZoneState {
  const notReady = readyStatuses.filter((status) => status !== 'True').length;
  if (notReady === readyStatuses.length && notReady > 0) return 'FullDisruption';
  return notReady > 2 && notReady / readyStatuses.length >= unhealthyThreshold ? 'PartialDisruption' : 'Normal';
}

/** Nodes a second in a zone of that state. A zone that fails whole is evicted at the normal rate, unless all zones fail. */
export function evictionRate(state: ZoneState, size: number, rates: EvictionRates): number {
  if (state !== 'PartialDisruption') return rates.normal;
  return size > rates.largeZone ? rates.reduced : 0;
}

export interface Disruption {
  readonly states: ReadonlyMap<string, ZoneState>;
  /** Every zone fails: nothing is evicted, and taints that evict come off. */
  readonly stopped: boolean;
  /** The first look after everything had failed: all nodes get a fresh chance to be heard. */
  readonly recovered: boolean;
}

export function nextDisruption(before: Pick<Disruption, 'states' | 'stopped'>, zones: ReadonlyMap<string, ZoneState>): Disruption {
  const stopped = zones.size > 0 && [...zones.values()].every((state) => state === 'FullDisruption');
  return { states: zones, stopped, recovered: before.stopped && !stopped };
}

/** One token at most, filled at a rate. */
export class TokenBucket {
  #tokens = 1;
  #atMs: number;
  #perSecond: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#atMs = nowMs;
  }

  setRate(perSecond: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#perSecond = perSecond;
  }

  take(nowMs: number): boolean {
    this.#fill(nowMs);
    if (this.#perSecond === 0 || this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #fill(nowMs: number): void {
    this.#tokens = Math.min(1, this.#tokens + ((nowMs - this.#atMs) / 1000) * this.#perSecond);
    this.#atMs = nowMs;
  }
}
