/**
 * Validation of what tells the scheduler where and when a pod may run: tolerations, spreading, gates.
 * @source pkg/apis/core/validation/validation.go, v1.35
 */
import type { FieldError } from '../../../errors.ts';
import { addInvalid, addUnsupported, duplicate, invalidValue, notSupported, required } from '../../../field-errors.ts';
import type { PodSchedulingGate, Toleration, TopologySpreadConstraint } from '../../../gen/core-v1.ts';
import { labelValueErrors, qualifiedNameErrors } from '../../../names.ts';
import { validateLabelSelector } from '../label-selector-rules.ts';
import { taintEffectErrors } from '../taint-effect.ts';
import { validateLabelKeys } from './validate-affinity.ts';

export function validateTolerations(tolerations: readonly Toleration[], path: string, errors: FieldError[]): void {
  for (const [i, toleration] of tolerations.entries()) validateToleration(toleration, `${path}[${i}]`, errors);
}

function validateToleration({ key, operator, value, effect, tolerationSeconds }: Toleration, path: string, errors: FieldError[]): void {
  if (key) addInvalid(errors, `${path}.key`, key, qualifiedNameErrors(key));
  if (!key && operator !== 'Exists') {
    const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    errors.push(invalidValue(`${path}.operator`, operator ?? '', detail));
  }
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    errors.push(invalidValue(`${path}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  }
  if (!operator || operator === 'Equal') {
    const faults = labelValueErrors(value ?? '');
    if (faults.length > 0) errors.push(invalidValue(`${path}.operator`, value, faults.join(';')));
  } else if (operator === 'Exists') {
    if (value) errors.push(invalidValue(`${path}.operator`, value, "value must be empty when `operator` is 'Exists'"));
  } else {
    // Comparisons are off by default, though named to those who try them.
    const comparisons = operator === ('Lt' as string) || operator === ('Gt' as string) ? ['Lt', 'Gt'] : [];
    errors.push(notSupported(`${path}.operator`, operator, ['Equal', 'Exists', ...comparisons]));
  }
  if (effect) errors.push(...taintEffectErrors(effect, { path: `${path}.effect`, allowEmpty: true }));
}

export function validateSpreadConstraints(constraints: readonly TopologySpreadConstraint[], path: string, errors: FieldError[]): void {
  for (const [i, constraint] of constraints.entries()) {
    const at = `${path}[${i}]`;
    const { topologyKey, whenUnsatisfiable } = constraint;
    const maxSkew = constraint.maxSkew ?? 0;
    if (maxSkew <= 0) errors.push(invalidValue(`${at}.maxSkew`, maxSkew, 'must be greater than zero'));
    if (!topologyKey) errors.push(required(`${at}.topologyKey`, 'can not be empty'));
    addUnsupported(errors, `${at}.whenUnsatisfiable`, whenUnsatisfiable ?? '', ['DoNotSchedule', 'ScheduleAnyway']);
    if (constraints.slice(i + 1).some((later) => later.topologyKey === topologyKey && later.whenUnsatisfiable === whenUnsatisfiable)) {
      errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`));
    }
    validateMinDomains(constraint, `${at}.minDomains`, errors);
    for (const field of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
      if (constraint[field] !== undefined) addUnsupported(errors, `${at}.${field}`, constraint[field], ['Honor', 'Ignore']);
    }
    validateLabelKeys(constraint, at, errors);
    validateLabelSelector(constraint.labelSelector, `${at}.labelSelector`, errors);
  }
}

function validateMinDomains({ minDomains, whenUnsatisfiable }: TopologySpreadConstraint, path: string, errors: FieldError[]): void {
  if (minDomains === undefined) return;
  if (minDomains <= 0) errors.push(invalidValue(path, minDomains, 'must be greater than zero'));
  if (whenUnsatisfiable !== 'DoNotSchedule') {
    errors.push(invalidValue(path, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`));
  }
}

export function validateSchedulingGates(gates: readonly PodSchedulingGate[], path: string, errors: FieldError[]): void {
  const seen = new Set<string>();
  for (const [i, { name }] of gates.entries()) {
    addInvalid(errors, `${path}[${i}]`, name, qualifiedNameErrors(name ?? ''));
    if (seen.has(name)) errors.push(duplicate(`${path}[${i}]`, name));
    seen.add(name);
  }
}
