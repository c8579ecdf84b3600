/** The door of the scheduler room. */
export * from './framework/index.ts';
export type { SchedulerOptions } from './build-scheduler.ts';
export type { SchedulerConfiguration } from './config/configuration.ts';
export { type RunningScheduler, startScheduler } from './scheduler.ts';
export type { SchedulerContext } from './scheduler-parts.ts';
