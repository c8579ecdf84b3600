/** The contract between the scheduler and its plugins: everything that a plugin imports. */
export { ChangeLog, type ClusterChange } from '../cluster/change-log.ts';
export {
  AffinityTerm,
  affinityTermsOf,
  noAffinityTerms,
  type PodAffinityTerms,
  type WeightedAffinityTerm,
} from '../cluster/affinity-term.ts';
export type { ClusterView } from '../cluster/cluster-view.ts';
export { type HostPort, hostPortsOf, portsConflict } from '../cluster/host-ports.ts';
export { NodeInfo } from '../cluster/node-info.ts';
export { type Amount, amountOf, type PodAmounts, requestedAmounts, scoringAmountOf } from '../cluster/pod-amounts.ts';
export { PodInfo } from '../cluster/pod-info.ts';
export { podSignature, PodShape, PodShapes } from '../cluster/pod-shape.ts';
export { cpuIndex, ephemeralStorageIndex, memoryIndex, podsIndex, resourceIndex, resourceName } from '../cluster/resource-index.ts';
export { Action, type ClusterEvent, eventMatches, type EventObjects, type EventRegistration, type EventResource } from './cluster-event.ts';
export { CycleState, type StateKey, stateKey } from './cycle-state.ts';
export { NodeStatuses } from './node-statuses.ts';
export {
  maxNodeScore,
  normalizeByMax,
  type Plugin,
  type PostFilterResult,
  type PreFilterNodes,
  type QueuedPod,
  type Scope,
} from './plugin.ts';
export type {
  ArgsError,
  CycleRunner,
  Extender,
  ExtenderVictims,
  FrameworkHandle,
  Nominator,
  PluginFactory,
  SchedulerListers,
  WaitingPod,
  WaitingPods,
} from './plugin-factory.ts';
export { errorStatus, isRejection, pending, skip, type Status, type StatusCode, unresolvable, unschedulable, waitFor } from './status.ts';
