/** Cordoned nodes take no pods, save those that tolerate the taint that a cordon stands for. @source kube-scheduler v1.35 plugins/nodeunschedulable */
import { type corev1, tolerates } from '../../api/index.ts';
import { Action, type Plugin, type PluginFactory, unresolvable } from '../framework/index.ts';

const name = 'NodeUnschedulable';
const cordonTaint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const;
const cordoned = unresolvable('node(s) were unschedulable');

export const nodeUnschedulable: PluginFactory = {
  name,
  create: (): Plugin => ({
    name,
    events: [
      {
        resource: 'Node',
        actions: Action.Add | Action.UpdateNodeTaint,
        hint: (_pod, old, current) => current?.spec.unschedulable !== true && (!old || old.spec.unschedulable === true),
      },
      {
        resource: 'Pod',
        actions: Action.UpdatePodToleration,
        hint: (pod, _old, current) => current?.metadata.uid === pod.metadata.uid && toleratesCordon(current),
      },
    ],
    filterScope: 'node',
    filter: (_state, { pod }, { node }) => (!node.spec.unschedulable || toleratesCordon(pod) ? undefined : cordoned),
    explain: (_state, _pod, node) => [`uncordon the node (kubectl uncordon ${node.name})`],
  }),
};

export function toleratesCordon({ spec }: corev1.Pod): boolean {
  return spec.tolerations?.some((toleration) => tolerates(toleration, cordonTaint)) ?? false;
}
