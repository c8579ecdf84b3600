/** The door of the scheduler as a process of its own. */
export { localSchedulerFaults, readSchedulerFlags, schedulerFlags, schedulerFlagSyntax, type SchedulerFlagValues } from './flags.ts';
export { runScheduler, type SchedulerConfig } from './run.ts';
export { schedulerFileFaults, schedulerSettings, type SchedulerSettings } from './settings.ts';
