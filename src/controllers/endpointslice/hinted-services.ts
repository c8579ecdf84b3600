/**
 * The Services that have topology hints, and how their endpoints are shared out: when the zones' CPU changes, those that have too few
 * endpoints somewhere are looked at again. Their events say when hints come and go.
 * @source k8s.io/endpointslice topologycache, pkg/controller/endpointslice, v1.35
 */
import { type corev1, parseQuantity } from '../../api/index.ts';
import type { Informer } from '../../client/index.ts';
import { semanticEqual } from '../semantic-equal.ts';
import type { SlicePlan } from './pack.ts';
import { addTopologyHints, isOverloaded, type TopologyOptions, type ZoneCounts, type ZoneRatios, zoneRatios } from './topology-hints.ts';

/** What is to be said about a Service. */
export interface HintNews {
  readonly type: 'Normal' | 'Warning';
  readonly reason: 'TopologyAwareHintsEnabled' | 'TopologyAwareHintsDisabled';
  readonly message: string;
}

/** Changes of nodes within this time are taken together. */
const batchMs = 1_000;

export class HintedServices {
  readonly #nodes: Informer<corev1.Node>;
  /** Service key → address type → endpoints by zone. */
  readonly #counts = new Map<string, Map<string, ZoneCounts>>();
  #ratios: ZoneRatios | undefined;
  #outdated = true;

  constructor(nodes: Informer<corev1.Node>) {
    this.#nodes = nodes;
  }

  /** Wakes Services whose share of endpoints no longer fits the zones. */
  watchNodes(enqueue: (key: string, delayMs?: number) => void): void {
    const changed = (): void => {
      this.#outdated = true;
      if (this.#counts.size === 0) return;
      for (const key of this.#overloaded()) enqueue(key, batchMs);
    };
    this.#nodes.addHandler({
      added: changed,
      updated: (old, node) => {
        if (!semanticEqual(capacityOf(old), capacityOf(node))) changed();
      },
      deleted: changed,
    });
  }

  /** The plan with hints, or without any where they cannot be, and what that is news of. */
  hint(key: string, family: string, { plan, existing }: { readonly plan: SlicePlan } & Pick<TopologyOptions, 'existing'>): HintOutcome {
    const outcome = addTopologyHints(plan, { existing, ratios: this.#currentRatios() });
    const said = `, addressType: ${family}`;
    if (outcome.type === 'refused') {
      this.forget(key, family);
      return { plan: outcome.plan, news: { type: 'Warning', reason: 'TopologyAwareHintsDisabled', message: outcome.reason + said } };
    }
    const known = this.#counts.get(key);
    this.#counts.set(key, new Map(known).set(family, outcome.counts));
    if (known) return { plan: outcome.plan };
    const message = `Topology Aware Hints has been enabled${said}`;
    return { plan: outcome.plan, news: { type: 'Normal', reason: 'TopologyAwareHintsEnabled', message } };
  }

  /** The Service asks for hints no more. */
  drop(key: string, family: string): HintNews | undefined {
    if (!this.#counts.has(key)) return undefined;
    this.forget(key, family);
    return {
      type: 'Warning',
      reason: 'TopologyAwareHintsDisabled',
      message: `Topology Aware Hints has been disabled, addressType: ${family}`,
    };
  }

  /** @param family default: all */
  forget(key: string, family?: string): void {
    const counts = this.#counts.get(key);
    if (family !== undefined) counts?.delete(family);
    if (family === undefined || counts?.size === 0) this.#counts.delete(key);
  }

  *#overloaded(): Generator<string> {
    const ratios = this.#currentRatios();
    for (const [key, families] of this.#counts) {
      if ([...families.values()].some((counts) => isOverloaded(counts, ratios))) yield key;
    }
  }

  #currentRatios(): ZoneRatios | undefined {
    if (this.#outdated) this.#ratios = zoneRatios(this.#nodes.list(), cpuMillisOf);
    this.#outdated = false;
    return this.#ratios;
  }
}

export interface HintOutcome {
  readonly plan: SlicePlan;
  readonly news?: HintNews;
}

function cpuMillisOf({ status }: corev1.Node): number {
  const cpu = status.allocatable?.['cpu'];
  return cpu === undefined ? 0 : parseQuantity(cpu).milliValue();
}

/** All of a node that the shares depend on. */
function capacityOf({ metadata, status }: corev1.Node): unknown {
  const ready = (status.conditions ?? []).find(({ type }) => type === 'Ready')?.status;
  return [metadata.labels, ready, status.allocatable?.['cpu']];
}
