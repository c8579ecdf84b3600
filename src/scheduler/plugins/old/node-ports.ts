/** Host ports: a node gives each out once. @source kube-scheduler plugins/nodeports */
import { hostPortsOf } from '../../node-info.ts';
import type { Plugin } from '../../framework.ts';

const name = 'NodePorts';

export const nodePorts: Plugin = {
  name,
  events: ['node added', 'assigned pod deleted'],
  preFilter: (_state, pod) => (hostPortsOf(pod).length === 0 ? 'skip' : undefined),
  filter: (_state, pod, node) =>
    hostPortsOf(pod).some((port) => node.holdsPort(port))
      ? { plugin: name, reasons: ["node(s) didn't have free ports for the requested pod ports"], resolvable: true }
      : undefined,
};
