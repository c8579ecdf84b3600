/**
 * Validation of HorizontalPodAutoscalers, in the stored version; `v1` is converted first, so faults name fields as `v2` does.
 * @source pkg/apis/autoscaling/validation/validation.go, pkg/registry/autoscaling/horizontalpodautoscaler/strategy.go, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { addInvalid, addUnsupported, forbidden, invalidValue, required } from '../../field-errors.ts';
import type {
  CrossVersionObjectReference,
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerSpec,
  HPAScalingPolicy,
  HPAScalingRules,
} from '../../gen/autoscaling-v2.ts';
import { pathSegmentErrors } from '../../names.ts';
import { tryParseQuantity } from '../../quantity.ts';
import { nonNegativeErrors } from '../apps/pod-template-rules.ts';
import { validateMetric } from './metric-rules.ts';

const maxPeriodSeconds = 1800;
const maxStabilizationSeconds = 3600;

interface Rules {
  readonly minReplicas: 0 | 1;
  readonly target: ReferenceRules;
  readonly metrics: ReferenceRules;
}

/** What a reference's apiVersion may be. */
export interface ReferenceRules {
  readonly anyVersion: boolean;
  /** `v1` is enough: the kind may be of the core group. */
  readonly coreGroup: boolean;
}

/** @param scaleToZero the gate of that name */
export function validateAutoscaler({ spec }: HorizontalPodAutoscaler, scaleToZero: boolean): FieldError[] {
  return specErrors(spec, rulesFor(spec, undefined, scaleToZero));
}

/** @param scaleToZero the gate of that name */
export function validateAutoscalerUpdate(
  { spec }: HorizontalPodAutoscaler,
  old: HorizontalPodAutoscaler,
  scaleToZero: boolean,
): FieldError[] {
  return specErrors(spec, rulesFor(spec, old.spec, scaleToZero));
}

export function validateAutoscalerStatus({ status }: HorizontalPodAutoscaler): FieldError[] {
  return [
    ...nonNegativeErrors('status.currentReplicas', status.currentReplicas ?? 0),
    ...nonNegativeErrors('status.desiredReplicas', status.desiredReplicas),
  ];
}

/** What was stored before a rule came may stay. */
function rulesFor(spec: HorizontalPodAutoscalerSpec, old: HorizontalPodAutoscalerSpec | undefined, scaleToZero: boolean): Rules {
  const { apiVersion, kind } = spec.scaleTargetRef;
  const isSameTarget = old !== undefined && old.scaleTargetRef.apiVersion === apiVersion && old.scaleTargetRef.kind === kind;
  const described = (old?.metrics ?? []).map(({ object }) => object?.describedObject).filter((one) => one !== undefined);
  const core = { anyVersion: false, coreGroup: true };
  const wasInvalid = described.some((reference) => apiVersionError(reference, core) !== undefined);
  return {
    minReplicas: scaleToZero || old?.minReplicas === 0 ? 0 : 1,
    target: { anyVersion: isSameTarget, coreGroup: kind === 'ReplicationController' },
    metrics: { anyVersion: wasInvalid, coreGroup: true },
  };
}

function specErrors(spec: HorizontalPodAutoscalerSpec, rules: Rules): FieldError[] {
  const { minReplicas, maxReplicas, metrics = [], behavior } = spec;
  const errors: FieldError[] = [];
  if (minReplicas !== undefined && minReplicas < rules.minReplicas) {
    errors.push(invalidValue('spec.minReplicas', minReplicas, `must be greater than or equal to ${rules.minReplicas}`));
  }
  if (maxReplicas < 1) errors.push(invalidValue('spec.maxReplicas', maxReplicas, 'must be greater than 0'));
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.push(invalidValue('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'));
  }
  validateReference(spec.scaleTargetRef, { path: 'spec.scaleTargetRef', rules: rules.target }, errors);
  for (const [i, metric] of metrics.entries()) validateMetric(metric, { path: `spec.metrics[${i}]`, rules: rules.metrics }, errors);
  if (minReplicas === 0 && !metrics.some(({ type }) => type === 'Object' || type === 'External')) {
    errors.push(forbidden('spec.metrics', 'must specify at least one Object or External metric to support scaling to zero replicas'));
  }
  if (behavior?.scaleUp) validateScalingRules(behavior.scaleUp, 'spec.behavior.scaleUp', errors);
  if (behavior?.scaleDown) validateScalingRules(behavior.scaleDown, 'spec.behavior.scaleDown', errors);
  return errors;
}

