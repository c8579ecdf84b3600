/**
 * How many replicas bring what is measured to its target. Pure: measurements, pods and targets in, a number out. Where a measurement is
 * missing, it is taken for what keeps the change small, and never turns its direction.
 * @source pkg/controller/podautoscaler/replica_calculator.go and metrics/utilization.go, v1.35
 */
import type { corev1 } from '../../api/index.ts';
import { AutoscalingError } from './autoscaling-error.ts';
import { type GroupOptions, groupPods, type PodMetricsByName } from './pod-groups.ts';
import { requestsOf } from './pod-requests.ts';

/** Ratios of usage to target within these call for no change. */
export interface Tolerances {
  readonly scaleUp: number;
  readonly scaleDown: number;
}

export interface Proposal {
  readonly replicas: number;
  /** An average over pods, or a value as a whole; in thousandths. */
  readonly usage: number;
  /** In percent of what is requested, where that is the target. */
  readonly utilization?: number;
}

export interface Measured extends GroupOptions {
  readonly currentReplicas: number;
  /** Those that the target selects. */
  readonly pods: readonly corev1.Pod[];
  readonly metrics: PodMetricsByName;
  readonly tolerances: Tolerances;
}

const maxInt32 = 2 ** 31 - 1;

export function isWithin(ratio: number, { scaleUp, scaleDown }: Tolerances): boolean {
  return 1 - scaleDown <= ratio && ratio <= 1 + scaleUp;
}

/**
 * For a target in percent of what pods request.
 * @throws AutoscalingError when there is nothing to go by
 */
export function byUtilization(
  measured: Measured & { readonly resource: string },
  { target, container }: { readonly target: number; readonly container: string | undefined },
): Proposal {
  return fromPods(measured, () => {
    const requests = requestsOf(measured.pods, { resource: measured.resource, container });
    const request = (name: string): number => requests.get(name) ?? 0;
    return {
      // What is missing is taken for all that it may use, or for the target where that is more.
      missing: (name) => Math.trunc((request(name) * Math.max(100, target)) / 100),
      ratioOf: (values) => {
        const known = [...values].filter(([name]) => requests.has(name));
        const requested = known.reduce((sum, [name]) => sum + request(name), 0);
        if (requested === 0) throw new AutoscalingError('no metrics returned matched known pods');
        const used = known.reduce((sum, [, value]) => sum + value, 0);
        const utilization = Math.trunc((used * 100) / requested);
        return { ratio: utilization / target, usage: Math.trunc(used / known.length), utilization };
      },
    };
  });
}

/**
 * For a target in the metric's own unit, an average over pods; in thousandths.
 * @throws AutoscalingError when there is nothing to go by
 */
export function byAverage(measured: Measured, target: number): Proposal {
  return fromPods(measured, () => ({
    missing: () => target,
    ratioOf: (values) => {
      const used = [...values.values()].reduce((sum, value) => sum + value, 0);
      const usage = Math.trunc(used / values.size);
      return { ratio: usage / target, usage };
    },
  }));
}

/** How one kind of target reads the figures of pods. */
interface Reading {
  /** What a pod without a figure is taken for when there are to be fewer. */
  readonly missing: (name: string) => number;
  readonly ratioOf: (values: ReadonlyMap<string, number>) => { readonly ratio: number } & Omit<Proposal, 'replicas'>;
}

/** @param readingOf called once it is known that there is something to read */
function fromPods(measured: Measured, readingOf: () => Reading): Proposal {
  const { currentReplicas, pods, metrics, tolerances } = measured;
  if (pods.length === 0) throw new AutoscalingError('no pods returned by selector while calculating replica count');
  const groups = groupPods(pods, metrics, measured);
  const values = new Map([...metrics].map(([name, { value }]) => [name, value]));
  for (const name of [...groups.ignored, ...groups.unready]) values.delete(name);
  if (values.size === 0) throw new AutoscalingError('did not receive metrics for targeted pods (pods might be unready)');
  const { missing, ratioOf } = readingOf();
  const { ratio, ...shown } = ratioOf(values);
  const growsUnready = groups.unready.length > 0 && ratio > 1;
  const stays = { replicas: currentReplicas, ...shown };
  if (!growsUnready && groups.missing.length === 0) {
    return isWithin(ratio, tolerances) ? stays : { replicas: Math.ceil(ratio * groups.ready), ...shown };
  }
  if (ratio < 1) for (const name of groups.missing) values.set(name, missing(name));
  if (ratio > 1) for (const name of groups.missing) values.set(name, 0);
  if (growsUnready) for (const name of groups.unready) values.set(name, 0);
  const { ratio: cautious } = ratioOf(values);
  const turns = (ratio < 1 && cautious > 1) || (ratio > 1 && cautious < 1);
  if (isWithin(cautious, tolerances) || turns) return stays;
  const replicas = Math.ceil(cautious * values.size);
  const isAgainst = (cautious < 1 && replicas > currentReplicas) || (cautious > 1 && replicas < currentReplicas);
  return isAgainst ? stays : { replicas, ...shown };
}

/**
 * For a value of something else as a whole, such as the length of a queue: replicas in proportion.
 * @param options.usage in thousandths; as is its target
 * @throws AutoscalingError when there are no pods to take a part of
 */
export function byValue(options: {
  readonly currentReplicas: number;
  readonly pods: readonly corev1.Pod[];
  readonly usage: number;
  readonly target: number;
  readonly tolerances: Tolerances;
}): Proposal {
  const { currentReplicas, pods, usage, target, tolerances } = options;
  const ratio = usage / target;
  // From nothing there is no proportion: the ratio itself is the number.
  if (currentReplicas === 0) return { replicas: Math.ceil(ratio), usage };
  if (isWithin(ratio, tolerances)) return { replicas: currentReplicas, usage };
  if (pods.length === 0) {
    throw new AutoscalingError('unable to calculate ready pods: no pods returned by selector while calculating replica count');
  }
  const ready = pods.filter(({ status }) => status.phase === 'Running' && status.conditions?.some(isReady)).length;
  return { replicas: Math.min(maxInt32, Math.ceil(ratio * ready)), usage };
}

function isReady({ type, status }: corev1.PodCondition): boolean {
  return type === 'Ready' && status === 'True';
}

/** For a value of something else, shared out among the replicas. @param options.target of each; in thousandths, as is the usage */
export function byShare(options: {
  readonly statusReplicas: number;
  readonly usage: number;
  readonly target: number;
  readonly tolerances: Tolerances;
}): Proposal {
  const { statusReplicas, usage, target, tolerances } = options;
  const stays = isWithin(usage / (target * statusReplicas), tolerances);
  const replicas = stays ? statusReplicas : Math.min(maxInt32, Math.ceil(usage / target));
  return { replicas, usage: statusReplicas === 0 ? 0 : Math.ceil(usage / statusReplicas) };
}
