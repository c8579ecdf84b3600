/** A pod that already names its node fits only there. @source kube-scheduler plugins/nodename */
import type { Plugin } from '../../framework.ts';

const name = 'NodeName';

export const nodeName: Plugin = {
  name,
  events: ['node added'],
  filter: (_state, pod, { name: node }) =>
    !pod.spec.nodeName || pod.spec.nodeName === node
      ? undefined
      : { plugin: name, reasons: ["node(s) didn't match the requested node name"], resolvable: false },
};
