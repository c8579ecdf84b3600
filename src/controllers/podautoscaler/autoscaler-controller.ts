/**
 * Sets the size of workloads by what is measured of them, every 15 seconds: reads the scale of the target, asks metrics what they call for,
 * steadies and bounds that, and writes the scale.
 * Invariants: an autoscaler is looked at once a period, whatever happens to it; pods that two autoscalers count are scaled by neither.
 * @source pkg/controller/podautoscaler/horizontal.go, v1.35
 */
import {
  type autoscalingv2,
  autoscalingv2Resources,
  corev1Resources,
  isApiError,
  type LabelMatcher,
  parseLabelSelector,
  parseQuantity,
  type ResourceRef,
  SelectorError,
  setCondition,
} from '../../api/index.ts';
import { type Ctx, formatTime, Registry } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, keyOf, type Outcome, splitKey } from '../../client/index.ts';
import { type Scale, ScaleError, ScaleTargets } from '../scale/scale-targets.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { type Action, autoscalerMetrics } from './autoscaler-metrics.ts';
import { type Combined, combineMetrics } from './combine-metrics.ts';
import { type MetricOutcome, proposalFor } from './metric-proposals.ts';
import { MetricsClient } from './metrics-client.ts';
import { longestPeriodMs, normalize } from './normalize.ts';
import { firstRecent, type Recent, withChange, withRecommendation } from './recent.ts';
import type { Tolerances } from './replica-calculator.ts';

type Autoscaler = autoscalingv2.HorizontalPodAutoscaler;
type Condition = autoscalingv2.HorizontalPodAutoscalerCondition;
type Status = autoscalingv2.HorizontalPodAutoscalerStatus;

/** The flags `--horizontal-pod-autoscaler-…` and `--concurrent-horizontal-pod-autoscaler-syncs`. */
export interface AutoscalerOptions {
  /** Between two looks; default 15 s. */
  readonly syncPeriodMs?: number;
  /** Default 5 min. */
  readonly downscaleStabilizationMs?: number;
  /** Default 0.1. */
  readonly tolerance?: number;
  /** Default 5 min. */
  readonly cpuInitializationMs?: number;
  /** Default 30 s. */
  readonly initialReadinessMs?: number;
}

/** What a look at one autoscaler came to. */
interface Look {
  readonly status: Status;
  readonly action: Action;
  readonly error?: string;
}

