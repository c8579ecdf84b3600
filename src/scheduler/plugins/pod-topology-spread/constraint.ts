/**
 * One constraint on how pods spread over the domains of a node label, with its selector read and its defaults filled in.
 * @source kube-scheduler v1.35 plugins/podtopologyspread/common.go
 */
import {
  type corev1,
  labelSelectorMatcher,
  LabelMatcher,
  type Labels,
  LabelRequirement,
  matchesRequiredNodeAffinity,
} from '../../../api/index.ts';
import type { NodeInfo } from '../../framework/index.ts';
import { keepsAway } from '../taint-toleration.ts';
import { type PodMatcher, requiredLabel } from '../topology/pod-counter.ts';
import type { NodeChoice } from '../topology/topology-index.ts';

export interface SpreadConstraint {
  readonly maxSkew: number;
  readonly topologyKey: string;
  readonly selector: LabelMatcher;
  readonly minDomains: number;
  readonly honorsAffinity: boolean;
  readonly honorsTaints: boolean;
}

export type WhenUnsatisfiable = corev1.TopologySpreadConstraint['whenUnsatisfiable'];

/** Those of `given` that say what to do when they cannot be met: `action`. `labels`: of the pod, for `matchLabelKeys`. */
export function readConstraints(
  given: readonly corev1.TopologySpreadConstraint[],
  labels: Labels | undefined,
  action: WhenUnsatisfiable,
): SpreadConstraint[] {
  return given
    .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action)
    .map((constraint) => ({
      maxSkew: constraint.maxSkew,
      topologyKey: constraint.topologyKey,
      selector: selectorOf(constraint, labels),
      minDomains: constraint.minDomains ?? 1,
      honorsAffinity: constraint.nodeAffinityPolicy !== 'Ignore',
      honorsTaints: constraint.nodeTaintsPolicy === 'Honor',
    }));
}

function selectorOf({ labelSelector, matchLabelKeys = [] }: corev1.TopologySpreadConstraint, labels: Labels = {}): LabelMatcher {
  const selector = labelSelectorMatcher(labelSelector);
  const own = matchLabelKeys.filter((key) => Object.hasOwn(labels, key)).map((key) => new LabelRequirement(key, '=', [labels[key]!]));
  return own.length === 0 || selector.isNothing ? selector : new LabelMatcher([...own, ...selector.requirements]);
}

/** Pods of the namespace that the selector selects; those that are leaving do not count. */
export function spreadMatcher(namespace: string, selector: LabelMatcher): PodMatcher {
  return {
    signature: `spread ${namespace} ${selector.isNothing ? '!' : selector.toString()}`,
    namespaces: [namespace],
    label: requiredLabel(selector),
    matches: ({ pod }) =>
      pod.metadata.namespace === namespace && pod.metadata.deletionTimestamp === undefined && selector.matches(pod.metadata.labels),
  };
}

/**
 * The nodes whose pods count for a constraint: those with all of `keys`, and by the constraint's policies those that the pod's node affinity
 * and tolerations allow. Undefined: all nodes with the constraint's own key.
 */
export function nodesOf({ spec }: corev1.Pod, constraint: SpreadConstraint, keys: readonly string[]): NodeChoice | undefined {
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const affinity = constraint.honorsAffinity && (spec.nodeSelector || required) ? [spec.nodeSelector, required] : undefined;
  const others = keys.filter((key) => key !== constraint.topologyKey);
  if (!affinity && !constraint.honorsTaints && others.length === 0) return undefined;
  const tolerations = constraint.honorsTaints ? (spec.tolerations ?? []) : undefined;
  return {
    signature: JSON.stringify([others.toSorted(), affinity, tolerations]),
    chooses: (node) =>
      hasLabels(node, others) &&
      (!affinity || matchesRequiredNodeAffinity(spec, node.node)) &&
      (!tolerations || !keepsAway(node.node, tolerations)),
  };
}

function hasLabels({ labels }: NodeInfo, keys: readonly string[]): boolean {
  return keys.every((key) => labels !== undefined && Object.hasOwn(labels, key));
}
