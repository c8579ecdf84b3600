/** Validation of meta/v1 conditions in a status. @source apimachinery pkg/apis/meta/v1/validation/validation.go ValidateConditions, v1.35 */
import type { FieldError } from '../errors.ts';
import { addInvalid, addUnsupported, duplicate, invalidValue, required, tooLong } from '../field-errors.ts';
import type { Condition } from '../gen/meta-v1.ts';
import { qualifiedNameErrors, regexError } from '../names.ts';
import { utf8Length } from '../object-meta.ts';

const maxReasonBytes = 1024;
const maxMessageBytes = 32 * 1024;
const reason = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?';
const reasonPattern = new RegExp(`^${reason}$`);

/** Each condition is complete and well formed, and there is one of a type. */
export function validateConditions(conditions: readonly Condition[], path: string, errors: FieldError[]): void {
  const types = new Set<string>();
  for (const [i, condition] of conditions.entries()) {
    const at = `${path}[${i}]`;
    if (types.has(condition.type)) errors.push(duplicate(`${at}.type`, condition.type));
    types.add(condition.type);
    validateCondition(condition, at, errors);
  }
}

function validateCondition(condition: Condition, path: string, errors: FieldError[]): void {
  // What the schema requires may be missing all the same.
  const { type = '', status = '', observedGeneration = 0, reason: why = '', message = '' } = condition as Partial<Condition>;
  addInvalid(errors, `${path}.type`, type, qualifiedNameErrors(type));
  addUnsupported(errors, `${path}.status`, status, ['False', 'True', 'Unknown']);
  if (observedGeneration < 0) {
    errors.push(invalidValue(`${path}.observedGeneration`, observedGeneration, 'must be greater than or equal to zero'));
  }
  if (!condition.lastTransitionTime) errors.push(required(`${path}.lastTransitionTime`, 'must be set'));
  if (why === '') errors.push(required(`${path}.reason`, 'must be set'));
  else if (!reasonPattern.test(why)) errors.push(invalidValue(`${path}.reason`, why, reasonError()));
  if (utf8Length(why) > maxReasonBytes) errors.push(tooLong(`${path}.reason`, maxReasonBytes));
  if (utf8Length(message) > maxMessageBytes) errors.push(tooLong(`${path}.message`, maxMessageBytes));
}

function reasonError(): string {
  const rule =
    "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', " +
    "and must end with an alphanumeric character or '_'";
  return regexError(rule, reason, 'my_name', 'MY_NAME', 'MyName', 'ReasonA,ReasonB', 'ReasonA:ReasonB');
}
