/**
 * What one metric of an autoscaler calls for, or why that cannot be said: a number of replicas, the words for events, and the entry of
 * the status.
 * @source pkg/controller/podautoscaler/horizontal.go computeReplicasForMetric, v1.35
 */
import {
  type autoscalingv2,
  type corev1,
  type LabelMatcher,
  labelSelectorMatcher,
  matchEverything,
  milliQuantityOf,
  parseQuantity,
} from '../../api/index.ts';
import { selectorText } from '../selector-text.ts';
import { AutoscalingError } from './autoscaling-error.ts';
import type { MetricsClient } from './metrics-client.ts';
import type { StartingPeriods } from './pod-groups.ts';
import { byAverage, byShare, byUtilization, byValue, type Proposal, type Tolerances } from './replica-calculator.ts';

type MetricSpec = autoscalingv2.MetricSpec;

export interface MetricContext {
  readonly metrics: MetricsClient;
  readonly namespace: string;
  readonly selector: LabelMatcher;
  /** Those that the target selects. */
  readonly pods: readonly corev1.Pod[];
  readonly specReplicas: number;
  readonly statusReplicas: number;
  readonly tolerances: Tolerances;
  readonly periods: StartingPeriods;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

export type MetricOutcome =
  | { readonly type: 'proposal'; readonly replicas: number; readonly name: string; readonly status: autoscalingv2.MetricStatus }
  | {
      readonly type: 'failure';
      /** Of the condition and the event. */
      readonly reason: string;
      readonly message: string;
      /** As the failure of the whole tells it. */
      readonly summary: string;
    };

/** Never fails: what goes wrong is an outcome. Faults of the program are thrown. */
export async function proposalFor(spec: MetricSpec, context: MetricContext): Promise<MetricOutcome> {
  const { reason, summary } = failureWords(spec);
  try {
    const made = await propose(spec, context);
    return { type: 'proposal', ...made };
  } catch (error) {
    if (!(error instanceof AutoscalingError)) throw error;
    return { type: 'failure', reason, message: error.message, summary: `${summary}${error.message}` };
  }
}

interface Made {
  readonly replicas: number;
  readonly name: string;
  readonly status: autoscalingv2.MetricStatus;
}

function propose(spec: MetricSpec, context: MetricContext): Promise<Made> {
  // Validation has seen to it that the source of the type is there.
  switch (spec.type) {
    case 'Resource':
      return ofResource({ ...spec.resource!, container: undefined }, context);
    case 'ContainerResource':
      return ofResource(spec.containerResource!, context);
    case 'Pods':
      return ofPods(spec.pods!, context);
    case 'Object':
      return ofObject(spec.object!, context);
    case 'External':
      return ofExternal(spec.external!, context);
    default:
      throw new AutoscalingError(`unknown metric source type "${spec.type}"`);
  }
}

function failureWords(spec: MetricSpec): { readonly reason: string; readonly summary: string } {
  switch (spec.type) {
    case 'Resource':
      return { reason: 'FailedGetResourceMetric', summary: `failed to get ${spec.resource?.name} resource metric value: ` };
    case 'ContainerResource':
      return {
        reason: 'FailedGetContainerResourceMetric',
        summary: `failed to get ${spec.containerResource?.container} container metric value: `,
      };
    case 'Pods':
      return { reason: 'FailedGetPodsMetric', summary: 'failed to get pods metric value: ' };
    case 'Object':
      return { reason: 'FailedGetObjectMetric', summary: 'failed to get object metric value: ' };
    case 'External':
      return { reason: 'FailedGetExternalMetric', summary: `failed to get ${spec.external?.metric.name} external metric value: ` };
    default:
      return { reason: 'InvalidMetricSourceType', summary: '' };
  }
}

async function ofResource(
  source: { readonly name: string; readonly target: autoscalingv2.MetricTarget; readonly container: string | undefined },
  context: MetricContext,
): Promise<Made> {
  const { name: resource, target, container } = source;
  const { metrics, namespace, selector, signal } = context;
  const { averageValue, averageUtilization } = target;
  if (averageValue === undefined && averageUtilization === undefined) {
    throw new AutoscalingError(
      'invalid resource metric source: neither an average utilization target nor an average value (usage) target was set',
    );
  }
  const what = averageValue === undefined ? 'utilization' : 'usage';
  const { replicas, usage, utilization } = await within(`failed to get ${resource} ${what}: `, async () => {
    const measured = {
      ...measuredOf(context),
      resource,
      metrics: await metrics.resource({ resource, container, namespace, selector }, signal),
    };
    return averageValue === undefined
      ? byUtilization(measured, { target: averageUtilization!, container })
      : byAverage(measured, milli(averageValue));
  });
  const current = { ...(utilization !== undefined && { averageUtilization: utilization }), averageValue: text(usage) };
  const kind = container === undefined ? 'resource' : 'container resource';
  return {
    replicas,
    // As upstream says it, the container only where utilization is meant.
    name: averageValue === undefined ? `${resource} ${kind} utilization (percentage of request)` : `${resource} resource`,
    status:
      container === undefined
        ? { type: 'Resource', resource: { name: resource, current } }
        : { type: 'ContainerResource', containerResource: { name: resource, container, current } },
  };
}

async function ofPods({ metric, target }: autoscalingv2.PodsMetricSource, context: MetricContext): Promise<Made> {
  const { metrics, namespace, selector, signal } = context;
  const found = await metrics.ofPods({ metric: withMatcher(metric), namespace, selector }, signal);
  const { replicas, usage } = byAverage({ ...measuredOf(context), resource: undefined, metrics: found }, milli(target.averageValue ?? '0'));
  return {
    replicas,
    name: `pods metric ${metric.name}`,
    status: { type: 'Pods', pods: { metric, current: { averageValue: text(usage) } } },
  };
}

async function ofObject({ metric, target, describedObject }: autoscalingv2.ObjectMetricSource, context: MetricContext): Promise<Made> {
  const { metrics, namespace, signal } = context;
  const read = (): Promise<number> => metrics.ofObject({ metric: withMatcher(metric), namespace, object: describedObject }, signal);
  if (target.type === 'Value' && target.value !== undefined) {
    const { replicas, usage } = valueProposal(context, await read(), target.value);
    return {
      replicas,
      name: `${describedObject.kind} metric ${metric.name}`,
      status: { type: 'Object', object: { describedObject, metric, current: { value: text(usage) } } },
    };
  }
  if (target.type === 'AverageValue' && target.averageValue !== undefined) {
    const { replicas, usage } = await within(`failed to get ${metric.name} object metric: `, async () =>
      shareProposal(context, await read(), target.averageValue!),
    );
    return {
      replicas,
      name: `external metric ${metric.name}(${selectorText(metric.selector)})`,
      // Upstream leaves out whose it is.
      status: { type: 'Object', object: { describedObject: { kind: '', name: '' }, metric, current: { averageValue: text(usage) } } },
    };
  }
  throw new AutoscalingError('invalid object metric source: neither a value target nor an average value target was set');
}

async function ofExternal({ metric, target }: autoscalingv2.ExternalMetricSource, context: MetricContext): Promise<Made> {
  const { metrics, namespace, signal } = context;
  const { name, selector } = metric;
  const read = (): Promise<number> =>
    within(`unable to get external metric ${namespace}/${name}/${selectorText(selector)}: `, async () => {
      const values = await metrics.external({ name, namespace, matcher: withMatcher(metric).matcher }, signal);
      return values.reduce((sum, value) => sum + value, 0);
    });
  const shown = `external metric ${name}(${selectorText(selector)})`;
  if (target.averageValue !== undefined) {
    const { averageValue } = target;
    const { replicas, usage } = await within(`failed to get ${name} external metric: `, async () =>
      shareProposal(context, await read(), averageValue),
    );
    return { replicas, name: shown, status: { type: 'External', external: { metric, current: { averageValue: text(usage) } } } };
  }
  if (target.value !== undefined) {
    const { value } = target;
    const { replicas, usage } = await within(`failed to get external metric ${name}: `, async () =>
      valueProposal(context, await read(), value),
    );
    return { replicas, name: shown, status: { type: 'External', external: { metric, current: { value: text(usage) } } } };
  }
  throw new AutoscalingError('invalid external metric source: neither a value target nor an average value target was set');
}

function measuredOf({ specReplicas, pods, tolerances, periods, nowMs }: MetricContext): {
  readonly currentReplicas: number;
  readonly pods: readonly corev1.Pod[];
  readonly tolerances: Tolerances;
  readonly periods: StartingPeriods;
  readonly nowMs: number;
} {
  return { currentReplicas: specReplicas, pods, tolerances, periods, nowMs };
}

function valueProposal({ specReplicas, pods, tolerances }: MetricContext, usage: number, target: string): Proposal {
  return byValue({ currentReplicas: specReplicas, pods, usage, target: milli(target), tolerances });
}

function shareProposal({ statusReplicas, tolerances }: MetricContext, usage: number, target: string): Proposal {
  return byShare({ statusReplicas, usage, target: milli(target), tolerances });
}

/** Says where it went wrong. */
async function within<T>(where: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AutoscalingError)) throw error;
    throw new AutoscalingError(`${where}${error.message}`, { cause: error });
  }
}

/** Without a selector, every series of the metric. */
function withMatcher(metric: autoscalingv2.MetricIdentifier): autoscalingv2.MetricIdentifier & { readonly matcher: LabelMatcher } {
  return { ...metric, matcher: metric.selector ? labelSelectorMatcher(metric.selector) : matchEverything };
}

function milli(quantity: string): number {
  return parseQuantity(quantity).milliValue();
}

function text(millis: number): string {
  return milliQuantityOf(Math.trunc(millis)).toString();
}
