/** The door of the scheduler room. */
export * from './framework/index.ts';
export type { SchedulerOptions } from './build-scheduler.ts';
export { ConfigurationError } from './config/configuration-error.ts';
export { defaultConfiguration, type ExtenderConfiguration, type SchedulerConfiguration } from './config/configuration.ts';
export { type ComponentSettings, type ReadConfiguration, readConfiguration } from './config/read-configuration.ts';
export type { PostJson } from './extenders/http-extender.ts';
export { type RunningScheduler, startScheduler } from './scheduler.ts';
export type { SchedulerContext } from './scheduler-parts.ts';
