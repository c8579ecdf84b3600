/**
 * Soft constraints: nodes whose domains have fewer of the pods score better. Domains of a label with many values weigh more, or the few
 * pods in each would not be seen beside the many in a zone. @source kube-scheduler v1.35 plugins/podtopologyspread/scoring.go
 */
import { maxNodeScore, type NodeInfo } from '../../framework/index.ts';
import type { DomainTally } from '../topology/domain-tally.ts';
import { noDomain } from '../topology/topology-domains.ts';

export interface SoftConstraint {
  readonly maxSkew: number;
  readonly tally: DomainTally;
}

const hostname = 'kubernetes.io/hostname';

export class SpreadScore {
  readonly #constraints: readonly (SoftConstraint & { readonly weight: number })[];
  readonly #requireAll: boolean;

  /** @param requireAll whether nodes that lack one of the labels score zero */
  constructor(constraints: readonly SoftConstraint[], nodes: readonly NodeInfo[], requireAll: boolean) {
    this.#constraints = constraints.map((constraint) => ({ ...constraint, weight: 0 }));
    this.#requireAll = requireAll;
    this.#constraints = constraints.map((constraint) => ({ ...constraint, weight: Math.log(this.#sizeOf(constraint.tally, nodes) + 2) }));
  }

  /** Whether the node does not take part. */
  ignores({ index }: NodeInfo): boolean {
    if (!this.#requireAll) return false;
    for (const { tally } of this.#constraints) if (tally.domains.of(index) === noDomain) return true;
    return false;
  }

  /** Higher is worse, until {@link normalize}. */
  of(node: NodeInfo): number {
    if (this.ignores(node)) return 0;
    let sum = 0;
    for (const { tally, maxSkew, weight } of this.#constraints) {
      const domain = tally.domains.of(node.index);
      if (domain !== noDomain) sum += tally.count(domain) * weight + (maxSkew - 1);
    }
    return Math.round(sum);
  }

  normalize(scores: Float64Array, nodes: readonly NodeInfo[]): void {
    let min = Number.POSITIVE_INFINITY;
    let max = 0;
    nodes.forEach((node, i) => {
      if (this.ignores(node)) return;
      min = Math.min(min, scores[i]!);
      max = Math.max(max, scores[i]!);
    });
    nodes.forEach((node, i) => {
      if (this.ignores(node)) scores[i] = 0;
      else scores[i] = max === 0 ? maxNodeScore : Math.floor((maxNodeScore * (max + min - scores[i]!)) / max);
    });
  }

  /** How many domains the nodes in question make. */
  #sizeOf({ domains }: DomainTally, nodes: readonly NodeInfo[]): number {
    const isHostname = domains.key === hostname;
    // The last place is that of nodes without the label.
    const seen = new Uint8Array(isHostname ? 0 : domains.capacity + 1);
    let size = 0;
    for (const node of nodes) {
      if (this.ignores(node)) continue;
      if (isHostname) {
        size++;
        continue;
      }
      const domain = domains.of(node.index);
      const place = domain === noDomain ? domains.capacity : domain;
      if (seen[place] === 0) size++;
      seen[place] = 1;
    }
    return size;
  }
}
