/**
 * Validation of a Job's policies: what a failed pod means, when enough has succeeded, and when a pod is replaced.
 * @source pkg/apis/batch/validation/validation.go validatePodFailurePolicy, validateSuccessPolicy, v1.35
 */
import type { FieldError } from '../../errors.ts';
import {
  addInvalid,
  addUnsupported,
  duplicate,
  invalidUnshown,
  invalidValue,
  notSupported,
  required,
  tooLong,
  tooMany,
} from '../../field-errors.ts';
import type {
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
  SuccessPolicyRule,
} from '../../gen/batch-v1.ts';
import { goQuote } from '../../go-text.ts';
import { qualifiedNameErrors } from '../../names.ts';
import { nonNegativeErrors } from '../apps/pod-template-rules.ts';
import { countIndexes } from './job-indexes.ts';

const maxRules = 20;
const maxExitCodes = 255;
const maxConditions = 20;
const maxIndexesBytes = 64 * 1024;
const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const operators = ['In', 'NotIn'];
const statuses = ['False', 'True', 'Unknown'];

/** As Go prints a list of texts with `%q`. */
const validValues = (values: readonly string[]): string => `valid values: [${values.map(goQuote).join(' ')}]`;

export function validatePodFailurePolicy(spec: JobSpec, path: string, errors: FieldError[]): void {
  const rules = spec.podFailurePolicy?.rules ?? [];
  if (rules.length > maxRules) errors.push(tooMany(`${path}.rules`, rules.length, maxRules));
  const { containers = [], initContainers = [] } = spec.template.spec ?? {};
  const names = new Set([...containers, ...initContainers].map(({ name }) => name));
  for (const [i, rule] of rules.entries()) validateRule(rule, { path: `${path}.rules[${i}]`, spec, names }, errors);
}

function validateRule(
  rule: PodFailurePolicyRule,
  at: { readonly path: string; readonly spec: JobSpec; readonly names: ReadonlySet<string> },
  errors: FieldError[],
): void {
  const { path, spec, names } = at;
  const { onExitCodes, onPodConditions = [] } = rule;
  const action = rule.action as string | undefined;
  if (!action) errors.push(required(`${path}.action`, validValues(actions)));
  else if (action === 'FailIndex') {
    if (spec.backoffLimitPerIndex === undefined) {
      errors.push(invalidValue(`${path}.action`, action, 'requires the backoffLimitPerIndex to be set'));
    }
  } else addUnsupported(errors, `${path}.action`, action, actions);
  if (onExitCodes) validateExitCodes(onExitCodes, { path: `${path}.onExitCodes`, names }, errors);
  if (onPodConditions.length > 0) validateConditions(onPodConditions, `${path}.onPodConditions`, errors);
  if (onExitCodes && onPodConditions.length > 0) {
    errors.push(invalidUnshown(path, 'specifying both OnExitCodes and OnPodConditions is not supported'));
  }
  if (!onExitCodes && onPodConditions.length === 0) {
    errors.push(invalidUnshown(path, 'specifying one of OnExitCodes and OnPodConditions is required'));
  }
}

function validateConditions(patterns: readonly PodFailurePolicyOnPodConditionsPattern[], path: string, errors: FieldError[]): void {
  if (patterns.length > maxConditions) errors.push(tooMany(path, patterns.length, maxConditions));
  for (const [i, pattern] of patterns.entries()) {
    // Only the schema requires it.
    const type = (pattern.type as string | undefined) ?? '';
    addInvalid(errors, `${path}[${i}].type`, type, qualifiedNameErrors(type));
    if (!pattern.status) errors.push(required(`${path}[${i}].status`, validValues(statuses)));
    else addUnsupported(errors, `${path}[${i}].status`, pattern.status, statuses);
  }
}

function validateExitCodes(
  requirement: PodFailurePolicyOnExitCodesRequirement,
  at: { readonly path: string; readonly names: ReadonlySet<string> },
  errors: FieldError[],
): void {
  const { path, names } = at;
  const { containerName } = requirement;
  // Only the schema requires them.
  const { operator = '', values = [] } = requirement as { readonly operator?: string; readonly values?: readonly number[] };
  if (operator === '') errors.push(required(`${path}.operator`, validValues(operators)));
  else addUnsupported(errors, `${path}.operator`, operator, operators);
  if (containerName !== undefined && !names.has(containerName)) {
    const detail = 'must be one of the container or initContainer names in the pod template';
    errors.push(invalidValue(`${path}.containerName`, containerName, detail));
  }
  if (values.length === 0) errors.push(invalidValue(`${path}.values`, values, 'at least one value is required'));
  else if (values.length > maxExitCodes) errors.push(tooMany(`${path}.values`, values.length, maxExitCodes));
  const seen = new Set<number>();
  for (const [i, value] of values.entries()) {
    if (operator === 'In' && value === 0) errors.push(invalidValue(`${path}.values[${i}]`, value, 'must not be 0 for the In operator'));
    if (seen.has(value)) errors.push(duplicate(`${path}.values[${i}]`, value));
    seen.add(value);
  }
  if (values.some((value, i) => i > 0 && values[i - 1]! > value)) errors.push(invalidValue(`${path}.values`, values, 'must be ordered'));
}

export function validateSuccessPolicy(spec: JobSpec, path: string, errors: FieldError[]): void {
  const rules = spec.successPolicy?.rules ?? [];
  if (rules.length === 0) {
    errors.push(required(`${path}.rules`, 'at least one rules must be specified when the successPolicy is specified'));
  }
  if (rules.length > maxRules) errors.push(tooMany(`${path}.rules`, rules.length, maxRules));
  // Indexed Jobs without completions are told elsewhere.
  const completions = spec.completions ?? 0;
  for (const [i, rule] of rules.entries()) validateSuccessRule(rule, { path: `${path}.rules[${i}]`, completions }, errors);
}

function validateSuccessRule(
  { succeededCount, succeededIndexes }: SuccessPolicyRule,
  { path, completions }: { readonly path: string; readonly completions: number },
  errors: FieldError[],
): void {
  if (succeededCount === undefined && succeededIndexes === undefined) {
    errors.push(required(path, 'at least one of succeededCount or succeededIndexes must be specified'));
  }
  let total = 0;
  if (succeededIndexes !== undefined) {
    if (succeededIndexes.length > maxIndexesBytes) errors.push(tooLong(`${path}.succeededIndexes`, maxIndexesBytes));
    const counted = countIndexes(succeededIndexes, completions);
    total = counted.total;
    if (counted.error !== undefined) {
      errors.push(invalidValue(`${path}.succeededIndexes`, succeededIndexes, `error parsing succeededIndexes: ${counted.error}`));
    }
  }
  if (succeededCount === undefined) return;
  const at = `${path}.succeededCount`;
  errors.push(...nonNegativeErrors(at, succeededCount));
  if (succeededCount > completions) {
    errors.push(invalidValue(at, succeededCount, `must be less than or equal to ${completions} (the number of specified completions)`));
  }
  if (succeededIndexes !== undefined && succeededCount > total) {
    const detail = `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`;
    errors.push(invalidValue(at, succeededCount, detail));
  }
}

/** With a failure policy, only pods that ended are replaced. */
export function replacementPolicyErrors({ podReplacementPolicy, podFailurePolicy }: JobSpec, path: string): FieldError[] {
  if (podReplacementPolicy === undefined) return [];
  const supported = podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed'];
  return supported.includes(podReplacementPolicy) ? [] : [notSupported(path, podReplacementPolicy, supported)];
}
