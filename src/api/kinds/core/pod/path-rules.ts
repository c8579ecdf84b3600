/**
 * Paths inside volumes and containers, which must not lead out of them.
 * @source pkg/apis/core/validation/validation.go, v1.35
 */
import type { FieldError } from '../../../errors.ts';
import { invalidValue } from '../../../field-errors.ts';

/** No element of the path is `..`. */
export function backstepErrors(path: string, value: string): FieldError[] {
  return value.includes('..') && value.split('/').includes('..') ? [invalidValue(path, value, "must not contain '..'")] : [];
}

/** Relative, and no element is `..`. */
export function descendingPathErrors(path: string, value: string): FieldError[] {
  const errors = value.startsWith('/') ? [invalidValue(path, value, 'must be a relative path')] : [];
  return errors.concat(backstepErrors(path, value));
}

/** Also does not start with `..`, which names of the kubelet's own do. */
export function localPathErrors(path: string, value: string): FieldError[] {
  const errors = descendingPathErrors(path, value);
  if (value.startsWith('..') && !value.startsWith('../')) errors.push(invalidValue(path, value, "must not start with '..'"));
  return errors;
}

/** File modes are octal permissions. */
export function fileModeErrors(path: string, mode: number | undefined): FieldError[] {
  return mode !== undefined && (mode < 0 || mode > 0o777)
    ? [invalidValue(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive')]
    : [];
}
