/** Cordoned nodes take no pods, save those that tolerate the taint that a cordon stands for. @source kube-scheduler plugins/nodeunschedulable */
import { tolerates } from '../../../api/index.ts';
import type { Plugin } from '../../framework.ts';

const name = 'NodeUnschedulable';
const cordonTaint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const;

export const nodeUnschedulable: Plugin = {
  name,
  events: ['node added', 'node taints', 'pod changed'],
  hint: (_pod, { event, node }) => event === 'pod changed' || node?.spec.unschedulable !== true,
  filter: (_state, pod, { node }) => {
    if (!node.spec.unschedulable) return undefined;
    if (pod.spec.tolerations?.some((toleration) => tolerates(toleration, cordonTaint))) return undefined;
    return { plugin: name, reasons: ['node(s) were unschedulable'], resolvable: false };
  },
};
