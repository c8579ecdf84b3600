/** The door of the room every other room stands on: time, randomness, life cycle, logs, metrics and running programs. */
export { type AtomicWriteOptions, writeFileAtomically } from './atomic-file.ts';
export { assert, assertNever, AssertionError } from './assert.ts';
export { backoffMs, KeyedBackoff, type BackoffPolicy } from './backoff.ts';
export { formatMicroTime, formatTime, systemClock, type Clock, type Timer } from './clock.ts';
export { isAbort, type Ctx } from './context.ts';
export { keepAlive } from './keep-alive.ts';
export { type HealthAnswer, type HealthCheck, type HealthQuery, singleHealth, summarizeHealth } from './health-checks.ts';
export { createLogger, silentLogger, type LogFields, type Logger, type LogLevel } from './logger.ts';
export { Counter, Gauge, Histogram, Registry } from './metrics.ts';
export { registerProcessMetrics } from './process-metrics.ts';
export { ProcessError, run, type RunOptions } from './process.ts';
export { currentBootId, identityOf, lifeOf, parseIdentity, type ProcessIdentity, type ProcessLife } from './process-identity.ts';
export { type HeldLock, type RefusedLock, tryProcessLock } from './process-lock.ts';
export { randomSuffix, randomUuid, seededRandom, systemRandom, type Random } from './random.ts';
export { type HistogramSeries, SeriesHistogram } from './series-histogram.ts';
export { TaskGroup } from './task-group.ts';
export { knarrVersion } from './version.ts';
export { VirtualClock } from './virtual-clock.ts';
