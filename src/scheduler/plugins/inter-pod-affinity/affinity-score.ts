/**
 * How much a pod likes the company on a node, and is liked by it: preferred terms of the pod, those of placed pods that mean it, and their
 * required affinity. @source kube-scheduler v1.35 plugins/interpodaffinity/scoring.go
 */
import { maxNodeScore, type NodeInfo, type PodInfo, type SchedulerListers, type WeightedAffinityTerm } from '../../framework/index.ts';
import type { DomainTally } from '../topology/domain-tally.ts';
import { noDomain } from '../topology/topology-domains.ts';
import type { TopologyIndex } from '../topology/topology-index.ts';
import type { InterPodAffinityArgs } from './args.ts';
import { termMatcher } from './term-matcher.ts';

interface Liking {
  readonly tally: DomainTally;
  /** What one pod in the domain is worth; negative for anti-affinity. */
  readonly weight: number;
}

/** Only what can tell nodes apart: empty when no node is liked or disliked. */
export function likingsOf(pod: PodInfo, index: TopologyIndex, { namespaces }: SchedulerListers, args: InterPodAffinityArgs): Liking[] {
  const likings: Liking[] = [];
  const own = (terms: readonly WeightedAffinityTerm[], sign: 1 | -1): void => {
    for (const { term, weight } of terms) {
      const { tally } = index.counter(termMatcher(term, namespaces), term.topologyKey);
      if (tally.total > 0) likings.push({ tally, weight: sign * weight });
    }
  };
  own(pod.terms.preferredAffinity, 1);
  own(pod.terms.preferredAntiAffinity, -1);
  const namespaceLabels = namespaces.get({ name: pod.namespace })?.metadata.labels;
  const { terms } = index;
  if (args.hardPodAffinityWeight > 0) {
    for (const { tally } of terms.matching('requiredAffinity', pod, namespaceLabels)) {
      likings.push({ tally, weight: args.hardPodAffinityWeight });
    }
  }
  for (const { tally, weight } of terms.matching('preferredAffinity', pod, namespaceLabels)) likings.push({ tally, weight });
  for (const { tally, weight } of terms.matching('preferredAntiAffinity', pod, namespaceLabels)) likings.push({ tally, weight: -weight });
  return likings;
}

export function scoreOf(likings: readonly Liking[], { index }: NodeInfo): number {
  let sum = 0;
  for (const { tally, weight } of likings) {
    const domain = tally.domains.of(index);
    if (domain !== noDomain) sum += tally.count(domain) * weight;
  }
  return sum;
}

/** Stretches the scores over 0…100. */
export function normalize(scores: Float64Array, count: number): void {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < count; i++) {
    min = Math.min(min, scores[i]!);
    max = Math.max(max, scores[i]!);
  }
  for (let i = 0; i < count; i++) scores[i] = max > min ? Math.trunc(maxNodeScore * ((scores[i]! - min) / (max - min))) : 0;
}
