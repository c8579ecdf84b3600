/** Warnings about labels of nodes that have new names. @source pkg/api/node/util.go, v1.35 */
import type { NodeSelectorTerm } from '../../gen/core-v1.ts';

const deprecatedLabels = new Map([
  ['beta.kubernetes.io/arch', 'deprecated since v1.14; use "kubernetes.io/arch" instead'],
  ['beta.kubernetes.io/os', 'deprecated since v1.14; use "kubernetes.io/os" instead'],
  ['failure-domain.beta.kubernetes.io/region', 'deprecated since v1.17; use "topology.kubernetes.io/region" instead'],
  ['failure-domain.beta.kubernetes.io/zone', 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'],
  ['beta.kubernetes.io/instance-type', 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead'],
]);

/** What is to be said about a label of nodes; undefined when it is not deprecated. */
export function nodeLabelDeprecation(key: string): string | undefined {
  return deprecatedLabels.get(key);
}

export function nodeTermWarnings({ matchExpressions = [] }: NodeSelectorTerm, path: string): string[] {
  return matchExpressions.flatMap(({ key }, i) => {
    const message = nodeLabelDeprecation(key);
    return message === undefined ? [] : [`${path}.matchExpressions[${i}].key: ${key} is ${message}`];
  });
}
