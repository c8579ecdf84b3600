/**
 * Validation of managedFields that a client wrote, and of what an admission plugin made of them.
 * @source apimachinery meta/v1/validation ValidateManagedFields
 */
import type { FieldError } from '../errors.ts';
import type { ManagedFieldsEntry } from './managers.ts';

const maxManagerLength = 128;
const maxSubresourceLength = 256;

/** @param path such as `metadata.managedFields` */
export function validateManagedFields(list: readonly ManagedFieldsEntry[], path = 'metadata.managedFields'): FieldError[] {
  return list.flatMap((entry, index) => validateEntry(entry, `${path}[${index}]`));
}

function validateEntry(entry: ManagedFieldsEntry, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const invalid = (field: string, value: string, why: string): void => {
    errors.push({ type: 'FieldValueInvalid', field: `${path}.${field}`, message: `Invalid value: ${JSON.stringify(value)}: ${why}` });
  };
  if (entry.operation !== 'Apply' && entry.operation !== 'Update') {
    invalid('operation', entry.operation ?? '', 'must be `Apply` or `Update`');
  }
  if ((entry.fieldsType ?? '') !== 'FieldsV1') invalid('fieldsType', entry.fieldsType ?? '', 'must be `FieldsV1`');
  errors.push(...validateFieldManager(entry.manager ?? '', `${path}.manager`));
  if ((entry.subresource ?? '').length > maxSubresourceLength) {
    errors.push({
      type: 'FieldValueTooLong',
      field: `${path}.subresource`,
      message: `Too long: may not be more than ${maxSubresourceLength} bytes`,
    });
  }
  return errors;
}

/** The rule of a field manager's name, also of the one that a request names. */
export function validateFieldManager(manager: string, path = 'fieldManager'): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const character of manager) {
    const code = character.codePointAt(0)!;
    if (!printable.test(character)) {
      const named = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
      errors.push({
        type: 'FieldValueInvalid',
        field: path,
        message: `Invalid value: ${JSON.stringify(manager)}: invalid character ${named} (at position ${bytes})`,
      });
    }
    bytes += utf8Length(code);
  }
  if (bytes > maxManagerLength) {
    errors.unshift({ type: 'FieldValueTooLong', field: path, message: `Too long: may not be more than ${maxManagerLength} bytes` });
  }
  return errors;
}

/** The same class of characters as Go's unicode.IsPrint. */
const printable = /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;

function utf8Length(code: number): number {
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}

/** The manager of a request that names none: the first word of its user agent. @source apiserver endpoints/handlers/create.go */
export function fieldManagerOf(request: { readonly fieldManager?: string | undefined; readonly userAgent?: string | undefined }): string {
  if (request.fieldManager) return request.fieldManager;
  const product = (request.userAgent ?? '').split('/')[0]!;
  return product.replaceAll(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, '').slice(0, maxManagerLength);
}
