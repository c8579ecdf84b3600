/**
 * Spreads pods over the domains of node labels: hard constraints filter, soft ones score. Counts come from the shared topology index, so
 * that a pod costs no walk over nodes or pods. @source kube-scheduler v1.35 plugins/podtopologyspread
 */
import type { corev1, LabelMatcher } from '../../../api/index.ts';
import {
  Action,
  type EventRegistration,
  type FrameworkHandle,
  type Plugin,
  type PluginFactory,
  skip,
  type StateKey,
  stateKey,
  unresolvable,
  unschedulable,
} from '../../framework/index.ts';
import { TopologyIndex } from '../topology/topology-index.ts';
import { defaultSpreadArgs, type PodTopologySpreadArgs, spreadArgsErrors, systemConstraints } from './args.ts';
import { nodesOf, readConstraints, type SpreadConstraint, spreadMatcher, type WhenUnsatisfiable } from './constraint.ts';
import { defaultSelector, indexServices } from './default-selector.ts';
import { SkewCheck } from './skew-check.ts';
import { SpreadScore } from './spread-score.ts';

const name = 'PodTopologySpread';
const mismatch = "node(s) didn't match pod topology spread constraints";
const tooUneven = unschedulable(mismatch);
const missingLabel = unresolvable(`${mismatch} (missing required label)`);

const checksKey: StateKey<readonly SkewCheck[]> = stateKey(name);
const scoreKey: StateKey<SpreadScore> = stateKey(`${name}/score`);

/** What a pod's constraints are: its own, or those for pods that have none. */
export type ConstraintSource = (pod: corev1.Pod, action: WhenUnsatisfiable) => readonly SpreadConstraint[];

export const podTopologySpread: PluginFactory<PodTopologySpreadArgs> = {
  name,
  defaultArgs: defaultSpreadArgs,
  validateArgs: spreadArgsErrors,
  create: (args, handle): Plugin => {
    const isSystem = args.defaultingType === 'System';
    const defaults = isSystem ? systemConstraints : args.defaultConstraints;
    if (defaults.length > 0) indexServices(handle.listers);
    const constraintsOf: ConstraintSource = (pod, action) => {
      const own = pod.spec.topologySpreadConstraints ?? [];
      if (own.length > 0) return readConstraints(own, pod.metadata.labels, action);
      const ofDefaults = readConstraints(defaults, pod.metadata.labels, action);
      if (ofDefaults.length === 0) return ofDefaults;
      const selector: LabelMatcher = defaultSelector(pod, handle.listers);
      return selector.isEverything ? [] : ofDefaults.map((constraint) => ({ ...constraint, selector }));
    };
    return {
      name,
      events: registrations(constraintsOf),
      ...hardConstraints(constraintsOf, handle),
      ...softConstraints(constraintsOf, handle, isSystem),
    };
  },
};

type HardPoints = Required<Pick<Plugin, 'preFilter' | 'addPod' | 'removePod' | 'filter' | 'explain'>>;

function hardConstraints(constraintsOf: ConstraintSource, { cluster }: FrameworkHandle): HardPoints {
  return {
    preFilter: (state, { pod, namespace, labels }) => {
      const constraints = constraintsOf(pod, 'DoNotSchedule');
      if (constraints.length === 0) return skip;
      const index = TopologyIndex.of(cluster);
      const keys = constraints.map(({ topologyKey }) => topologyKey);
      const checks = constraints.map((constraint) => {
        const matcher = spreadMatcher(namespace, constraint.selector);
        const counter = index.counter(matcher, constraint.topologyKey, nodesOf(pod, constraint, keys));
        return new SkewCheck(constraint, counter, constraint.selector.matches(labels));
      });
      state.write(checksKey, checks);
      return undefined;
    },
    addPod: (state, _pod, added, node) => {
      for (const check of state.read(checksKey) ?? []) check.change(added, node, 1);
      return undefined;
    },
    removePod: (state, _pod, removed, node) => {
      for (const check of state.read(checksKey) ?? []) check.change(removed, node, -1);
      return undefined;
    },
    filter: (state, _pod, node) => {
      for (const check of state.read(checksKey) ?? []) {
        const skew = check.skewAt(node);
        if (skew === undefined) return missingLabel;
        if (skew > check.constraint.maxSkew) return tooUneven;
      }
      return undefined;
    },
    explain: (state, _pod, node) =>
      (state.read(checksKey) ?? []).flatMap((check) => {
        const { topologyKey, maxSkew } = check.constraint;
        const skew = check.skewAt(node);
        if (skew === undefined) return [`label node ${topologyKey} with its domain`];
        if (skew <= maxSkew) return [];
        const domain = `${topologyKey}=${node.labels?.[topologyKey] ?? ''}`;
        return [
          `${domain} would be ${skew} above the least domain: place pods in other domains first, or raise maxSkew from ${maxSkew} to ${skew}`,
        ];
      }),
  };
}

