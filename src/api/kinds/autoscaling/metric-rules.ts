/**
 * Validation of what an autoscaler measures: one source, named by its type, with a target that fits.
 * @source pkg/apis/autoscaling/validation/validation.go validateMetricSpec, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { addInvalid, addUnsupported, forbidden, invalidValue, notSupported, required } from '../../field-errors.ts';
import type {
  ContainerResourceMetricSource,
  ExternalMetricSource,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
  ObjectMetricSource,
  PodsMetricSource,
  ResourceMetricSource,
} from '../../gen/autoscaling-v2.ts';
import { dns1123LabelErrors, pathSegmentErrors } from '../../names.ts';
import { tryParseQuantity } from '../../quantity.ts';
import { containerResourceNameErrors } from '../core/pod/validate-resources.ts';
import { type ReferenceRules, validateReference } from './autoscaler-rules.ts';

const types = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'];
/** In the order in which upstream looks at them. */
const sources = ['object', 'external', 'pods', 'resource', 'containerResource'] as const;

interface Place {
  readonly path: string;
  readonly rules: ReferenceRules;
}

/** Any of the fields that only the schema requires may be missing. */
type Loose<T> = { readonly [K in keyof T]?: T[K] };

export function validateMetric(metric: MetricSpec, { path, rules }: Place, errors: FieldError[]): void {
  const { type = '' } = metric as Loose<MetricSpec>;
  if (type === '') errors.push(required(`${path}.type`, 'must specify a metric source type'));
  addUnsupported(errors, `${path}.type`, type, types);
  const present = sources.filter((source) => metric[source] !== undefined);
  // Only the first is looked into: the others should not be there.
  if (present[0]) validateSource(metric, present[0], { path: `${path}.${present[0]}`, rules }, errors);
  const expected = types.includes(type) ? (`${type.charAt(0).toLowerCase()}${type.slice(1)}` as (typeof sources)[number]) : undefined;
  if (!expected) errors.push(notSupported(`${path}.type`, type, types));
  else if (metric[expected] === undefined) {
    errors.push(required(`${path}.${expected}`, 'must populate information for the given metric source'));
  }
  if (present.length === 1) return;
  for (const source of present) {
    if (source !== expected) errors.push(forbidden(`${path}.${source}`, 'must populate the given metric source only'));
  }
}

function validateSource(metric: MetricSpec, source: (typeof sources)[number], place: Place, errors: FieldError[]): void {
  const { path } = place;
  const target: Loose<MetricTarget> = (metric[source] as { readonly target?: MetricTarget }).target ?? {};
  switch (source) {
    case 'object':
      validateReference(
        (metric.object as Loose<ObjectMetricSource>).describedObject,
        { ...place, path: `${path}.describedObject` },
        errors,
      );
      validateIdentifier((metric.object as Loose<ObjectMetricSource>).metric, `${path}.metric`, errors);
      break;
    case 'external':
      validateIdentifier((metric.external as Loose<ExternalMetricSource>).metric, `${path}.metric`, errors);
      break;
    case 'pods':
      validateIdentifier((metric.pods as Loose<PodsMetricSource>).metric, `${path}.metric`, errors);
      break;
    case 'resource':
      if (!(metric.resource as Loose<ResourceMetricSource>).name) errors.push(required(`${path}.name`, 'must specify a resource name'));
      break;
    case 'containerResource':
      validateContainer(metric.containerResource!, path, errors);
  }
  validateTarget(target, `${path}.target`, errors);
  validateTargetOf(source, target, `${path}.target`, errors);
}

function validateContainer(source: ContainerResourceMetricSource, path: string, errors: FieldError[]): void {
  const { name = '', container = '' } = source as Loose<ContainerResourceMetricSource>;
  if (name === '') errors.push(required(`${path}.name`, 'must specify a resource name'));
  else errors.push(...containerResourceNameErrors(name, `${path}.name`));
  if (container === '') errors.push(required(`${path}.container`, 'must specify a container'));
  else addInvalid(errors, `${path}.container`, container, dns1123LabelErrors(container));
}

function validateIdentifier(metric: Loose<MetricIdentifier> | undefined, path: string, errors: FieldError[]): void {
  if (!metric?.name) errors.push(required(`${path}.name`, 'must specify a metric name'));
  else addInvalid(errors, `${path}.name`, metric.name, pathSegmentErrors(metric.name));
}

function validateTarget(
  { type = '', value, averageValue, averageUtilization }: Loose<MetricTarget>,
  path: string,
  errors: FieldError[],
): void {
  if (type === '') errors.push(required(`${path}.type`, 'must specify a metric target type'));
  if (!['Utilization', 'Value', 'AverageValue'].includes(type)) {
    errors.push(invalidValue(`${path}.type`, type, 'must be either Utilization, Value, or AverageValue'));
  }
  for (const [field, text] of [
    ['value', value],
    ['averageValue', averageValue],
  ] as const) {
    const amount = text === undefined ? undefined : tryParseQuantity(text);
    if (amount && amount.sign <= 0) errors.push(invalidValue(`${path}.${field}`, amount.toString(), 'must be positive'));
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.push(invalidValue(`${path}.averageUtilization`, averageUtilization, 'must be greater than 0'));
  }
}

/** Which of the targets a source takes. */
function validateTargetOf(source: (typeof sources)[number], target: Loose<MetricTarget>, path: string, errors: FieldError[]): void {
  const { value, averageValue, averageUtilization } = target;
  switch (source) {
    case 'object':
      if (value === undefined && averageValue === undefined) {
        errors.push(required(`${path}.averageValue`, 'must set either a target value or averageValue'));
      }
      break;
    case 'external':
      if (value === undefined && averageValue === undefined) {
        errors.push(required(`${path}.averageValue`, 'must set either a target value for metric or a per-pod target'));
      }
      if (value !== undefined && averageValue !== undefined) {
        errors.push(forbidden(`${path}.value`, 'may not set both a target value for metric and a per-pod target'));
      }
      break;
    case 'pods':
      if (averageValue === undefined) errors.push(required(`${path}.averageValue`, 'must specify a positive target averageValue'));
      break;
    default:
      if (averageUtilization === undefined && averageValue === undefined) {
        errors.push(required(`${path}.averageUtilization`, 'must set either a target raw value or a target utilization'));
      }
      if (averageUtilization !== undefined && averageValue !== undefined) {
        errors.push(forbidden(`${path}.averageValue`, 'may not set both a target raw value and a target utilization'));
      }
  }
}
