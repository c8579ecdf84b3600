/** Every plugin that comes with the scheduler, and which of them a profile has that says nothing else. @source kube-scheduler v1.35 plugins/registry.go, apis/config/v1/default_plugins.go */
import type { PluginFactory } from '../framework/index.ts';
import { defaultBinder } from './default-binder.ts';
import { defaultPreemption } from './default-preemption.ts';
import { imageLocality } from './image-locality.ts';
import { interPodAffinity } from './inter-pod-affinity/plugin.ts';
import { nodeAffinity } from './node-affinity.ts';
import { nodeName } from './node-name.ts';
import { nodePorts } from './node-ports.ts';
import { nodeResourcesBalancedAllocation } from './node-resources/balanced-allocation.ts';
import { nodeResourcesFit } from './node-resources/fit.ts';
import { nodeVolumeLimits } from './node-volume-limits.ts';
import { nodeUnschedulable } from './node-unschedulable.ts';
import { podTopologySpread } from './pod-topology-spread/plugin.ts';
import { prioritySort } from './priority-sort.ts';
import { schedulingGates } from './scheduling-gates.ts';
import { taintToleration } from './taint-toleration.ts';
import { volumeBinding } from './volume-binding/volume-binding.ts';
import { volumeRestrictions } from './volume-restrictions.ts';
import { volumeZone } from './volume-zone.ts';

export const inTreePlugins: readonly PluginFactory[] = [
  erased(schedulingGates),
  erased(prioritySort),
  erased(nodeUnschedulable),
  erased(nodeName),
  erased(taintToleration),
  erased(nodeAffinity),
  erased(nodePorts),
  erased(nodeResourcesFit),
  erased(podTopologySpread),
  erased(interPodAffinity),
  erased(defaultPreemption),
  erased(nodeResourcesBalancedAllocation),
  erased(volumeRestrictions),
  erased(nodeVolumeLimits),
  erased(volumeBinding),
  erased(volumeZone),
  erased(imageLocality),
  erased(defaultBinder),
];

/** In the order in which they filter (cheap and decisive ones first), with the weights of their scores (0: it does not score). */
export const defaultPluginSet: readonly { readonly name: string; readonly weight: number }[] = [
  { name: 'SchedulingGates', weight: 0 },
  { name: 'PrioritySort', weight: 0 },
  { name: 'NodeUnschedulable', weight: 0 },
  { name: 'NodeName', weight: 0 },
  { name: 'TaintToleration', weight: 3 },
  { name: 'NodeAffinity', weight: 2 },
  { name: 'NodePorts', weight: 0 },
  { name: 'NodeResourcesFit', weight: 1 },
  { name: 'VolumeRestrictions', weight: 0 },
  { name: 'NodeVolumeLimits', weight: 0 },
  { name: 'VolumeBinding', weight: 0 },
  { name: 'VolumeZone', weight: 0 },
  { name: 'PodTopologySpread', weight: 2 },
  { name: 'InterPodAffinity', weight: 2 },
  { name: 'DefaultPreemption', weight: 0 },
  { name: 'NodeResourcesBalancedAllocation', weight: 1 },
  { name: 'ImageLocality', weight: 1 },
  { name: 'DefaultBinder', weight: 0 },
];

/** `create` is only ever given what the same factory's `defaultArgs` made. */
function erased<Args>(factory: PluginFactory<Args>): PluginFactory {
  return factory as PluginFactory;
}
