/** Validation of what tells the scheduler where a pod may go. @source pkg/apis/core/validation/validation.go, v1.35 */
import type { FieldError } from '../../../errors.ts';
import { invalidValue, notSupported } from '../../../field-errors.ts';
import type { Toleration } from '../../../gen/core-v1.ts';
import { labelValueErrors, qualifiedNameErrors } from '../../../names.ts';
import { taintEffectErrors } from '../taint-effect.ts';

export function validateTolerations(tolerations: readonly Toleration[], path: string, errors: FieldError[]): void {
  for (const [i, toleration] of tolerations.entries()) validateToleration(toleration, `${path}[${i}]`, errors);
}

function validateToleration(toleration: Toleration, path: string, errors: FieldError[]): void {
  const { key = '', operator = '', value = '', effect, tolerationSeconds } = toleration;
  if (key !== '') for (const message of qualifiedNameErrors(key)) errors.push(invalidValue(`${path}.key`, key, message));
  if (key === '' && operator !== 'Exists') {
    errors.push(
      invalidValue(
        `${path}.operator`,
        operator,
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    );
  }
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    errors.push(invalidValue(`${path}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  }
  if (operator === '' || operator === 'Equal') {
    const faults = labelValueErrors(value);
    if (faults.length > 0) errors.push(invalidValue(`${path}.operator`, value, faults.join(';')));
  } else if (operator === 'Exists') {
    if (value !== '') errors.push(invalidValue(`${path}.operator`, toleration, "value must be empty when `operator` is 'Exists'"));
  } else errors.push(notSupported(`${path}.operator`, operator, ['Equal', 'Exists']));
  if (effect) errors.push(...taintEffectErrors(effect, { path: `${path}.effect`, allowEmpty: true }));
}
