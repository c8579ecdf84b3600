/**
 * A new node takes no pods until the node controller has seen it Ready.
 * @source kubernetes plugin/pkg/admission/nodetaint
 */
import { type corev1, corev1Resources, type Draft, isSameTaint } from '../../api/index.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { isResource } from './resource-match.ts';

const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' } as const;

export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  handles: (resource, operation, subresource) =>
    isResource(resource, corev1Resources.nodes) && operation === 'CREATE' && subresource === '',
  mutate: ({ object }) => {
    const node = object as Draft<corev1.Node>;
    // Registering nodes may send no spec at all.
    node.spec ??= {};
    if (node.spec.taints?.some((taint) => isSameTaint(taint, notReady))) return;
    node.spec.taints = [...(node.spec.taints ?? []), { ...notReady }];
  },
};
