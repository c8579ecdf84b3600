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

/** What is wanted of a metric, or what is measured: `v2` and `v1` name the fields of values after it. */
type Side = 'target' | 'current';

type Sources = Readonly<Record<'object' | 'pods' | 'resource' | 'containerResource' | 'external', LooseSource | undefined>>;

/** Fields in Go's order, since the annotation is text. */
export function flatMetric(metric: MetricSpec): FlatMetric {
  return flatten(metric, 'target');
}

export function flatStatus(status: MetricStatus): FlatMetric {
  return flatten(status, 'current');
}

function flatten(metric: { readonly type?: string } & Partial<Sources>, side: Side): FlatMetric {
  const { type = '', object, pods, resource, containerResource, external } = metric;
  const value = `${side}Value`;
  const averageValue = `${side}AverageValue`;
  return present({
    type,
    object:
      object &&
      present({
        target: reference(object.describedObject),
        metricName: object.metric?.name ?? '',
        [value]: object[side]?.value ?? '0',
        selector: object.metric?.selector,
        averageValue: object[side]?.averageValue,
      }),
    pods:
      pods &&
      present({
        metricName: pods.metric?.name ?? '',
        [averageValue]: pods[side]?.averageValue ?? '0',
        selector: pods.metric?.selector,
      }),
    resource: resource && present({ name: resource.name ?? '', ...flatResource(resource, side) }),
    containerResource:
      containerResource &&
      present({
        name: containerResource.name ?? '',
        ...flatResource(containerResource, side),
        container: containerResource.container ?? '',
      }),
    external:
      external &&
      present({
        metricName: external.metric?.name ?? '',
        metricSelector: external.metric?.selector,
        [value]: external[side]?.value ?? unsaid[side],
        [averageValue]: external[side]?.averageValue,
      }),
  });
}

function flatResource(source: LooseSource, side: Side): Source {
  const values = source[side];
  return { [`${side}AverageUtilization`]: values?.averageUtilization, [`${side}AverageValue`]: values?.averageValue ?? unsaid[side] };
}

/** A target may be unsaid; a measurement is a number. */
const unsaid: Readonly<Record<Side, string | undefined>> = { target: undefined, current: '0' };

function reference({ kind = '', name = '', apiVersion }: Partial<CrossVersionObjectReference> = {}): Source {
  return present({ kind, name, apiVersion });
}

/** The metric of `v2`; validation tells what is missing of it. */
export function fullMetric(flat: FlatMetric): Draft<MetricSpec> {
  // Validation reads every field of it with care.
  return unflatten(flat, 'target', targets) as unknown as Draft<MetricSpec>;
}

export function fullStatus(flat: FlatMetric): Draft<MetricStatus> {
  // Only controllers write a status, and it is only shown.
  return unflatten(flat, 'current', measurements) as unknown as Draft<MetricStatus>;
}

/** What `v2` says of the values of a flat metric, by where the metric comes from. */
type Values = Readonly<Record<'object' | 'pods' | 'resource' | 'external', (source: Source) => Source>>;

const targets: Values = {
  object: ({ targetValue, averageValue }) => ({
    type: averageValue === undefined ? 'Value' : 'AverageValue',
    // No target and a target of nothing are written alike; beside another one it was none.
    value: averageValue !== undefined && targetValue === '0' ? undefined : (targetValue ?? '0'),
    averageValue,
  }),
  pods: ({ targetAverageValue }) => ({ type: 'AverageValue', averageValue: targetAverageValue ?? '0' }),
  resource: ({ targetAverageUtilization: averageUtilization, targetAverageValue: averageValue }) => ({
    type: averageUtilization === undefined ? 'AverageValue' : 'Utilization',
    averageValue,
    averageUtilization,
  }),
  external: ({ targetValue: value, targetAverageValue: averageValue }) => ({
    type: value === undefined ? 'AverageValue' : 'Value',
    value,
    averageValue,
  }),
};

const measurements: Values = {
  object: ({ currentValue, averageValue }) => ({ value: currentValue ?? '0', averageValue }),
  pods: ({ currentAverageValue }) => ({ averageValue: currentAverageValue ?? '0' }),
  resource: ({ currentAverageUtilization: averageUtilization, currentAverageValue }) => ({
    averageUtilization,
    averageValue: currentAverageValue ?? '0',
  }),
  external: ({ currentValue, currentAverageValue: averageValue }) => ({ value: currentValue ?? '0', averageValue }),
};

function unflatten(flat: FlatMetric, side: Side, values: Values): Source {
  const { type, object, pods, resource, containerResource, external } = flat;
  const [ofObject, ofPods, ofResource, ofContainer, ofExternal] = [object, pods, resource, containerResource, external].map(sourceOf);
  return present({
    type: type ?? '',
    object: ofObject && {
      describedObject: ofObject['target'] ?? {},
      metric: identifier(ofObject, 'selector'),
      [side]: present(values.object(ofObject)),
    },
    pods: ofPods && { metric: identifier(ofPods, 'selector'), [side]: present(values.pods(ofPods)) },
    resource: ofResource && { name: ofResource['name'] ?? '', [side]: present(values.resource(ofResource)) },
    containerResource: ofContainer && {
      name: ofContainer['name'] ?? '',
      [side]: present(values.resource(ofContainer)),
      container: ofContainer['container'] ?? '',
    },
    external: ofExternal && { metric: identifier(ofExternal, 'metricSelector'), [side]: present(values.external(ofExternal)) },
  });
}

function identifier(source: Source, selector: 'selector' | 'metricSelector'): Source {
  return present({ name: source['metricName'] ?? '', selector: source[selector] });
}

function sourceOf(value: unknown): Source | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Source) : undefined;
}