/** A reference to an object of any kind in the same namespace. */
export function validateReference(
  reference: CrossVersionObjectReference | undefined,
  { path, rules }: { readonly path: string; readonly rules: ReferenceRules },
  errors: FieldError[],
): void {
  // Only the schema requires them.
  const { kind = '', name = '', apiVersion = '' } = (reference ?? {}) as Partial<CrossVersionObjectReference>;
  if (kind === '') errors.push(required(`${path}.kind`));
  else addInvalid(errors, `${path}.kind`, kind, pathSegmentErrors(kind));
  if (name === '') errors.push(required(`${path}.name`));
  else addInvalid(errors, `${path}.name`, name, pathSegmentErrors(name));
  const error = apiVersionError({ apiVersion }, rules);
  if (error !== undefined) errors.push(invalidValue(`${path}.apiVersion`, apiVersion, error));
}

function apiVersionError({ apiVersion = '' }: Pick<CrossVersionObjectReference, 'apiVersion'>, rules: ReferenceRules): string | undefined {
  if (rules.anyVersion) return undefined;
  const parts = apiVersion.split('/');
  if (parts.length > 2) return `unexpected GroupVersion string: ${apiVersion}`;
  const group = parts.length === 2 ? parts[0]! : '';
  return group === '' && !rules.coreGroup ? 'apiVersion must specify API group' : undefined;
}

function validateScalingRules(rules: HPAScalingRules, path: string, errors: FieldError[]): void {
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = rules;
  if (window !== undefined && window < 0) {
    errors.push(invalidValue(`${path}.stabilizationWindowSeconds`, window, 'must be greater than or equal to zero'));
  }
  if (window !== undefined && window > maxStabilizationSeconds) {
    errors.push(invalidValue(`${path}.stabilizationWindowSeconds`, window, `must be less than or equal to ${maxStabilizationSeconds}`));
  }
  if (selectPolicy !== undefined) addUnsupported(errors, `${path}.selectPolicy`, selectPolicy, ['Disabled', 'Max', 'Min']);
  if (policies.length === 0) errors.push(required(`${path}.policies`, 'must specify at least one Policy'));
  for (const [i, policy] of policies.entries()) validateScalingPolicy(policy, `${path}.policies[${i}]`, errors);
  const amount = tolerance === undefined ? undefined : tryParseQuantity(tolerance);
  if (amount && amount.sign < 0) errors.push(invalidValue(`${path}.tolerance`, amount.toString(), 'must be greater than or equal to 0'));
}

function validateScalingPolicy(policy: HPAScalingPolicy, path: string, errors: FieldError[]): void {
  // Only the schema requires them.
  const { type = '', value = 0, periodSeconds = 0 } = policy as Partial<HPAScalingPolicy>;
  addUnsupported(errors, `${path}.type`, type, ['Percent', 'Pods']);
  if (value <= 0) errors.push(invalidValue(`${path}.value`, value, 'must be greater than zero'));
  if (periodSeconds <= 0) errors.push(invalidValue(`${path}.periodSeconds`, periodSeconds, 'must be greater than zero'));
  if (periodSeconds > maxPeriodSeconds) {
    errors.push(invalidValue(`${path}.periodSeconds`, periodSeconds, `must be less than or equal to ${maxPeriodSeconds}`));
  }
}
