/**
 * `autoscaling/v1` of an autoscaler from its stored form, `v2`, and back. What `v1` cannot say (metrics other than the CPU's use,
 * behaviour, conditions) stands in annotations, which are of no meaning in `v2` and dropped there.
 * @source pkg/apis/autoscaling/v1/conversion.go, annotations.go, v1.35
 */
import type { HorizontalPodAutoscaler as AutoscalerV1 } from '../../gen/autoscaling-v1.ts';
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerBehavior,
  HorizontalPodAutoscalerCondition,
  HPAScalingRules,
  MetricSpec,
  MetricStatus,
} from '../../gen/autoscaling-v2.ts';
import { isApiError } from '../../errors.ts';
import { goJson } from '../../go-text.ts';
import type { Draft } from '../../object.ts';
import { decodeObject } from '../../schema/index.ts';
import { type FlatMetric, flatMetric, flatStatus, fullMetric, fullStatus } from './metric-conversion.ts';

const prefix = 'autoscaling.alpha.kubernetes.io/';
const metricsAnnotation = `${prefix}metrics`;
const behaviorAnnotation = `${prefix}behavior`;
const currentMetricsAnnotation = `${prefix}current-metrics`;
const conditionsAnnotation = `${prefix}conditions`;
/** What annotations say of the status. */
const statusAnnotations: readonly string[] = [currentMetricsAnnotation, conditionsAnnotation];
const allAnnotations: readonly string[] = [metricsAnnotation, behaviorAnnotation, ...statusAnnotations];

type Annotations = Readonly<Record<string, string>>;

/** The annotations that are a user's own. The same object when there are no others. */
export function ownAnnotations(annotations: Annotations): Annotations {
  if (!allAnnotations.some((key) => Object.hasOwn(annotations, key))) return annotations;
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => !allAnnotations.includes(key)));
}

/** The annotations of `next`, but for those that speak of the status: they stay as they were. */
export function withOldStatus(next: Annotations, old: Annotations): Annotations {
  const kept = Object.entries(next).filter(([key]) => !statusAnnotations.includes(key));
  const stayed = Object.entries(old).filter(([key]) => statusAnnotations.includes(key));
  return Object.fromEntries([...kept, ...stayed]);
}

/** The annotations of a new status, with everything else as it was. */
export function withNewStatus(next: Annotations, old: Annotations): Annotations {
  const specs = [metricsAnnotation, behaviorAnnotation];
  const kept = Object.entries(next).filter(([key]) => !specs.includes(key));
  return Object.fromEntries([...kept, ...Object.entries(old).filter(([key]) => specs.includes(key))]);
}

/** The stored form. Annotations that cannot be read are as good as none. Parts may be missing: an applied configuration has few. */
export function toV2(autoscaler: AutoscalerV1): Draft<HorizontalPodAutoscaler> {
  const { metadata, spec, status } = whole(autoscaler);
  const annotations = metadata.annotations ?? {};
  const { targetCPUUtilizationPercentage: cpu, ...rest } = spec;
  const others = readList(annotations[metricsAnnotation], (flat) => read(fullMetric(flat), 'MetricSpec')) ?? [];
  const metrics = [...others, ...(cpu === undefined ? [] : [cpuMetric(cpu)])];
  const behavior = readBehavior(annotations[behaviorAnnotation]);
  const { currentCPUUtilizationPercentage: currentCpu, ...counts } = status;
  const currentMetrics =
    readList(annotations[currentMetricsAnnotation], (flat) => read(fullStatus(flat), 'MetricStatus')) ??
    (currentCpu === undefined ? undefined : [cpuStatus(currentCpu)]);
  const conditions = readList(annotations[conditionsAnnotation], (flat) => read(flat, 'HorizontalPodAutoscalerCondition'));
  const own = ownAnnotations(annotations);
  const converted: HorizontalPodAutoscaler = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: own === annotations ? metadata : withAnnotations(metadata, own),
    // `v1` measures the CPU's use when it says nothing.
    spec: { ...rest, metrics: metrics.length > 0 ? metrics : [cpuMetric(defaultCpuPercent)], ...(behavior && { behavior }) },
    status: { ...counts, ...(currentMetrics && { currentMetrics }), ...(conditions && { conditions }) },
  };
  return converted as Draft<HorizontalPodAutoscaler>;
}

