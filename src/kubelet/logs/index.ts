/** Logs of containers: where they lie, how they are read for clients and how they are kept small. */
export { createContainerLogs } from './container-logs.ts';
export { containerLogPath, linkContainerLog, type LoggedPod, podLogDirectory, removeDeadLinks, removeLinksInto } from './layout.ts';
export type { LogStream } from './log-formatter.ts';
export { timestampNanos } from './log-line.ts';
export { openLog, readContainerLog, type LogReadContext, type LogRequest } from './log-reader.ts';