export function createAutoscalerController(context: ControllerContext, options: AutoscalerOptions = {}): Controller {
  const { client, informers, recorder, clock, registry = new Registry() } = context;
  const { syncPeriodMs = 15_000, downscaleStabilizationMs = 300_000, tolerance = 0.1 } = options;
  const { cpuInitializationMs = 300_000, initialReadinessMs = 30_000 } = options;
  const resource = autoscalingv2Resources.horizontalpodautoscalers;
  const autoscalers = informers.informer(resource);
  const pods = informers.informer(corev1Resources.pods);
  const targets = new ScaleTargets(client, clock);
  const metrics = new MetricsClient(client, targets);
  const counts = autoscalerMetrics(registry);
  const recents = new Map<string, Recent>();
  /** What each autoscaler's target selected when it was last looked at. */
  const selectors = new Map<string, LabelMatcher>();
  const again: Outcome = { type: 'retryAfter', delayMs: syncPeriodMs };

  const setup = (enqueue: (key: string, delayMs?: number) => void): void => {
    const later = (autoscaler: Autoscaler): void => enqueue(keyOf(autoscaler), syncPeriodMs);
    autoscalers.addHandler({
      added: (autoscaler) => {
        counts.count(autoscalers.list().length);
        later(autoscaler);
      },
      updated: (_, autoscaler) => later(autoscaler),
      deleted: (autoscaler) => {
        counts.count(autoscalers.list().length);
        selectors.delete(keyOf(autoscaler));
        later(autoscaler);
      },
    });
  };

  const reconcile = async (key: string, ctx: Ctx): Promise<Outcome> => {
    const autoscaler = autoscalers.get(splitKey(key));
    const { namespace = '', name } = splitKey(key);
    if (!autoscaler) {
      recents.delete(key);
      selectors.delete(key);
      counts.desired({ namespace, name }, undefined);
      return done;
    }
    const beganMs = clock.monotonic();
    try {
      const { status, action, error } = await look(autoscaler, key, ctx.signal);
      counts.desired({ namespace, name }, status.desiredReplicas);
      await write(autoscaler, status, ctx.signal);
      if (error !== undefined) ctx.log.info('an autoscaler could not do all that it should', { autoscaler: key, error });
      counts.reconciled(action, error === undefined ? 'none' : 'internal', (clock.monotonic() - beganMs) / 1000);
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (!isApiError(error)) throw error;
      // It is looked at again when its time has come, and no sooner.
      ctx.log.debug('an autoscaler met a failure', { autoscaler: key, err: error });
      counts.reconciled('none', 'internal', (clock.monotonic() - beganMs) / 1000);
    }
    return again;
  };

  const look = async (autoscaler: Autoscaler, key: string, signal: AbortSignal): Promise<Look> => {
    const conditions = new Conditions(autoscaler, clock.now());
    const target = await readScale(autoscaler, signal);
    if (typeof target === 'string') {
      warn(autoscaler, 'FailedGetScale', target);
      conditions.set('AbleToScale', 'False', {
        reason: 'FailedGetScale',
        message: `the HPA controller was unable to get the target's current scale: ${target}`,
      });
      return { status: { ...autoscaler.status, conditions: conditions.list }, action: 'none', error: target };
    }
    conditions.set('AbleToScale', 'True', {
      reason: 'SucceededGetScale',
      message: "the HPA controller was able to get the target's current scale",
    });
    const { scale } = target;
    const current = scale.spec.replicas ?? 0;
    if (!recents.has(key)) recents.set(key, firstRecent(current, clock.now()));
    const wanted = await sizeFor(autoscaler, { scale, key, conditions }, signal);
    if (wanted.replicas === undefined) {
      warn(autoscaler, 'FailedComputeMetricsReplicas', wanted.error);
      const status = statusWith(autoscaler, { current, desired: autoscaler.status.desiredReplicas, metrics: wanted.metrics, conditions });
      return { status, action: 'none', error: wanted.error };
    }
    const { replicas, why, metrics: metricStatuses, error } = wanted;
    if (replicas === current) {
      const status = statusWith(autoscaler, { current, desired: current, metrics: metricStatuses, conditions });
      return { status, action: 'none', ...(error !== undefined && { error }) };
    }
    return rescale(autoscaler, { ...target, key, conditions, replicas, why, metrics: metricStatuses, error }, signal);
  };

  /** The target's scale and resource, or why there is none. */
  const readScale = async (
    { metadata, spec }: Autoscaler,
    signal: AbortSignal,
  ): Promise<{ readonly scale: Scale; readonly resource: ResourceRef } | string> => {
    const { apiVersion = '', kind, name } = spec.scaleTargetRef;
    const parts = apiVersion.split('/');
    if (parts.length > 2) return `unexpected GroupVersion string: ${apiVersion}`;
    const group = parts.length === 2 ? parts[0]! : '';
    let first: string | undefined;
    try {
      for (const found of await targets.resourcesOf({ group, kind }, signal)) {
        try {
          return { scale: await targets.get(found, { namespace: metadata.namespace ?? '', name }, signal), resource: found };
        } catch (error) {
          if (!isApiError(error)) throw error;
          first ??= error.message;
        }
      }
    } catch (error) {
      if (!(error instanceof ScaleError)) throw error;
      first = error.message;
    }
    return first ?? 'unrecognized resource';
  };

  /** How many there should be, and why. */
  const sizeFor = async (
    autoscaler: Autoscaler,
    { scale, key, conditions }: { readonly scale: Scale; readonly key: string; readonly conditions: Conditions },
    signal: AbortSignal,
  ): Promise<Wanted> => {
    const { minReplicas: min = 1, maxReplicas: max, behavior } = autoscaler.spec;
    const current = scale.spec.replicas ?? 0;
    if (current === 0 && min !== 0) {
      const message = 'scaling is disabled since the replica count of the target is zero';
      conditions.set('ScalingActive', 'False', { reason: 'ScalingDisabled', message });
      return { replicas: 0, why: '', metrics: [], error: undefined };
    }
    if (current > max) return { replicas: max, why: 'Current number of replicas above Spec.MaxReplicas', metrics: [], error: undefined };
    if (current < min) return { replicas: min, why: 'Current number of replicas below Spec.MinReplicas', metrics: [], error: undefined };
    const measured = await measure(autoscaler, { scale, key, conditions }, signal);
    if (typeof measured === 'string') return { replicas: undefined, metrics: [], error: measured };
    const { replicas: desired, name, statuses, active, error } = measured;
    conditions.set('ScalingActive', active.status, active);
    if (desired === undefined) return { replicas: undefined, metrics: statuses, error: error ?? '' };
    const recent = recents.get(key)!;
    const nowMs = clock.now();
    const normalized = normalize({ current, desired, min, max, behavior, recent, downscaleStabilizationMs, nowMs });
    recents.set(key, withRecommendation(recent, { replicas: desired, timeMs: nowMs }, normalized.keepMs));
    conditions.set('AbleToScale', 'True', normalized.steadied);
    conditions.set('ScalingLimited', normalized.limited.isLimited ? 'True' : 'False', normalized.limited);
    const why = desired > current ? `${name} above target` : desired < current ? 'All metrics below target' : '';
    return { replicas: normalized.replicas, why, metrics: statuses, error };
  };

  /** What the metrics call for, or why none can be asked. */
  const measure = async (
    autoscaler: Autoscaler,
    { scale, key, conditions }: { readonly scale: Scale; readonly key: string; readonly conditions: Conditions },
    signal: AbortSignal,
  ): Promise<Combined | string> => {
    const { namespace = '' } = autoscaler.metadata;
    const refuse = (reason: string, message: string, event = { reason, message }): string => {
      warn(autoscaler, event.reason, event.message);
      conditions.set('ScalingActive', 'False', { reason, message });
      return event.message;
    };
    const text = scale.status.selector ?? '';
    if (text === '') {
      const event = { reason: 'SelectorRequired', message: 'selector is required' };
      return refuse('InvalidSelector', "the HPA target's scale is missing a selector", event);
    }
    let selector: LabelMatcher;
    try {
      selector = parseLabelSelector(text);
    } catch (error) {
      if (!(error instanceof SelectorError)) throw error;
      return refuse('InvalidSelector', `couldn't convert selector into a corresponding internal selector object: ${error.message}`);
    }
    selectors.set(key, selector);
    const selected = pods.list(namespace).filter(({ metadata }) => selector.matches(metadata.labels));
    const rivals = autoscalers.list(namespace).filter((other) => {
      const matcher = selectors.get(keyOf(other));
      return matcher !== undefined && selected.some(({ metadata }) => matcher.matches(metadata.labels));
    });
    if (rivals.length > 1) {
      const names = rivals.map(({ metadata }) => `{${metadata.name} ${namespace}}`).sort();
      return refuse('AmbiguousSelector', `pods by selector ${text} are controlled by multiple HPAs: [${names.join(' ')}]`);
    }
    const shared = {
      metrics,
      namespace,
      selector,
      pods: selected,
      specReplicas: scale.spec.replicas ?? 0,
      statusReplicas: scale.status.replicas,
      tolerances: tolerancesOf(autoscaler, tolerance),
      periods: { cpuInitializationMs, initialReadinessMs },
      nowMs: clock.now(),
      signal,
    };
    const outcomes: MetricOutcome[] = [];
    for (const spec of autoscaler.spec.metrics ?? []) {
      const beganMs = clock.monotonic();
      const outcome = await proposalFor(spec, shared);
      if (outcome.type === 'failure') warn(autoscaler, outcome.reason, outcome.message);
      const seconds = (clock.monotonic() - beganMs) / 1000;
      const action = outcome.type === 'failure' ? 'none' : actionOf(autoscaler.status.currentReplicas ?? 0, outcome.replicas);
      counts.computed(action, outcome.type === 'failure' ? 'internal' : 'none', { metricType: spec.type, seconds });
      outcomes.push(outcome);
    }
    return combineMetrics(outcomes, shared.specReplicas);
  };

  const rescale = async (autoscaler: Autoscaler, change: Change, signal: AbortSignal): Promise<Look> => {
    const { scale, resource: found, key, conditions, replicas, why, metrics: statuses, error } = change;
    const current = scale.spec.replicas ?? 0;
    try {
      await targets.setReplicas(found, scale, replicas, signal);
    } catch (refused) {
      if (!isApiError(refused)) throw refused;
      warn(autoscaler, 'FailedRescale', `New size: ${replicas}; reason: ${why}; error: ${refused.message}`);
      const message = `the HPA controller was unable to update the target scale: ${refused.message}`;
      conditions.set('AbleToScale', 'False', { reason: 'FailedUpdateScale', message });
      const desired = autoscaler.status.desiredReplicas;
      return {
        status: statusWith(autoscaler, { current, desired, metrics: statuses, conditions }),
        action: 'none',
        error: refused.message,
      };
    }
    conditions.set('AbleToScale', 'True', {
      reason: 'SucceededRescale',
      message: `the HPA controller was able to update the target scale to ${replicas}`,
    });
    const message = `New size: ${replicas}; reason: ${why}`;
    recorder.event(autoscaler, { type: 'Normal', reason: 'SuccessfulRescale', message });
    const { behavior } = autoscaler.spec;
    if (behavior) {
      const timeMs = clock.now();
      recents.set(key, withChange(recents.get(key)!, { from: current, to: replicas, timeMs, keepMs: longestPeriodMs(behavior) }));
    }
    const status = statusWith(autoscaler, { current, desired: replicas, metrics: statuses, conditions });
    return {
      status: { ...status, lastScaleTime: formatTime(clock.now()) },
      action: actionOf(current, replicas),
      ...(error !== undefined && { error }),
    };
  };

  const write = async (autoscaler: Autoscaler, status: Status, signal: AbortSignal): Promise<void> => {
    if (semanticEqual(status, autoscaler.status)) return;
    try {
      await client.updateStatus(resource, { ...autoscaler, status }, { signal });
    } catch (error) {
      if (isApiError(error)) warn(autoscaler, 'FailedUpdateStatus', error.message);
      throw error;
    }
  };

  const warn = (autoscaler: Autoscaler, reason: string, message: string): void =>
    recorder.event(autoscaler, { type: 'Warning', reason, message });

  return { name: 'horizontal-pod-autoscaler-controller', reconcile, setup, workers: 5 };
}

