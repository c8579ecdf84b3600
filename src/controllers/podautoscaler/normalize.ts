/**
 * From the number that measurements call for to the number that is set: steadied over windows of time, held within bounds and rates. Pure;
 * each step says what it did, for the conditions.
 * @source pkg/controller/podautoscaler/horizontal.go normalizeDesiredReplicas(WithBehaviors), v1.35
 */
import type { autoscalingv2 } from '../../api/index.ts';
import { changeWithin, type Recent, type ScaleEvent } from './recent.ts';

type Rules = autoscalingv2.HPAScalingRules;

export interface NormalizeOptions {
  readonly current: number;
  readonly desired: number;
  readonly min: number;
  readonly max: number;
  readonly behavior: autoscalingv2.HorizontalPodAutoscalerBehavior | undefined;
  /** Before this recommendation. */
  readonly recent: Recent;
  /** Of scaling down, where the behavior does not say. */
  readonly downscaleStabilizationMs: number;
  readonly nowMs: number;
}

export interface Said {
  readonly reason: string;
  readonly message: string;
}

export interface Normalized {
  readonly replicas: number;
  /** Of the condition AbleToScale. */
  readonly steadied: Said;
  /** Of the condition ScalingLimited. */
  readonly limited: Said & { readonly isLimited: boolean };
  /** How far back recommendations are looked at. */
  readonly keepMs: number;
}

const steady: Said = { reason: 'ReadyForNewScale', message: 'recommended size matches current size' };
const upSteadied: Said = {
  reason: 'ScaleUpStabilized',
  message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
};
const downSteadied: Said = {
  reason: 'ScaleDownStabilized',
  message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
};
const withinRange: Said = { reason: 'DesiredWithinRange', message: 'the desired count is within the acceptable range' };
const tooMany: Said = { reason: 'TooManyReplicas', message: 'the desired replica count is more than the maximum replica count' };
const tooFew: Said = { reason: 'TooFewReplicas', message: 'the desired replica count is less than the minimum replica count' };
const upLimit: Said = { reason: 'ScaleUpLimit', message: 'the desired replica count is increasing faster than the maximum scale rate' };
const downLimit: Said = { reason: 'ScaleDownLimit', message: 'the desired replica count is decreasing faster than the maximum scale rate' };

/** Without policies, sizes at most double at a time, or go to four. */
const upFactor = 2;
const upMinimum = 4;

interface Bounded extends Said {
  readonly replicas: number;
}

export function normalize(options: NormalizeOptions): Normalized {
  const { desired, current, behavior } = options;
  const { replicas: stabilized, keepMs } = behavior ? stabilizedByBehavior(options) : stabilizedDown(options);
  const bounded = behavior ? boundedByRates({ ...options, desired: stabilized }) : boundedByRules({ ...options, desired: stabilized });
  const direction = behavior && desired >= current ? upSteadied : downSteadied;
  const { replicas, reason, message } = bounded;
  return {
    replicas,
    steadied: stabilized === desired ? steady : direction,
    limited: { reason, message, isLimited: replicas !== stabilized },
    keepMs,
  };
}

interface Stabilized {
  readonly replicas: number;
  readonly keepMs: number;
}

function stabilizedDown({ desired, recent, downscaleStabilizationMs: keepMs, nowMs }: NormalizeOptions): Stabilized {
  const within = recent.recommendations.filter(({ timeMs }) => timeMs >= nowMs - keepMs);
  return { replicas: Math.max(desired, ...within.map(({ replicas }) => replicas)), keepMs };
}

/** No higher than the lowest of one window, no lower than the highest of the other. */
function stabilizedByBehavior({ current, desired, behavior, recent, downscaleStabilizationMs, nowMs }: NormalizeOptions): Stabilized {
  const upMs = (behavior?.scaleUp?.stabilizationWindowSeconds ?? 0) * 1000;
  const downSeconds = behavior?.scaleDown?.stabilizationWindowSeconds;
  const downMs = downSeconds === undefined ? downscaleStabilizationMs : downSeconds * 1000;
  const within = (windowMs: number): number[] =>
    recent.recommendations.filter(({ timeMs }) => timeMs > nowMs - windowMs).map(({ replicas }) => replicas);
  const lowest = Math.min(desired, ...within(upMs));
  const highest = Math.max(desired, ...within(downMs));
  return { replicas: Math.min(highest, Math.max(lowest, current)), keepMs: Math.max(upMs, downMs) };
}

function boundedByRules({ current, desired, min, max }: NormalizeOptions): Bounded {
  const limit = Math.max(upFactor * current, upMinimum);
  const highest = Math.min(max, limit);
  if (desired < min) return { replicas: min, ...tooFew };
  if (desired > highest) return { replicas: highest, ...(max > limit ? upLimit : tooMany) };
  return { replicas: desired, ...withinRange };
}

function boundedByRates({ current, desired, min, max, behavior, recent, nowMs }: NormalizeOptions): Bounded {
  if (desired > current) {
    const limit = Math.max(current, highestByPolicies(behavior?.scaleUp, { current, recent, nowMs }));
    const highest = Math.min(max, limit);
    if (desired > highest) return { replicas: highest, ...(max > limit ? upLimit : tooMany) };
  } else if (desired < current) {
    const limit = Math.min(current, lowestByPolicies(behavior?.scaleDown, { current, recent, nowMs }));
    const lowest = Math.max(min, limit);
    if (desired < lowest) return { replicas: lowest, ...(min < limit ? downLimit : tooFew) };
  }
  return { replicas: desired, ...withinRange };
}

interface Rate {
  readonly current: number;
  readonly recent: Recent;
  readonly nowMs: number;
}

function highestByPolicies(rules: Rules | undefined, rate: Rate): number {
  if (rules?.selectPolicy === 'Disabled') return rate.current;
  const proposals = (rules?.policies ?? []).map(({ type, value, periodSeconds }) => {
    const before = sizeBefore(rate, periodSeconds);
    return type === 'Pods' ? before + value : Math.ceil(before * (1 + value / 100));
  });
  return rules?.selectPolicy === 'Min' ? Math.min(...proposals) : Math.max(...proposals);
}

function lowestByPolicies(rules: Rules | undefined, rate: Rate): number {
  if (rules?.selectPolicy === 'Disabled') return rate.current;
  const proposals = (rules?.policies ?? []).map(({ type, value, periodSeconds }) => {
    const before = sizeBefore(rate, periodSeconds);
    return type === 'Pods' ? before - value : Math.trunc(before * (1 - value / 100));
  });
  // The least change is the highest number.
  return rules?.selectPolicy === 'Min' ? Math.max(...proposals) : Math.min(...proposals);
}

/** The size at the beginning of the period, by the changes since. */
function sizeBefore({ current, recent, nowMs }: Rate, periodSeconds: number): number {
  const sum = (events: readonly ScaleEvent[]): number => changeWithin(events, periodSeconds, nowMs);
  return current - sum(recent.ups) + sum(recent.downs);
}

/** The longest period that policies count over. */
export function longestPeriodMs(behavior: autoscalingv2.HorizontalPodAutoscalerBehavior | undefined): number {
  const policies = [...(behavior?.scaleUp?.policies ?? []), ...(behavior?.scaleDown?.policies ?? [])];
  return Math.max(0, ...policies.map(({ periodSeconds }) => periodSeconds)) * 1000;
}
