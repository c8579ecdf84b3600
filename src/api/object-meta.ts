/**
 * Validation of `metadata`, the same for every kind, built-in or custom. The registry calls it before the kind's own validation.
 * @source apimachinery pkg/api/validation/objectmeta.go, v1.35
 */
import type { FieldError } from './errors.ts';
import { forbidden, invalidValue, required, tooLong } from './field-errors.ts';
import type { ManagedFieldsEntry, ObjectMeta, OwnerReference } from './gen/meta-v1.ts';
import { dns1123LabelErrors, labelValueErrors, qualifiedNameErrors } from './names.ts';

/** All of an object's annotations together, keys and values. */
export const maxAnnotationBytes: number = 256 * 1024;
const maxFieldManagerBytes = 128;
const maxSubresourceNameBytes = 256;
/** Longest name of kinds whose own rule has no limit: it is a part of a key. */
const maxNameBytes = 700;

export interface ObjectMetaRules {
  readonly namespaced: boolean;
  /** The kind's rule for names, as `Strategy.validateName`. */
  readonly validateName: (name: string, prefix: boolean) => string[];
  /** Default `metadata`. */
  readonly path?: string;
}

/** What is wrong with the metadata of an object that is created (names, labels, annotations, owners, finalizers). */
export function validateObjectMeta(meta: Partial<ObjectMeta>, rules: ObjectMetaRules): FieldError[] {
  const path = rules.path ?? 'metadata';
  const errors: FieldError[] = [];
  if (meta.generateName) {
    for (const message of rules.validateName(meta.generateName, true)) {
      errors.push(invalidValue(`${path}.generateName`, meta.generateName, message));
    }
  }
  if (!meta.name) errors.push(required(`${path}.name`, 'name or generateName is required'));
  else {
    const messages = rules.validateName(meta.name, false);
    // Some kinds take whatever a path can hold, which is more than a store's keys can.
    for (const message of messages.length > 0 ? messages : storableNameErrors(meta.name)) {
      errors.push(invalidValue(`${path}.name`, meta.name, message));
    }
  }
  if (!rules.namespaced) {
    if (meta.namespace) errors.push(forbidden(`${path}.namespace`, 'not allowed on this type'));
  } else if (!meta.namespace) {
    errors.push(required(`${path}.namespace`));
  } else {
    for (const message of dns1123LabelErrors(meta.namespace)) errors.push(invalidValue(`${path}.namespace`, meta.namespace, message));
  }
  if (meta.generation !== undefined && meta.generation < 0) {
    errors.push(invalidValue(`${path}.generation`, meta.generation, 'must be greater than or equal to 0'));
  }
  if (meta.labels) validateLabels(meta.labels, `${path}.labels`, errors);
  if (meta.annotations) validateAnnotations(meta.annotations, `${path}.annotations`, errors);
  if (meta.ownerReferences) validateOwnerReferences(meta.ownerReferences, `${path}.ownerReferences`, errors);
  if (meta.finalizers) validateFinalizers(meta.finalizers, `${path}.finalizers`, errors);
  if (meta.managedFields) validateManagedFields(meta.managedFields, `${path}.managedFields`, errors);
  return errors;
}