type Wanted =
  | { readonly replicas: undefined; readonly metrics: Status['currentMetrics']; readonly error: string }
  | { readonly replicas: number; readonly why: string; readonly metrics: Status['currentMetrics']; readonly error: string | undefined };

interface Change {
  readonly scale: Scale;
  readonly resource: ResourceRef;
  readonly key: string;
  readonly conditions: Conditions;
  readonly replicas: number;
  readonly why: string;
  readonly metrics: Status['currentMetrics'];
  readonly error: string | undefined;
}

/** The conditions of one look, as they come. */
class Conditions {
  list: readonly Condition[];
  readonly #now: string;

  constructor({ status }: Autoscaler, nowMs: number) {
    this.list = status.conditions ?? [];
    this.#now = formatTime(nowMs);
  }

  set(type: string, status: 'True' | 'False', { reason, message }: { readonly reason: string; readonly message: string }): void {
    this.list = setCondition<Condition>(this.list, { type, status, reason, message, lastTransitionTime: this.#now });
  }
}

function statusWith(
  { status }: Autoscaler,
  to: {
    readonly current: number;
    readonly desired: number;
    readonly metrics: Status['currentMetrics'];
    readonly conditions: Conditions;
  },
): Status {
  return {
    currentReplicas: to.current,
    desiredReplicas: to.desired,
    ...(status.lastScaleTime !== undefined && { lastScaleTime: status.lastScaleTime }),
    ...(to.metrics && to.metrics.length > 0 && { currentMetrics: to.metrics }),
    conditions: to.conditions.list,
  };
}

function tolerancesOf({ spec }: Autoscaler, tolerance: number): Tolerances {
  const of = (rules: autoscalingv2.HPAScalingRules | undefined): number =>
    rules?.tolerance === undefined ? tolerance : parseQuantity(rules.tolerance).toNumber();
  return { scaleUp: of(spec.behavior?.scaleUp), scaleDown: of(spec.behavior?.scaleDown) };
}

function actionOf(from: number, to: number): Action {
  if (to === from) return 'none';
  return to > from ? 'scale_up' : 'scale_down';
}
