/** Host ports: a node gives each out once. @source kube-scheduler v1.35 plugins/nodeports */
import { Action, hostPortsOf, type Plugin, type PluginFactory, portsConflict, skip, unschedulable } from '../framework/index.ts';

const name = 'NodePorts';
const taken = unschedulable("node(s) didn't have free ports for the requested pod ports");

export const nodePorts: PluginFactory = {
  name,
  create: (): Plugin => ({
    name,
    events: [
      {
        resource: 'Pod',
        actions: Action.Delete,
        hint: (pod, old) => {
          if (!old?.spec.nodeName && !old?.status.nominatedNodeName) return false;
          const freed = hostPortsOf(old.spec);
          return hostPortsOf(pod.spec).some((wanted) => freed.some((port) => portsConflict(port, wanted)));
        },
      },
      { resource: 'Node', actions: Action.Add },
    ],
    preFilter: (_state, { hostPorts }) => (hostPorts.length === 0 ? skip : undefined),
    filterScope: 'node',
    filter: (_state, { hostPorts }, node) => (hostPorts.some((port) => node.holdsPort(port)) ? taken : undefined),
    explain: (_state, { hostPorts }, node) => {
      const advice: string[] = [];
      for (const { pod, hostPorts: held } of node.pods()) {
        const clash = held.find((port) => hostPorts.some((wanted) => portsConflict(port, wanted)));
        if (!clash) continue;
        advice.push(`free host port ${clash.port}/${clash.protocol}, which pod ${pod.metadata.namespace}/${pod.metadata.name} holds`);
      }
      return advice;
    },
  }),
};
