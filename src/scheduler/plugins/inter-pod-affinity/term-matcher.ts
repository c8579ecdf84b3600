/** The pods that terms of a pod to be placed mean: selectors by namespace, with namespace selectors resolved to names. */
import type { AffinityTerm, SchedulerListers } from '../../framework/index.ts';
import { type PodMatcher, requiredLabel } from '../topology/pod-counter.ts';

type Namespaces = SchedulerListers['namespaces'];

/** Undefined: every namespace. */
function namespacesOf({ namespaces, namespaceSelector }: AffinityTerm, lister: Namespaces): readonly string[] | undefined {
  if (namespaceSelector.isNothing) return [...namespaces];
  if (namespaceSelector.isEverything) return undefined;
  const selected = lister.list().filter(({ metadata }) => namespaceSelector.matches(metadata.labels));
  return [...new Set([...namespaces, ...selected.map(({ metadata }) => metadata.name)])].sort();
}

/** Pods that one term means. */
export function termMatcher(term: AffinityTerm, lister: Namespaces): PodMatcher {
  const { selector } = term;
  const namespaces = namespacesOf(term, lister);
  const selects = selector.isNothing ? '!' : selector.toString();
  const label = requiredLabel(selector);
  const signature = `term ${namespaces ? namespaces.join() : '*'} ${selects}`;
  if (namespaces?.length === 1) {
    const [only] = namespaces;
    return { signature, namespaces, label, matches: ({ pod }) => pod.metadata.namespace === only && selector.matches(pod.metadata.labels) };
  }
  const names = namespaces && new Set(namespaces);
  return { signature, namespaces, label, matches: (pod) => (!names || names.has(pod.namespace)) && selector.matches(pod.labels) };
}

/** Pods that all of the terms mean: one pod has to satisfy them together. */
export function everyTermMatcher(terms: readonly AffinityTerm[], lister: Namespaces): PodMatcher {
  const matchers = terms.map((term) => termMatcher(term, lister));
  if (matchers.length === 1) return matchers[0]!;
  return {
    signature: matchers.map(({ signature }) => signature).join(' & '),
    namespaces: matchers.find(({ namespaces }) => namespaces)?.namespaces,
    label: matchers.find(({ label }) => label !== undefined)?.label,
    matches: (pod) => matchers.every((matcher) => matcher.matches(pod)),
  };
}
