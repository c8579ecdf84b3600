/** The door of the scheduler room. */
export {
  type ClusterEvent,
  type ClusterView,
  CycleState,
  type EventDetail,
  type Plugin,
  type Profile,
  type Rejection,
  type StateKey,
} from './framework.ts';
export { NodeInfo } from './node-info.ts';
export { defaultPlugins, defaultWeights } from './plugins/index.ts';
export { defaultProfile, type SchedulerContext, type SchedulerOptions, startScheduler } from './scheduler.ts';
