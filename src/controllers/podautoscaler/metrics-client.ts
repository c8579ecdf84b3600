/**
 * Where autoscalers read measurements: the metrics APIs, each served by whoever is installed for it. What cannot be read fails in the words
 * that users know.
 * @source pkg/controller/podautoscaler/metrics/client.go; k8s.io/metrics pkg/client/{custom_metrics,external_metrics}, v0.35
 */
import {
  ApiError,
  type autoscalingv2,
  type ContainerMetrics,
  isApiError,
  type LabelMatcher,
  metricsv1beta1Resources,
  parseDuration,
  parseQuantity,
  type PodMetrics,
  type ResourceRef,
  tryParseQuantity,
} from '../../api/index.ts';
import type { Client } from '../../client/index.ts';
import type { ScaleTargets } from '../scale/scale-targets.ts';
import { ScaleError } from '../scale/scale-targets.ts';
import { AutoscalingError } from './autoscaling-error.ts';
import type { PodMetric, PodMetricsByName } from './pod-groups.ts';

const customGroup = 'custom.metrics.k8s.io';
/** The newest first. */
const customVersions = ['v1beta2', 'v1beta1'];
const externalGroup = 'external.metrics.k8s.io';
/** Of custom metrics that do not say theirs. */
const defaultWindowMs = 60_000;

/** What both versions of custom metrics say of a value. */
interface CustomMetricValue {
  readonly describedObject: { readonly name: string };
  readonly timestamp: string;
  readonly windowSeconds?: number;
  readonly value: string;
}

interface ExternalMetricValue {
  readonly timestamp: string;
  readonly value: string;
}

export class MetricsClient {
  readonly #client: Client;
  readonly #targets: ScaleTargets;

  constructor(client: Client, targets: ScaleTargets) {
    this.#client = client;
    this.#targets = targets;
  }