type SoftPoints = Required<Pick<Plugin, 'preScore' | 'score' | 'normalizeScore'>>;

function softConstraints(constraintsOf: ConstraintSource, { cluster }: FrameworkHandle, isSystem: boolean): SoftPoints {
  return {
    preScore: (state, { pod, namespace }, nodes) => {
      const constraints = constraintsOf(pod, 'ScheduleAnyway');
      if (constraints.length === 0) return skip;
      const index = TopologyIndex.of(cluster);
      // The system's own preference is for nodes without a zone, too.
      const requireAll = (pod.spec.topologySpreadConstraints?.length ?? 0) > 0 || !isSystem;
      const keys = requireAll ? constraints.map(({ topologyKey }) => topologyKey) : [];
      const soft = constraints.map((constraint) => {
        const matcher = spreadMatcher(namespace, constraint.selector);
        return { maxSkew: constraint.maxSkew, tally: index.counter(matcher, constraint.topologyKey, nodesOf(pod, constraint, keys)).tally };
      });
      state.write(scoreKey, new SpreadScore(soft, nodes, requireAll));
      return undefined;
    },
    score: (state, _pod, node) => state.read(scoreKey)?.of(node) ?? 0,
    normalizeScore: (state, _pod, scores, nodes) => state.read(scoreKey)?.normalize(scores, nodes),
  };
}

function registrations(constraintsOf: ConstraintSource): readonly EventRegistration[] {
  return [
    {
      resource: 'Pod',
      actions: Action.Add | Action.UpdatePodLabel | Action.UpdatePodToleration | Action.Delete,
      hint: (pod, old, current) => podHelps(constraintsOf, pod, old, current),
    },
    {
      resource: 'Node',
      actions: Action.Add | Action.Delete | Action.UpdateNodeLabel | Action.UpdateNodeTaint,
      hint: (pod, old, current) => nodeHelps(constraintsOf(pod, 'DoNotSchedule'), old, current),
    },
  ];
}

/** Only pods of its own namespace that have a node, and itself, bear on how a pod spreads. */
function podHelps(constraintsOf: ConstraintSource, pod: corev1.Pod, old: corev1.Pod | undefined, current: corev1.Pod | undefined): boolean {
  const bears = (other: corev1.Pod): boolean =>
    other.metadata.uid === pod.metadata.uid || (Boolean(other.spec.nodeName) && other.metadata.namespace === pod.metadata.namespace);
  if ((current && !bears(current)) || (old && !bears(old))) return false;
  const constraints = constraintsOf(pod, 'DoNotSchedule');
  const selects = ({ selector }: SpreadConstraint, other: corev1.Pod | undefined): boolean =>
    other !== undefined && selector.matches(other.metadata.labels);
  if (!old || !current) return constraints.some((constraint) => selects(constraint, current ?? old));
  const isItself = current.metadata.uid === pod.metadata.uid;
  if (isItself && constraints.some(({ honorsTaints }) => honorsTaints) && differs(old.spec.tolerations, current.spec.tolerations))
    return true;
  return constraints.some((constraint) => selects(constraint, old) !== selects(constraint, current));
}

function nodeHelps(constraints: readonly SpreadConstraint[], old: corev1.Node | undefined, current: corev1.Node | undefined): boolean {
  const labelled = (node: corev1.Node | undefined): boolean =>
    node !== undefined && constraints.every(({ topologyKey }) => Object.hasOwn(node.metadata.labels ?? {}, topologyKey));
  if (!old || !current) return labelled(current ?? old);
  if (labelled(old) !== labelled(current)) return true;
  if (!labelled(current)) return false;
  const moved = constraints.some(({ topologyKey }) => old.metadata.labels?.[topologyKey] !== current.metadata.labels?.[topologyKey]);
  return moved || differs(old.spec.taints, current.spec.taints);
}

function differs(a: unknown, b: unknown): boolean {
  return a !== b && JSON.stringify(a) !== JSON.stringify(b);
}
