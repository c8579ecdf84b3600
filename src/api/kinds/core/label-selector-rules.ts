/** Validation of a label selector object. @source apimachinery pkg/apis/meta/v1/validation/validation.go, v1.35 */
import type { FieldError } from '../../errors.ts';
import { forbidden, invalidValue, required } from '../../field-errors.ts';
import type { LabelSelector, LabelSelectorRequirement } from '../../gen/meta-v1.ts';
import { labelValueErrors, qualifiedNameErrors } from '../../names.ts';
import { validateLabels } from '../../object-meta.ts';

/** What is wrong with a selector; none is fine. */
export function validateLabelSelector(selector: LabelSelector | undefined, path: string, errors: FieldError[]): void {
  if (!selector) return;
  if (selector.matchLabels) validateLabels(selector.matchLabels, `${path}.matchLabels`, errors);
  for (const [i, one] of (selector.matchExpressions ?? []).entries()) validateRequirement(one, `${path}.matchExpressions[${i}]`, errors);
}

function validateRequirement({ key, operator, values = [] }: LabelSelectorRequirement, path: string, errors: FieldError[]): void {
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) errors.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) {
        errors.push(forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      }
      break;
    default:
      errors.push(invalidValue(`${path}.operator`, operator ?? '', 'not a valid selector operator'));
  }
  for (const message of qualifiedNameErrors(key ?? '')) errors.push(invalidValue(`${path}.key`, key ?? '', message));
  for (const [i, value] of values.entries()) {
    for (const message of labelValueErrors(value)) errors.push(invalidValue(`${path}.values[${i}]`, value, message));
  }
}
