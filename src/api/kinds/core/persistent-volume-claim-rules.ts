/**
 * Validation of claims: what they ask for, what may change once they stand, and what controllers write of them.
 * @source pkg/apis/core/validation/validation.go ValidatePersistentVolumeClaimUpdate, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { addInvalid, forbidden, invalidValue, notSupported, required } from '../../field-errors.ts';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../gen/core-v1.ts';
import type { ObjectMeta } from '../../gen/meta-v1.ts';
import type { Draft } from '../../object.ts';
import { qualifiedNameErrors } from '../../names.ts';
import { type Quantity, tryParseQuantity, zeroQuantity } from '../../quantity.ts';
import { immutableField, sameJson } from '../immutable.ts';
import { assignOrDelete } from '../keep.ts';
import { validateClaimSpec } from './claim-spec-rules.ts';
import { describeDiff } from './pod/spec-diff.ts';
import { resourceAmountErrors } from './pod/validate-resources.ts';
import { isNativeResource } from './resource-list.ts';
import { betaStorageClassAnnotation } from '../../persistent-volumes.ts';

type Spec = PersistentVolumeClaimSpec;

export function validateClaim({ spec }: PersistentVolumeClaim): FieldError[] {
  const errors: FieldError[] = [];
  validateClaimSpec(spec, 'spec', errors);
  return errors;
}

export function validateClaimUpdate(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const errors = validateClaim(claim);
  const [now, then] = comparable(claim, old, errors);
  if (!sameJson(now, then)) {
    const detail = 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
    errors.push(forbidden('spec', `${detail}\n${describeDiff('core.PersistentVolumeClaimSpec', then, now)}`));
  }
  const [size, before] = [storageOf(claim.spec.resources?.requests), storageOf(old.spec.resources?.requests)];
  if (size.compare(before) < 0 && size.compare(storageOf(old.status.capacity)) <= 0) {
    errors.push(forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'));
  }
  errors.push(...immutableField('volumeMode', claim.spec.volumeMode, old.spec.volumeMode));
  errors.push(...attributesClassErrors(claim.spec, old));
  return errors;
}

/** A class that never came into effect may be taken back; one that did can only be followed by another. */
function attributesClassErrors({ volumeAttributesClassName: name }: Spec, { spec, status }: PersistentVolumeClaim): FieldError[] {
  if (name === spec.volumeAttributesClassName || name || status.currentVolumeAttributesClassName === undefined) return [];
  const what = name === undefined ? 'nil' : 'empty string';
  const detail = `update to ${what} is forbidden when status.currentVolumeAttributesClassName is not nil`;
  return [forbidden('spec.volumeAttributesClassName', detail)];
}

/** The two specs with everything taken out that may differ. */
function comparable(claim: PersistentVolumeClaim, old: PersistentVolumeClaim, errors: FieldError[]): [now: Spec, then: Spec] {
  const now: Draft<Spec> = { ...(claim.spec as Draft<Spec>) };
  const then: Draft<Spec> = { ...(old.spec as Draft<Spec>) };
  // A claim gets its volume once.
  if (!then.volumeName) assignOrDelete(then, 'volumeName', now.volumeName);
  if (movesClassFromAnnotation(claim, old)) {
    delete now.storageClassName;
  } else {
    const [annotation, before] = [classAnnotation(claim.metadata), classAnnotation(old.metadata)];
    if ((annotation ?? '') !== (before ?? '')) {
      errors.push(invalidValue(`metadata.annotations.${betaStorageClassAnnotation}`, annotation ?? '', 'field is immutable'));
    }
    const { storageClassName } = now;
    const isFirst = storageClassName !== undefined && then.storageClassName === undefined;
    if (isFirst && (before === undefined || before === storageClassName)) delete now.storageClassName;
  }
  if (claim.status.phase !== 'Bound') return [now, then];
  if (now.resources?.requests) {
    const { storage } = then.resources?.requests ?? {};
    now.resources = { ...now.resources, requests: { ...now.resources.requests, ...(storage !== undefined && { storage }) } };
  }
  assignOrDelete(now, 'volumeAttributesClassName', then.volumeAttributesClassName);
  return [now, then];
}

/** The way from the annotation of old to the field. */
function movesClassFromAnnotation(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): boolean {
  const [annotation, before] = [classAnnotation(claim.metadata), classAnnotation(old.metadata)];
  return (
    before !== undefined &&
    old.spec.storageClassName === undefined &&
    claim.spec.storageClassName === before &&
    (annotation === undefined || annotation === before)
  );
}

function classAnnotation({ annotations }: Pick<ObjectMeta, 'annotations'>): string | undefined {
  return annotations?.[betaStorageClassAnnotation];
}

function storageOf(list: Readonly<Record<string, string>> | undefined): Quantity {
  return tryParseQuantity(list?.['storage'] ?? '0') ?? zeroQuantity;
}

/** As messages list them. */
const resizeStates = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
  'NodeResizePending',
].sort();

export function validateClaimStatus({ spec, status }: PersistentVolumeClaim): FieldError[] {
  const errors: FieldError[] = [];
  if (!spec.accessModes?.length) errors.push(required('Spec.accessModes'));
  for (const [name, text] of Object.entries(status.capacity ?? {})) errors.push(...basicAmountErrors(text, `status.capacity[${name}]`));
  for (const [name, state] of Object.entries(status.allocatedResourceStatuses ?? {})) {
    errors.push(...resourceKeyErrors(name, 'status.allocatedResourceStatus'));
    if (!resizeStates.includes(state)) errors.push(notSupported('status.allocatedResourceStatus', name, resizeStates));
  }
  for (const [name, text] of Object.entries(status.allocatedResources ?? {})) {
    const faults = resourceKeyErrors(name, 'status.allocatedResources');
    const path = `status.allocatedResources[${name}]`;
    errors.push(...(faults.length > 0 ? faults : amountErrors(text, path)));
  }
  return errors;
}

function amountErrors(text: string, path: string): FieldError[] {
  const faults = basicAmountErrors(text, path);
  return faults.length > 0 ? faults : resourceAmountErrors('storage', text, path);
}

function basicAmountErrors(text: string, path: string): FieldError[] {
  const amount = tryParseQuantity(text);
  if (!amount) return resourceAmountErrors('storage', text, path);
  return amount.sign < 0 ? [invalidValue(path, amount.value(), 'must be a valid resource quantity')] : [];
}

function resourceKeyErrors(name: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  addInvalid(errors, path, name, qualifiedNameErrors(name));
  if (errors.length === 0 && isNativeResource(name) && name !== 'storage') errors.push(notSupported(path, name, ['storage']));
  return errors;
}
