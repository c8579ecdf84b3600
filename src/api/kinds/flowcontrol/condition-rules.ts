/** Conditions of flow schemas and priority levels: each has a type, and no type comes twice. */
import type { FieldError } from '../../errors.ts';
import { duplicate, required } from '../../field-errors.ts';

export function conditionErrors(conditions: readonly { readonly type?: string }[] = []): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  conditions.forEach(({ type = '' }, i) => {
    const path = `status.conditions[${i}].type`;
    if (seen.has(type)) errors.push(duplicate(path, type));
    seen.add(type);
    if (type === '') errors.push(required(path, 'must not be empty'));
  });
  return errors;
}