/** What is wrong with a change of metadata: identity may not change, and deletion cannot be undone. */
export function validateObjectMetaUpdate(meta: Partial<ObjectMeta>, old: Partial<ObjectMeta>, path = 'metadata'): FieldError[] {
  const errors: FieldError[] = [];
  // A finalizer cannot be added to an object that is being deleted.
  if (old.deletionTimestamp !== undefined) {
    const added = (meta.finalizers ?? []).filter((finalizer) => !(old.finalizers ?? []).includes(finalizer));
    if (added.length > 0) {
      errors.push(
        forbidden(
          `${path}.finalizers`,
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((one) => JSON.stringify(one)).join(', ')}}`,
        ),
      );
    }
  }
  if (!meta.resourceVersion)
    errors.push(invalidValue(`${path}.resourceVersion`, meta.resourceVersion ?? '', 'must be specified for an update'));
  if ((meta.generation ?? 0) < (old.generation ?? 0)) {
    errors.push(invalidValue(`${path}.generation`, meta.generation ?? 0, 'must not be decremented'));
  }
  errors.push(
    ...immutable(meta.name ?? '', old.name ?? '', `${path}.name`),
    ...immutable(meta.namespace ?? '', old.namespace ?? '', `${path}.namespace`),
    ...immutable(meta.uid ?? '', old.uid ?? '', `${path}.uid`),
    ...immutable(meta.creationTimestamp, old.creationTimestamp, `${path}.creationTimestamp`),
    ...immutable(meta.deletionTimestamp, old.deletionTimestamp, `${path}.deletionTimestamp`),
    ...immutable(meta.deletionGracePeriodSeconds, old.deletionGracePeriodSeconds, `${path}.deletionGracePeriodSeconds`),
  );
  if (meta.labels) validateLabels(meta.labels, `${path}.labels`, errors);
  if (meta.annotations) validateAnnotations(meta.annotations, `${path}.annotations`, errors);
  if (meta.ownerReferences) validateOwnerReferences(meta.ownerReferences, `${path}.ownerReferences`, errors);
  if (meta.managedFields) validateManagedFields(meta.managedFields, `${path}.managedFields`, errors);
  return errors;
}

/** What no name can be, whatever its kind allows. */
function storableNameErrors(name: string): string[] {
  if (name.includes('\0') || !name.isWellFormed()) return ['may not contain a zero byte or invalid UTF-8'];
  return utf8Length(name) > maxNameBytes ? [`must be no more than ${maxNameBytes} bytes`] : [];
}

function immutable(value: unknown, old: unknown, path: string): FieldError[] {
  return value === old ? [] : [invalidValue(path, value, 'field is immutable')];
}

export function validateLabels(labels: Readonly<Record<string, string>>, path: string, errors: FieldError[]): void {
  for (const key in labels) {
    for (const message of qualifiedNameErrors(key)) errors.push(invalidValue(path, key, message));
    for (const message of labelValueErrors(labels[key]!)) errors.push(invalidValue(path, labels[key], message));
  }
}

export function validateAnnotations(annotations: Readonly<Record<string, string>>, path: string, errors: FieldError[]): void {
  let bytes = 0;
  for (const key in annotations) {
    for (const message of qualifiedNameErrors(key.toLowerCase())) errors.push(invalidValue(path, key, message));
    bytes += key.length + annotations[key]!.length;
  }
  // UTF-8 takes at most three bytes a UTF-16 unit: only near the limit is it worth counting exactly.
  if (bytes * 3 > maxAnnotationBytes && annotationBytes(annotations) > maxAnnotationBytes) errors.push(tooLong(path, maxAnnotationBytes));
}

function annotationBytes(annotations: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const key in annotations) bytes += utf8Length(key) + utf8Length(annotations[key]!);
  return bytes;
}

/** The bytes of a text in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes++;
    else if (unit < 0x800) bytes += 2;
    else if (unit >= 0xd800 && unit < 0xdc00) {
      bytes += 4;
      i++;
    } else bytes += 3;
  }
  return bytes;
}

function validateOwnerReferences(owners: readonly OwnerReference[], path: string, errors: FieldError[]): void {
  let controller: OwnerReference | undefined;
  for (const [i, owner] of owners.entries()) {
    validateOwnerReference(owner, path, errors);
    if (owner.controller !== true) continue;
    if (controller) {
      errors.push(
        invalidValue(
          path,
          owners,
          `Only one reference can have Controller set to true. Found "true" in references for ${controller.kind}/${controller.name} and ${owner.kind}/${owner.name}`,
        ),
      );
    } else controller = owners[i];
  }
}

function validateOwnerReference(owner: OwnerReference, path: string, errors: FieldError[]): void {
  const parts = (owner.apiVersion ?? '').split('/');
  // What is no group and version has none.
  if (parts.length > 2 || parts.at(-1) === '')
    errors.push(invalidValue(`${path}.apiVersion`, owner.apiVersion ?? '', 'version must not be empty'));
  if (!owner.kind) errors.push(invalidValue(`${path}.kind`, owner.kind ?? '', 'must not be empty'));
  if (!owner.name) errors.push(invalidValue(`${path}.name`, owner.name ?? '', 'must not be empty'));
  if (!owner.uid) errors.push(invalidValue(`${path}.uid`, owner.uid ?? '', 'must not be empty'));
  if (owner.apiVersion === 'v1' && owner.kind === 'Event') {
    errors.push(invalidValue(path, owner, '/v1, Kind=Event is disallowed from being an owner'));
  }
}

function validateFinalizers(finalizers: readonly string[], path: string, errors: FieldError[]): void {
  for (const finalizer of finalizers) {
    for (const message of qualifiedNameErrors(finalizer)) errors.push(invalidValue(path, finalizer, message));
  }
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    errors.push(invalidValue(path, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'));
  }
}

function validateManagedFields(entries: readonly ManagedFieldsEntry[], path: string, errors: FieldError[]): void {
  for (const [i, entry] of entries.entries()) {
    const at = `${path}[${i}]`;
    if (entry.operation !== 'Apply' && entry.operation !== 'Update') {
      errors.push(invalidValue(`${at}.operation`, entry.operation ?? '', 'must be `Apply` or `Update`'));
    }
    if ((entry.fieldsType ?? '') !== '' && entry.fieldsType !== 'FieldsV1') {
      errors.push(invalidValue(`${at}.fieldsType`, entry.fieldsType, 'must be `FieldsV1`'));
    }
    errors.push(...validateFieldManager(entry.manager ?? '', `${at}.manager`));
    if (utf8Length(entry.subresource ?? '') > maxSubresourceNameBytes) errors.push(tooLong(`${at}.subresource`, maxSubresourceNameBytes));
  }
}

/** The name of a field manager: at most 128 bytes, printable. */
export function validateFieldManager(manager: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (utf8Length(manager) > maxFieldManagerBytes) errors.push(tooLong(path, maxFieldManagerBytes));
  let position = 0;
  for (const char of manager) {
    if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(char)) {
      const code = char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
      errors.push(invalidValue(path, manager, `invalid character U+${code} (at position ${position})`));
    }
    position += utf8Length(char);
  }
  return errors;
}
