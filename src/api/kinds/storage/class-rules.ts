/** What storage classes and classes of attributes have in common. @source pkg/apis/storage/validation/validation.go, v1.35 */
import type { FieldError } from '../../errors.ts';
import { addInvalid, invalidValue, required, tooLong } from '../../field-errors.ts';
import type { ObjectMeta } from '../../gen/meta-v1.ts';
import { qualifiedNameErrors } from '../../names.ts';
import { utf8Length } from '../../object-meta.ts';

const maxParameters = 512;
const maxParameterBytes = 256 * 1024;

/** The name of a provisioner or driver. */
export function driverNameErrors(path: string, name: string): FieldError[] {
  if (name === '') return [required(path)];
  const errors: FieldError[] = [];
  addInvalid(errors, path, name.toLowerCase(), qualifiedNameErrors(name.toLowerCase()));
  return errors;
}

export function parameterErrors(
  parameters: Readonly<Record<string, string>>,
  { allowEmpty }: { readonly allowEmpty: boolean },
): FieldError[] {
  const path = 'parameters';
  const entries = Object.entries(parameters);
  if (entries.length > maxParameters) return [tooLong(path, maxParameters)];
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of entries) {
    if (key === '') errors.push(invalidValue(path, key, 'field can not be empty.'));
    bytes += utf8Length(key) + utf8Length(value);
  }
  if (bytes > maxParameterBytes) errors.push(tooLong(path, maxParameterBytes));
  if (!allowEmpty && entries.length === 0) errors.push(required(path, 'must contain at least one key/value pair'));
  return errors;
}

/** The name as tables show it: the default class says so. */
export function nameWithDefault({ name, annotations }: ObjectMeta, marks: readonly string[]): string {
  return marks.some((mark) => annotations?.[mark] === 'true') ? `${name} (default)` : name;
}
