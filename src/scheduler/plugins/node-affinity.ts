/**
 * `nodeSelector` and node affinity: required terms filter, preferred ones score. The administrator may add terms for every pod of a profile.
 * @source kube-scheduler v1.35 plugins/nodeaffinity
 */
import {
  type corev1,
  matchesNodeSelector,
  matchesNodeSelectorTerm,
  matchesRequiredNodeAffinity,
  preferredNodeAffinityScore,
} from '../../api/index.ts';
import {
  Action,
  normalizeByMax,
  type Plugin,
  type PluginFactory,
  skip,
  type StateKey,
  stateKey,
  unresolvable,
} from '../framework/index.ts';

const name = 'NodeAffinity';
const notMatched = unresolvable("node(s) didn't match Pod's node affinity/selector");
const notEnforced = unresolvable("node(s) didn't match scheduler-enforced node affinity");
const conflict = unresolvable('pod affinity terms conflict');

export interface NodeAffinityArgs {
  /** Node affinity that every pod of the profile has beside its own. */
  readonly addedAffinity?: corev1.NodeAffinity;
}

/** Undefined: any node. An empty set: the terms contradict themselves. */
type PinnedNodes = ReadonlySet<string> | undefined;
const pinnedKey: StateKey<{ readonly nodes: PinnedNodes }> = stateKey(`${name}/pinned`);

export const nodeAffinity: PluginFactory<NodeAffinityArgs> = {
  name,
  defaultArgs: (given): NodeAffinityArgs => given,
  validateArgs: ({ addedAffinity }) => {
    const required = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    return required && required.nodeSelectorTerms.length === 0
      ? [
          {
            path: 'addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms',
            message: 'Required value: must have at least one node selector term',
          },
        ]
      : [];
  },
  create: ({ addedAffinity }): Plugin => {
    const addedRequired = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    const addedPreferred = addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    const enforced = (node: corev1.Node): boolean => !addedRequired || matchesNodeSelector(addedRequired, node);
    const suits = ({ spec }: corev1.Pod, node: corev1.Node): boolean => enforced(node) && matchesRequiredNodeAffinity(spec, node);
    return {
      name,
      events: [
        {
          resource: 'Node',
          actions: Action.Add | Action.UpdateNodeLabel,
          hint: (pod, old, current) => current !== undefined && suits(pod, current) && !(old && suits(pod, old)),
        },
      ],
      preFilter: (_state, { pod, shape }) => {
        const required = requiredOf(pod);
        if (!required && !addedRequired && !pod.spec.nodeSelector) return skip;
        if (!required) return undefined;
        const { nodes } = shape.memo(pinnedKey, (example) => ({ nodes: pinnedNodes(requiredOf(example)?.nodeSelectorTerms ?? []) }));
        if (!nodes) return undefined;
        return nodes.size === 0 ? conflict : { nodes };
      },
      filterScope: 'node',
      filter: (_state, { pod }, { node }) => {
        if (!enforced(node)) return notEnforced;
        return matchesRequiredNodeAffinity(pod.spec, node) ? undefined : notMatched;
      },
      preScore: (_state, { pod }) => (preferredOf(pod).length + addedPreferred.length === 0 ? skip : undefined),
      scoreScope: 'node',
      score: (_state, { pod }, { node }) =>
        preferredNodeAffinityScore(addedPreferred, node) + preferredNodeAffinityScore(preferredOf(pod), node),
      normalizeScore: (_state, _pod, scores, nodes) => normalizeByMax(scores, nodes.length, false),
      explain: (_state, { pod }, { node }) => explainNodeAffinity(pod, node, addedRequired),
    };
  },
};

function requiredOf({ spec }: corev1.Pod): corev1.NodeSelector | undefined {
  return spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
}

function preferredOf({ spec }: corev1.Pod): readonly corev1.PreferredSchedulingTerm[] {
  return spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
}

/** The nodes in question when every term pins `metadata.name`, as DaemonSets' pods do. */
function pinnedNodes(terms: readonly corev1.NodeSelectorTerm[]): PinnedNodes {
  const all = new Set<string>();
  for (const { matchFields = [] } of terms) {
    let ofTerm: Set<string> | undefined;
    for (const { key, operator, values = [] } of matchFields) {
      if (key !== 'metadata.name' || operator !== 'In') continue;
      const named = new Set(values);
      ofTerm = ofTerm ? ofTerm.intersection(named) : named;
    }
    if (!ofTerm) return undefined;
    for (const node of ofTerm) all.add(node);
  }
  return all;
}

/** What to change so that the node suits the pod's selector and affinity: of several terms, the one that lacks least. */
function explainNodeAffinity(pod: corev1.Pod, node: corev1.Node, added: corev1.NodeSelector | undefined): readonly string[] {
  const labels = node.metadata.labels ?? {};
  const advice = Object.entries(pod.spec.nodeSelector ?? {}).flatMap(([key, value]) =>
    labels[key] === value ? [] : [`label node ${key}=${value}`],
  );
  for (const selector of [requiredOf(pod), added]) {
    if (!selector || matchesNodeSelector(selector, node)) continue;
    const lacking = selector.nodeSelectorTerms.map((term) => lackOf(term, node)).toSorted((a, b) => a.length - b.length)[0];
    advice.push(...(lacking ?? []));
  }
  return advice;
}

function lackOf({ matchExpressions = [], matchFields = [] }: corev1.NodeSelectorTerm, node: corev1.Node): string[] {
  const unmet = (requirement: corev1.NodeSelectorRequirement, fields: boolean): boolean =>
    !matchesNodeSelectorTerm(fields ? { matchFields: [requirement] } : { matchExpressions: [requirement] }, node);
  return [
    ...matchFields
      .filter((each) => unmet(each, true))
      .map(({ operator, values = [] }) =>
        operator === 'In' ? `use node ${values.join(' or ')}` : `use a node other than ${values.join(' and ')}`,
      ),
    ...matchExpressions
      .filter((each) => unmet(each, false))
      .map(({ key, operator, values = [] }) => {
        switch (operator) {
          case 'In':
            return `label node ${key}=${values.join('|')}`;
          case 'Exists':
            return `label node ${key}`;
          case 'Gt':
          case 'Lt':
            return `label node ${key} with a number ${operator === 'Gt' ? 'above' : 'below'} ${values[0] ?? ''}`;
          default:
            return operator === 'NotIn'
              ? `change label ${key} of the node to none of ${values.join(', ')}`
              : `remove label ${key} from the node`;
        }
      }),
  ];
}