  /**
   * What the selected pods, or one container of each, use of a resource.
   * @throws AutoscalingError
   */
  async resource(
    {
      resource,
      container,
      namespace,
      selector,
    }: {
      readonly resource: string;
      readonly container: string | undefined;
      readonly namespace: string;
      readonly selector: LabelMatcher;
    },
    signal: AbortSignal,
  ): Promise<PodMetricsByName> {
    const unable = `unable to get metrics for resource ${resource}`;
    const ref = metricsv1beta1Resources.pods;
    const { items } = await this.#read(`${unable}: unable to fetch metrics from resource metrics API`, ref, () =>
      this.#client.list(ref, { namespace, labelSelector: selector.toString(), signal }),
    );
    if (items.length === 0) throw new AutoscalingError(`${unable}: no metrics returned from resource metrics API`);
    const metrics = new Map<string, PodMetric>();
    for (const pod of items) {
      const used = container === undefined ? podUsage(pod, resource) : containerUsage(pod, { resource, container, unable });
      if (used === undefined) continue;
      metrics.set(pod.metadata.name, { value: used, timeMs: Date.parse(pod.timestamp), windowMs: parseDuration(pod.window) });
    }
    return metrics;
  }

  /** A metric of each of the selected pods. @throws AutoscalingError */
  async ofPods(
    {
      metric,
      namespace,
      selector,
    }: {
      readonly metric: autoscalingv2.MetricIdentifier & { readonly matcher: LabelMatcher };
      readonly namespace: string;
      readonly selector: LabelMatcher;
    },
    signal: AbortSignal,
  ): Promise<PodMetricsByName> {
    const unable = `unable to get metric ${metric.name}`;
    const query = { labelSelector: selector.toString(), ...metricQuery(metric.matcher) };
    const items = await this.#custom(unable, { plural: 'pods', namespace, name: '*', metric: metric.name, query }, signal);
    if (items.length === 0) throw new AutoscalingError(`${unable}: no metrics returned from custom metrics API`);
    return new Map(
      items.map(({ describedObject, timestamp, windowSeconds, value }) => {
        const windowMs = windowSeconds === undefined ? defaultWindowMs : windowSeconds * 1000;
        return [describedObject.name, { value: parseQuantity(value).milliValue(), timeMs: Date.parse(timestamp), windowMs }];
      }),
    );
  }

  /** A metric of one object, in thousandths. @throws AutoscalingError */
  async ofObject(
    {
      metric,
      namespace,
      object,
    }: {
      readonly metric: autoscalingv2.MetricIdentifier & { readonly matcher: LabelMatcher };
      readonly namespace: string;
      readonly object: autoscalingv2.CrossVersionObjectReference;
    },
    signal: AbortSignal,
  ): Promise<number> {
    const failed = (why: string): string => `unable to get metric ${metric.name}: ${object.kind} on ${namespace} ${object.name}/${why}`;
    const fetching = 'unable to fetch metrics from custom metrics API';
    const group = object.apiVersion?.includes('/') ? object.apiVersion.slice(0, object.apiVersion.indexOf('/')) : '';
    const query = metricQuery(metric.matcher);
    let items: readonly CustomMetricValue[];
    try {
      // Whose name a reference gives as a namespace is not believed: it stays within its own.
      const isNamespace = object.kind === 'Namespace' && group === '';
      const [resource] = isNamespace ? [] : await this.#targets.resourcesOf({ group, kind: object.kind }, signal);
      const at = resource
        ? { plural: group === '' ? resource.plural : `${resource.plural}.${group}`, namespace, name: object.name }
        : { plural: 'namespaces', namespace, name: 'metrics' };
      items = await this.#custom('', { ...at, metric: metric.name, query }, signal);
    } catch (error) {
      if (!(error instanceof AutoscalingError || error instanceof ScaleError)) throw error;
      const why = error instanceof ScaleError ? `${fetching}: ${error.message}` : error.message.replace(/^: /, '');
      throw new AutoscalingError(failed(why), { cause: error });
    }
    if (items.length !== 1) {
      const why = `the custom metrics API server returned ${items.length} results when we asked for exactly one`;
      throw new AutoscalingError(failed(`${fetching}: ${why}`));
    }
    return parseQuantity(items[0]!.value).milliValue();
  }

  /** Every value of a metric of something outside, in thousandths. @throws AutoscalingError whose message says only why */
  async external(
    { name, namespace, matcher }: { readonly name: string; readonly namespace: string; readonly matcher: LabelMatcher },
    signal: AbortSignal,
  ): Promise<readonly number[]> {
    const ref = { group: externalGroup, version: 'v1beta1', kind: 'ExternalMetricValue', plural: name, namespaced: true };
    const { items } = await this.#read('unable to fetch metrics from external metrics API', ref, () =>
      this.#client.list(ref, { namespace, ...(!matcher.isEverything && { labelSelector: matcher.toString() }), signal }),
    );
    if (items.length === 0) throw new AutoscalingError('no metrics returned from external metrics API');
    // The API's own form; a value that is none counts for nothing.
    return (items as unknown as readonly ExternalMetricValue[]).map(({ value }) => tryParseQuantity(value)?.milliValue() ?? 0);
  }

  async #custom(
    unable: string,
    {
      plural,
      namespace,
      name,
      metric,
      query,
    }: {
      readonly plural: string;
      readonly namespace: string;
      readonly name: string;
      readonly metric: string;
      readonly query: Readonly<Record<string, string>>;
    },
    signal: AbortSignal,
  ): Promise<readonly CustomMetricValue[]> {
    const failed = `${unable}: unable to fetch metrics from custom metrics API`;
    for (const version of customVersions) {
      const ref = { group: customGroup, version, kind: 'MetricValueList', plural, namespaced: true };
      try {
        const list = await this.#client.subresource(ref, { namespace, name }, { name: metric, verb: 'get' }, { signal, query });
        return (list['items'] ?? []) as unknown as readonly CustomMetricValue[];
      } catch (error) {
        if (isUnserved(error)) continue;
        if (error instanceof ApiError) throw new AutoscalingError(`${failed}: ${error.message}`, { cause: error });
        throw error;
      }
    }
    throw new AutoscalingError(`${failed}: no custom metrics API (${customGroup}) registered`);
  }

  async #read<T>(failed: string, { plural, group }: ResourceRef, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const why = isUnserved(error) ? `the server could not find the requested resource (get ${plural}.${group})` : error.message;
      throw new AutoscalingError(`${failed}: ${why}`, { cause: error });
    }
  }
}

/** Nobody serves the API; an object that is not there is named. */
function isUnserved(error: unknown): boolean {
  return isApiError(error, 'NotFound') && error.details?.name === undefined;
}

function metricQuery(matcher: LabelMatcher): Readonly<Record<string, string>> {
  return matcher.isEverything || matcher.isNothing ? {} : { metricLabelSelector: matcher.toString() };
}

/** Undefined when a container does not tell: the rest would be taken for the whole. */
function podUsage({ containers }: PodMetrics, resource: string): number | undefined {
  if (containers.length === 0) return undefined;
  let sum = 0;
  for (const container of containers) {
    const used = amountOf(container, resource);
    if (used === undefined) return undefined;
    sum += used;
  }
  return sum;
}

function containerUsage(
  { metadata, containers }: PodMetrics,
  { resource, container, unable }: { readonly resource: string; readonly container: string; readonly unable: string },
): number | undefined {
  const found = containers.find(({ name }) => name === container);
  if (found) return amountOf(found, resource);
  const where = `${metadata.namespace}/${metadata.name}`;
  throw new AutoscalingError(`${unable}: failed to get container metrics: container ${container} not present in metrics for pod ${where}`);
}

function amountOf({ usage }: ContainerMetrics, resource: string): number | undefined {
  const amount = usage[resource];
  return amount === undefined ? undefined : parseQuantity(amount).milliValue();
}
