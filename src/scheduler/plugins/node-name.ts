/** A pod that names its node already fits no other. @source kube-scheduler v1.35 plugins/nodename */
import { Action, type Plugin, type PluginFactory, unresolvable } from '../framework/index.ts';

const name = 'NodeName';
const otherNode = unresolvable("node(s) didn't match the requested node name");

export const nodeName: PluginFactory = {
  name,
  create: (): Plugin => ({
    name,
    events: [{ resource: 'Node', actions: Action.Add }],
    filterScope: 'node',
    filter: (_state, { pod }, node) => (!pod.spec.nodeName || pod.spec.nodeName === node.name ? undefined : otherNode),
    explain: (_state, { pod }) => [`clear spec.nodeName or name a node other than ${pod.spec.nodeName ?? ''}`],
  }),
};
