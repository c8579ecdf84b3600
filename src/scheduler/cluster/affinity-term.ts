/**
 * One term of pod (anti-)affinity with its selectors read once.
 * @source kube-scheduler framework/types.go (AffinityTerm), v1.35: matchLabelKeys are part of the selector since the API server stored it
 */
import { type corev1, labelSelectorMatcher, type LabelMatcher, type Labels, matchNothing } from '../../api/index.ts';

export class AffinityTerm {
  readonly topologyKey: string;
  readonly selector: LabelMatcher;
  readonly namespaces: ReadonlySet<string>;
  /** Selects nothing when the term has none. */
  readonly namespaceSelector: LabelMatcher;

  /** @param namespace that of the pod that has the term, which is meant when the term names none */
  constructor(term: corev1.PodAffinityTerm, namespace: string) {
    this.topologyKey = term.topologyKey;
    this.selector = labelSelectorMatcher(term.labelSelector);
    const names = term.namespaces ?? [];
    this.namespaces = new Set(names.length === 0 && !term.namespaceSelector ? [namespace] : names);
    this.namespaceSelector = term.namespaceSelector ? labelSelectorMatcher(term.namespaceSelector) : matchNothing;
  }

  /** @param namespaceLabels of the pod's namespace */
  matches(pod: corev1.Pod, namespaceLabels: Labels | undefined): boolean {
    const inNamespace = this.namespaces.has(pod.metadata.namespace ?? '') || this.namespaceSelector.matches(namespaceLabels);
    return inNamespace && this.selector.matches(pod.metadata.labels);
  }
}

export interface WeightedAffinityTerm {
  readonly weight: number;
  readonly term: AffinityTerm;
}

/** Everything that a pod says of other pods. */
export interface PodAffinityTerms {
  readonly requiredAffinity: readonly AffinityTerm[];
  readonly requiredAntiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly WeightedAffinityTerm[];
  readonly preferredAntiAffinity: readonly WeightedAffinityTerm[];
}

export const noAffinityTerms: PodAffinityTerms = {
  requiredAffinity: [],
  requiredAntiAffinity: [],
  preferredAffinity: [],
  preferredAntiAffinity: [],
};

export function affinityTermsOf({ metadata, spec }: corev1.Pod): PodAffinityTerms {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  if (!podAffinity && !podAntiAffinity) return noAffinityTerms;
  const namespace = metadata.namespace ?? '';
  const required = (terms: readonly corev1.PodAffinityTerm[] = []): AffinityTerm[] =>
    terms.map((term) => new AffinityTerm(term, namespace));
  const preferred = (terms: readonly corev1.WeightedPodAffinityTerm[] = []): WeightedAffinityTerm[] =>
    terms.map(({ weight, podAffinityTerm }) => ({ weight, term: new AffinityTerm(podAffinityTerm, namespace) }));
  return {
    requiredAffinity: required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    requiredAntiAffinity: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferredAffinity: preferred(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAntiAffinity: preferred(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
  };
}
