/**
 * A pod stays five minutes on a node that stopped answering, unless it says otherwise.
 * @source kubernetes plugin/pkg/admission/defaulttolerationseconds
 */
import { type corev1, corev1Resources, type Draft } from '../../api/index.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { isResource } from './resource-match.ts';

const taints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'] as const;
const tolerationSeconds = 300;

export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  handles: (resource, operation, subresource) =>
    isResource(resource, corev1Resources.pods) && (operation === 'CREATE' || operation === 'UPDATE') && subresource === '',
  mutate: ({ object }) => {
    const { spec } = object as Draft<corev1.Pod>;
    const tolerations = spec.tolerations ?? [];
    const missing = taints.filter(
      (taint) => !tolerations.some(({ key, effect }) => (!key || key === taint) && (!effect || effect === 'NoExecute')),
    );
    if (missing.length === 0) return;
    const added = missing.map((key) => ({ key, operator: 'Exists' as const, effect: 'NoExecute' as const, tolerationSeconds }));
    spec.tolerations = [...tolerations, ...added];
  },
};
