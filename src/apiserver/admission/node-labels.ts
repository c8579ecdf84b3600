/**
 * Which labels of its own Node object a kubelet may change: none by which pods are steered to nodes for their isolation, and of
 * Kubernetes' own labels only those that describe the machine.
 * @source kubernetes plugin/pkg/admission/noderestriction; k8s.io/kubelet pkg/apis/well_known_labels.go
 */
import type { Labels } from '../../api/index.ts';

const allowed: ReadonlySet<string> = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/arch',
  'kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
]);
const allowedNamespaces = ['kubelet.kubernetes.io', 'node.kubernetes.io'] as const;
const restrictedNamespace = 'node-restriction.kubernetes.io';

/** Keys that differ between two sets of labels and that a kubelet may not change, sorted. */
export function forbiddenLabelChanges(labels: Labels | undefined, old: Labels | undefined): string[] {
  const keys = new Set([...Object.keys(labels ?? {}), ...Object.keys(old ?? {})]);
  return [...keys].filter((key) => labels?.[key] !== old?.[key] && isForbidden(key)).toSorted();
}

function isForbidden(key: string): boolean {
  const slash = key.indexOf('/');
  const namespace = slash < 0 ? '' : key.slice(0, slash);
  if (isWithin(namespace, restrictedNamespace)) return true;
  if (!isWithin(namespace, 'kubernetes.io') && !isWithin(namespace, 'k8s.io')) return false;
  return !allowed.has(key) && !allowedNamespaces.some((one) => isWithin(namespace, one));
}

function isWithin(namespace: string, parent: string): boolean {
  return namespace === parent || namespace.endsWith(`.${parent}`);
}