/** As `v1` shows it. */
export function toV1(autoscaler: HorizontalPodAutoscaler): Draft<AutoscalerV1> {
  const { metadata, spec, status } = whole(autoscaler);
  const { metrics = [], behavior, ...rest } = spec;
  const { currentMetrics = [], conditions = [], currentReplicas = 0, ...counts } = status;
  const cpu = cpuPercentOf(metrics.find(isCpu));
  const currentCpu = currentMetrics
    .map(({ resource }) => (resource?.name === 'cpu' ? (resource as Partial<typeof resource>).current?.averageUtilization : undefined))
    .findLast((percent) => percent !== undefined);
  const others = metrics.filter((metric) => !isCpu(metric) || cpuPercentOf(metric) === undefined);
  const said = {
    ...(others.length > 0 && { [metricsAnnotation]: goJson(others.map(flatMetric)) }),
    ...(behavior && { [behaviorAnnotation]: goJson(goBehavior(behavior)) }),
    ...(currentMetrics.length > 0 && { [currentMetricsAnnotation]: goJson(currentMetrics.map(flatStatus)) }),
    ...(conditions.length > 0 && { [conditionsAnnotation]: goJson(conditions.map(goCondition)) }),
  };
  const converted: AutoscalerV1 = {
    apiVersion: 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    metadata: Object.keys(said).length === 0 ? metadata : withAnnotations(metadata, { ...metadata.annotations, ...said }),
    spec: { ...rest, ...(cpu !== undefined && { targetCPUUtilizationPercentage: cpu }) },
    status: { ...counts, currentReplicas, ...(currentCpu !== undefined && { currentCPUUtilizationPercentage: currentCpu }) },
  };
  return converted as Draft<AutoscalerV1>;
}

const nothing = { metadata: {}, spec: {}, status: {} };

function whole<T extends object>(autoscaler: T): T {
  return { ...nothing, ...autoscaler };
}

/** What is measured when nothing is said, in percent of what is asked for. */
export const defaultCpuPercent = 80;

export function cpuMetric(averageUtilization: number): Draft<MetricSpec> {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } };
}

function cpuStatus(averageUtilization: number): MetricStatus {
  return { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization } } };
}

/** Any part may be missing: objects are converted before they are validated. */
function cpuPercentOf(metric: MetricSpec | undefined): number | undefined {
  return (metric?.resource as Partial<NonNullable<MetricSpec['resource']>> | undefined)?.target?.averageUtilization;
}

function isCpu({ type, resource }: MetricSpec): boolean {
  return type === 'Resource' && resource?.name === 'cpu';
}

function withAnnotations(metadata: AutoscalerV1['metadata'], annotations: Annotations): AutoscalerV1['metadata'] {
  const { annotations: _, ...rest } = metadata;
  return Object.keys(annotations).length === 0 ? rest : { ...rest, annotations };
}

/** Behaviour is written as Go's own structures are: with capitals, and with what is not there. */
function goBehavior({ scaleUp, scaleDown }: HorizontalPodAutoscalerBehavior): unknown {
  return { ScaleUp: goRules(scaleUp), ScaleDown: goRules(scaleDown) };
}

function goRules(rules: HPAScalingRules | undefined): unknown {
  if (!rules) return null;
  const { stabilizationWindowSeconds, selectPolicy, policies, tolerance } = rules;
  return {
    StabilizationWindowSeconds: stabilizationWindowSeconds ?? null,
    SelectPolicy: selectPolicy ?? null,
    Policies: policies?.map(({ type, value, periodSeconds }) => ({ Type: type, Value: value, PeriodSeconds: periodSeconds })) ?? null,
    Tolerance: tolerance ?? null,
  };
}

function goCondition({ type, status, lastTransitionTime, reason, message }: HorizontalPodAutoscalerCondition): unknown {
  return { type, status, lastTransitionTime: lastTransitionTime ?? null, reason, message };
}

function readBehavior(text: string | undefined): HorizontalPodAutoscalerBehavior | undefined {
  const value = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const behavior = read(uncapitalized(value), 'HorizontalPodAutoscalerBehavior');
  return behavior && Object.keys(behavior).length > 0 ? behavior : undefined;
}

/** Go reads the names of fields in any case; here the first letter is what differs. */
function uncapitalized(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(uncapitalized);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(fields.map(([key, field]) => [key.charAt(0).toLowerCase() + key.slice(1), uncapitalized(field)]));
}

/** All of a list or nothing: undefined when the text is none of what it should be. */
function readList<T>(text: string | undefined, readOne: (flat: FlatMetric) => T | undefined): T[] | undefined {
  const value = parse(text);
  if (!Array.isArray(value)) return undefined;
  const items = value.map((item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item) ? readOne(item as FlatMetric) : undefined,
  );
  return items.every((item) => item !== undefined) ? items : undefined;
}

function parse(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

interface Readable {
  readonly HorizontalPodAutoscalerBehavior: HorizontalPodAutoscalerBehavior;
  readonly HorizontalPodAutoscalerCondition: HorizontalPodAutoscalerCondition;
  readonly MetricSpec: MetricSpec;
  readonly MetricStatus: MetricStatus;
}

/** The value as a type of `autoscaling/v2`; undefined when it is not one. */
function read<K extends keyof Readable>(value: unknown, type: K): Readable[K] | undefined {
  try {
    const { object } = decodeObject(value, `io.k8s.api.autoscaling.v2.${type}`, { fieldValidation: 'Ignore' });
    // The walk builds what the definition of that name describes.
    return object as unknown as Readable[K];
  } catch (error) {
    if (isApiError(error, 'BadRequest')) return undefined;
    throw error;
  }
}
