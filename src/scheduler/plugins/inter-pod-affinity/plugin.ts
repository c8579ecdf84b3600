/**
 * Pods that want to be near other pods, or away from them. Counts come from the shared topology index, so that a pod costs no walk over
 * nodes or pods. @source kube-scheduler v1.35 plugins/interpodaffinity
 */
import type { corev1 } from '../../../api/index.ts';
import {
  Action,
  type AffinityTerm,
  affinityTermsOf,
  type EventRegistration,
  type NodeInfo,
  type Plugin,
  type PluginFactory,
  type PodInfo,
  type SchedulerListers,
  skip,
  type StateKey,
  stateKey,
  type Status,
  unresolvable,
  unschedulable,
} from '../../framework/index.ts';
import { TopologyIndex } from '../topology/topology-index.ts';
import { likingsOf, normalize, scoreOf } from './affinity-score.ts';
import { affinityArgsErrors, defaultAffinityArgs, type InterPodAffinityArgs } from './args.ts';
import { RequiredTerms, type Verdict } from './required-terms.ts';

const name = 'InterPodAffinity';
const rejections: Readonly<Record<Exclude<Verdict, 'fits'>, Status>> = {
  affinity: unresolvable("node(s) didn't match pod affinity rules"),
  antiAffinity: unschedulable("node(s) didn't match pod anti-affinity rules"),
  existingAntiAffinity: unschedulable("node(s) didn't satisfy existing pods anti-affinity rules"),
};

const requiredKey: StateKey<RequiredTerms> = stateKey(name);
const likingsKey: StateKey<ReturnType<typeof likingsOf>> = stateKey(`${name}/score`);

export const interPodAffinity: PluginFactory<InterPodAffinityArgs> = {
  name,
  defaultArgs: defaultAffinityArgs,
  validateArgs: affinityArgsErrors,
  create: (args, { cluster, listers }): Plugin => ({
    name,
    events: registrations(listers),
    preFilter: (state, pod) => {
      const required = new RequiredTerms(pod, TopologyIndex.of(cluster), listers);
      if (required.isEmpty) return skip;
      state.write(requiredKey, required);
      return undefined;
    },
    addPod: (state, _pod, added, node) => {
      state.read(requiredKey)?.change(added, node, 1);
      return undefined;
    },
    removePod: (state, _pod, removed, node) => {
      state.read(requiredKey)?.change(removed, node, -1);
      return undefined;
    },
    filter: (state, _pod, node) => {
      const verdict = state.read(requiredKey)?.judge(node) ?? 'fits';
      return verdict === 'fits' ? undefined : rejections[verdict];
    },
    explain: (state, pod, node) => explainTerms(state.read(requiredKey), pod, node),
    preScore: (state, pod) => {
      const { preferredAffinity, preferredAntiAffinity } = pod.terms;
      if (args.ignorePreferredTermsOfExistingPods && preferredAffinity.length + preferredAntiAffinity.length === 0) return skip;
      const likings = likingsOf(pod, TopologyIndex.of(cluster), listers, args);
      if (likings.length === 0) return skip;
      state.write(likingsKey, likings);
      return undefined;
    },
    score: (state, _pod, node) => scoreOf(state.read(likingsKey) ?? [], node),
    normalizeScore: (_state, _pod, scores, nodes) => normalize(scores, nodes.length),
  }),
};

function registrations(listers: SchedulerListers): readonly EventRegistration[] {
  const labelsOf = (pod: corev1.Pod): Readonly<Record<string, string>> | undefined =>
    listers.namespaces.get({ name: pod.metadata.namespace ?? '' })?.metadata.labels;
  return [
    {
      resource: 'Pod',
      actions: Action.Add | Action.UpdatePodLabel | Action.Delete,
      hint: (pod, old, current) => podHelps(pod, old, current, labelsOf),
    },
    {
      resource: 'Node',
      actions: Action.Add | Action.UpdateNodeLabel,
      hint: (pod, _old, current) => {
        const { requiredAffinity, requiredAntiAffinity } = affinityTermsOf(pod);
        const terms = [...requiredAffinity, ...requiredAntiAffinity];
        // Without terms of its own it is others' anti-affinity that keeps the pod off: any node may be out of their reach.
        return terms.length === 0 || terms.some(({ topologyKey }) => Object.hasOwn(current?.metadata.labels ?? {}, topologyKey));
      },
    },
  ];
}

type LabelsOf = (pod: corev1.Pod) => Readonly<Record<string, string>> | undefined;

function podHelps(pod: corev1.Pod, old: corev1.Pod | undefined, current: corev1.Pod | undefined, labelsOf: LabelsOf): boolean {
  const isItself = current?.metadata.uid === pod.metadata.uid;
  // Its own labels decide whom others' anti-affinity keeps off.
  if (isItself) return true;
  if ((current && !current.spec.nodeName) || (old && !old.spec.nodeName)) return false;
  const { requiredAffinity, requiredAntiAffinity } = affinityTermsOf(pod);
  const all = (terms: readonly AffinityTerm[], other: corev1.Pod): boolean =>
    terms.length > 0 && terms.every((term) => term.matches(other, labelsOf(other)));
  if (old && current) {
    if (!all(requiredAffinity, old) && all(requiredAffinity, current)) return true;
    if (all(requiredAntiAffinity, old) && !all(requiredAntiAffinity, current)) return true;
    return meansIt(old, pod, labelsOf) && !meansIt(current, pod, labelsOf);
  }
  if (current) return all(requiredAffinity, current);
  return old !== undefined && (all(requiredAntiAffinity, old) || meansIt(old, pod, labelsOf));
}

/** Whether the placed pod keeps the waiting one off its domain. */
function meansIt(placed: corev1.Pod, waiting: corev1.Pod, labelsOf: LabelsOf): boolean {
  return affinityTermsOf(placed).requiredAntiAffinity.some((term) => term.matches(waiting, labelsOf(waiting)));
}

function explainTerms(required: RequiredTerms | undefined, { pod }: PodInfo, node: NodeInfo): readonly string[] {
  if (!required) return [];
  const { own, ownAnti, existing } = required.failing(node);
  const domain = (key: string): string => `${key}=${node.labels?.[key] ?? ''}`;
  const holders = (test: (other: PodInfo) => boolean): string => {
    const names = [...node.pods()].filter(test).map((other) => `${other.namespace}/${other.pod.metadata.name}`);
    return names.length > 0 ? `: on this node ${names.join(', ')}` : '';
  };
  return [
    ...own.map(({ term: { selector, topologyKey } }) =>
      node.labels && Object.hasOwn(node.labels, topologyKey)
        ? `place a pod that matches "${selector.toString()}" in ${domain(topologyKey)}`
        : `label node ${topologyKey} with its domain`,
    ),
    ...ownAnti.map(
      ({ term: { selector, topologyKey }, matcher }) =>
        `move pods that match "${selector.toString()}" out of ${domain(topologyKey)}${holders((other) => matcher.matches(other))}`,
    ),
    ...existing.map(
      (term) =>
        `move pods with anti-affinity to "${term.selector.toString()}", which the pod matches, out of ${domain(term.topologyKey)}` +
        holders((other) => other.terms.requiredAntiAffinity.some((each) => each.matches(pod, undefined))),
    ),
  ];
}
