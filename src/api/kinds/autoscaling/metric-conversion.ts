/**
 * Metrics as `autoscaling/v1` writes them, which has them in annotations only: what `v2` says of a metric and its target, flat.
 * @source pkg/apis/autoscaling/v1/conversion.go, k8s.io/api/autoscaling/v1/types.go MetricSpec, MetricStatus, v1.35
 */
import type {
  CrossVersionObjectReference,
  MetricIdentifier,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '../../gen/autoscaling-v2.ts';
import type { Draft } from '../../object.ts';

/** A metric of `v1`: text that anybody may have written, so nothing of it is certain. */
export type FlatMetric = Readonly<Record<string, unknown>>;

type Source = Record<string, unknown>;

/** Fields without a value are left out, as Go does with `omitempty`. */
function present(fields: Source): Source {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** Any part of a metric may be missing: objects are converted before they are validated. */
interface LooseSource {
  readonly describedObject?: Partial<CrossVersionObjectReference>;
  readonly metric?: Partial<MetricIdentifier>;
  readonly target?: Partial<MetricTarget>;
  readonly current?: MetricValueStatus;
  readonly name?: string;
  readonly container?: string;
}

type Sources = Readonly<Record<'object' | 'pods' | 'resource' | 'containerResource' | 'external', LooseSource | undefined>>;

/** Fields in Go's order, since the annotation is text. */
export function flatMetric(metric: MetricSpec): FlatMetric {
  const { type = '', object, pods, resource, containerResource, external } = metric as Partial<MetricSpec> & Partial<Sources>;
  return present({
    type,
    object:
      object &&
      present({
        target: reference(object.describedObject),
        metricName: object.metric?.name ?? '',
        targetValue: object.target?.value ?? '0',
        selector: object.metric?.selector,
        averageValue: object.target?.averageValue,
      }),
    pods:
      pods &&
      present({
        metricName: pods.metric?.name ?? '',
        targetAverageValue: pods.target?.averageValue ?? '0',
        selector: pods.metric?.selector,
      }),
    resource: resource && present({ name: resource.name ?? '', ...flatResource(resource) }),
    containerResource:
      containerResource &&
      present({ name: containerResource.name ?? '', ...flatResource(containerResource), container: containerResource.container ?? '' }),
    external:
      external &&
      present({
        metricName: external.metric?.name ?? '',
        metricSelector: external.metric?.selector,
        targetValue: external.target?.value,
        targetAverageValue: external.target?.averageValue,
      }),
  });
}

function flatResource({ target = {} }: LooseSource): Source {
  return { targetAverageUtilization: target.averageUtilization, targetAverageValue: target.averageValue };
}

export function flatStatus(status: MetricStatus): FlatMetric {
  const { type = '', object, pods, resource, containerResource, external } = status as Partial<MetricStatus> & Partial<Sources>;
  return present({
    type,
    object:
      object &&
      present({
        target: reference(object.describedObject),
        metricName: object.metric?.name ?? '',
        currentValue: object.current?.value ?? '0',
        selector: object.metric?.selector,
        averageValue: object.current?.averageValue,
      }),
    pods:
      pods &&
      present({
        metricName: pods.metric?.name ?? '',
        currentAverageValue: pods.current?.averageValue ?? '0',
        selector: pods.metric?.selector,
      }),
    resource: resource && present({ name: resource.name ?? '', ...flatCurrent(resource) }),
    containerResource:
      containerResource &&
      present({ name: containerResource.name ?? '', ...flatCurrent(containerResource), container: containerResource.container ?? '' }),
    external:
      external &&
      present({
        metricName: external.metric?.name ?? '',
        metricSelector: external.metric?.selector,
        currentValue: external.current?.value ?? '0',
        currentAverageValue: external.current?.averageValue,
      }),
  });
}

function flatCurrent({ current = {} }: LooseSource): Source {
  return { currentAverageUtilization: current.averageUtilization, currentAverageValue: current.averageValue ?? '0' };
}

function reference({ kind = '', name = '', apiVersion }: Partial<CrossVersionObjectReference> = {}): Source {
  return present({ kind, name, apiVersion });
}

/** The metric of `v2`; validation tells what is missing of it. */
export function fullMetric(flat: FlatMetric): Draft<MetricSpec> {
  const { type, object, pods, resource, containerResource, external } = flat;
  const [ofObject, ofPods, ofResource, ofContainer, ofExternal] = [object, pods, resource, containerResource, external].map(sourceOf);
  return present({
    type: type ?? '',
    object: ofObject && {
      describedObject: ofObject['target'] ?? {},
      metric: identifier(ofObject, 'selector'),
      target: present({
        type: ofObject['averageValue'] === undefined ? 'Value' : 'AverageValue',
        // No target and a target of nothing are written alike; beside another one it was none.
        value: ofObject['averageValue'] !== undefined && ofObject['targetValue'] === '0' ? undefined : (ofObject['targetValue'] ?? '0'),
        averageValue: ofObject['averageValue'],
      }),
    },
    pods: ofPods && {
      metric: identifier(ofPods, 'selector'),
      target: { type: 'AverageValue', averageValue: ofPods['targetAverageValue'] ?? '0' },
    },
    resource: ofResource && { name: ofResource['name'] ?? '', target: fullResource(ofResource) },
    containerResource: ofContainer && {
      name: ofContainer['name'] ?? '',
      target: fullResource(ofContainer),
      container: ofContainer['container'] ?? '',
    },
    external: ofExternal && {
      metric: identifier(ofExternal, 'metricSelector'),
      target: present({
        type: ofExternal['targetValue'] === undefined ? 'AverageValue' : 'Value',
        value: ofExternal['targetValue'],
        averageValue: ofExternal['targetAverageValue'],
      }),
    },
    // Validation reads every field of it with care.
  }) as unknown as Draft<MetricSpec>;
}

function fullResource(source: Source): Source {
  const { targetAverageUtilization: averageUtilization, targetAverageValue: averageValue } = source;
  return present({ type: averageUtilization === undefined ? 'AverageValue' : 'Utilization', averageValue, averageUtilization });
}

export function fullStatus(flat: FlatMetric): Draft<MetricStatus> {
  const { type, object, pods, resource, containerResource, external } = flat;
  const [ofObject, ofPods, ofResource, ofContainer, ofExternal] = [object, pods, resource, containerResource, external].map(sourceOf);
  return present({
    type: type ?? '',
    object: ofObject && {
      describedObject: ofObject['target'] ?? {},
      metric: identifier(ofObject, 'selector'),
      current: present({ value: ofObject['currentValue'] ?? '0', averageValue: ofObject['averageValue'] }),
    },
    pods: ofPods && { metric: identifier(ofPods, 'selector'), current: { averageValue: ofPods['currentAverageValue'] ?? '0' } },
    resource: ofResource && { name: ofResource['name'] ?? '', current: fullCurrent(ofResource) },
    containerResource: ofContainer && {
      name: ofContainer['name'] ?? '',
      current: fullCurrent(ofContainer),
      container: ofContainer['container'] ?? '',
    },
    external: ofExternal && {
      metric: identifier(ofExternal, 'metricSelector'),
      current: present({ value: ofExternal['currentValue'] ?? '0', averageValue: ofExternal['currentAverageValue'] }),
    },
    // Only controllers write a status, and it is only shown.
  }) as unknown as Draft<MetricStatus>;
}

function fullCurrent({ currentAverageUtilization: averageUtilization, currentAverageValue: averageValue }: Source): Source {
  return present({ averageUtilization, averageValue: averageValue ?? '0' });
}

function identifier(source: Source, selector: 'selector' | 'metricSelector'): Source {
  return present({ name: source['metricName'] ?? '', selector: source[selector] });
}

function sourceOf(value: unknown): Source | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Source) : undefined;
}
