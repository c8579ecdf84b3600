/**
 * Validation of fields that are a number or a percentage.
 * @source pkg/apis/apps/validation/validation.go ValidatePositiveIntOrPercent, IsNotMoreThan100Percent, v1.35
 */
import type { FieldError } from '../errors.ts';
import { invalidValue } from '../field-errors.ts';
import type { IntOrString } from '../gen/scalars.ts';
import { percentOf } from '../int-or-string.ts';
import { percentErrors } from '../names.ts';

/** A number of at least 0, or a percentage. */
export function intOrPercentErrors(path: string, value: IntOrString): FieldError[] {
  if (typeof value === 'number') return value < 0 ? [invalidValue(path, value, 'must be greater than or equal to 0')] : [];
  return percentErrors(value).map((message) => invalidValue(path, value, message));
}

/** A percentage is at most 100%. */
export function atMostAllErrors(path: string, value: IntOrString): FieldError[] {
  return (percentOf(value) ?? 0) > 100 ? [invalidValue(path, value, 'must not be greater than 100%')] : [];
}

/** The number, of a percentage too; 0 for what is neither. */
export function plainValue(value: IntOrString): number {
  if (typeof value === 'number') return value;
  const number = Number.parseInt(value, 10);
  return percentOf(value) ?? (String(number) === value ? number : 0);
}
