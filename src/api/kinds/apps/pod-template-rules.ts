/**
 * Validation that workloads with a selector and a pod template share.
 * @source pkg/apis/apps/validation/validation.go ValidatePodTemplateSpecForReplicaSet and ValidateDeploymentSpec, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { forbidden, invalidValue, notSupported, required } from '../../field-errors.ts';
import type { PodTemplateSpec } from '../../gen/core-v1.ts';
import type { LabelSelector } from '../../gen/meta-v1.ts';
import { labelSelectorMatcher, SelectorError } from '../../label-selector.ts';
import { validateLabelSelector } from '../core/label-selector-rules.ts';
import { validatePodTemplate } from '../core/pod/validate-template.ts';
import { goMap } from '../go-struct.ts';

export function nonNegativeErrors(path: string, value: number): FieldError[] {
  return value < 0 ? [invalidValue(path, value, 'must be greater than or equal to 0')] : [];
}

export interface SelectedTemplate {
  readonly spec: { readonly selector?: LabelSelector; readonly template?: PodTemplateSpec };
  /** What upstream calls the workload in the message about an empty selector. */
  readonly selectorName: string;
}

/** The selector is there, is not empty, matches the template's labels; the template is a pod that restarts always. */
export function validateSelectorAndTemplate({ spec, selectorName }: SelectedTemplate, errors: FieldError[]): void {
  const { selector, template } = spec;
  if (!selector) errors.push(required('spec.selector'));
  else {
    validateLabelSelector(selector, 'spec.selector', errors);
    if (isEmptySelector(selector)) errors.push(invalidValue('spec.selector', selector, `empty selector is invalid for ${selectorName}`));
  }
  const mismatch = selector && template ? selectorMismatch(selector, template) : undefined;
  if (mismatch === 'selector') {
    errors.push(invalidValue('spec.selector', selector, 'invalid label selector'));
    return;
  }
  if (!template) {
    errors.push(required('spec.template'));
    return;
  }
  if (mismatch === 'labels') {
    errors.push(labelMismatch(template));
  }
  validatePodTemplate(template, 'spec.template', errors);
  validateEndlessTemplate(template, 'ReplicaSet', errors);
}

/** The pods of a workload that never ends are always restarted and have no deadline. @param kind as messages name it */
export function validateEndlessTemplate({ spec }: PodTemplateSpec, kind: string, errors: FieldError[]): void {
  const { restartPolicy = '', activeDeadlineSeconds } = spec ?? {};
  if (restartPolicy !== 'Always') errors.push(notSupported('spec.template.spec.restartPolicy', restartPolicy, ['Always']));
  if (activeDeadlineSeconds !== undefined) {
    errors.push(forbidden('spec.template.spec.activeDeadlineSeconds', `activeDeadlineSeconds in ${kind} is not Supported`));
  }
}

/** The fault of a template whose labels the selector does not match. */
export function labelMismatch({ metadata }: PodTemplateSpec): FieldError {
  return invalidValue('spec.template.metadata.labels', goMap(metadata?.labels), '`selector` does not match template `labels`');
}

/** A counter that only grows, such as the one of name collisions; none counts as 0, and may not become none again. */
export function decrementErrors(path: string, value: number | undefined, old: number | undefined): FieldError[] {
  const isDecremented = value === undefined ? old !== undefined : value < (old ?? 0);
  return isDecremented ? [invalidValue(path, value ?? 0, 'cannot be decremented')] : [];
}

export function isEmptySelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

/** What is wrong between a selector and the labels of a template; an empty selector is told elsewhere. */
export function selectorMismatch(selector: LabelSelector, template: PodTemplateSpec): 'selector' | 'labels' | undefined {
  if (isEmptySelector(selector)) return undefined;
  try {
    return labelSelectorMatcher(selector).matches(template.metadata?.labels) ? undefined : 'labels';
  } catch (error) {
    if (error instanceof SelectorError) return 'selector';
    throw error;
  }
}
