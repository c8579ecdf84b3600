/**
 * Validation of what a claim for storage asks for, in a claim or in a pod's template of one.
 * @source pkg/apis/core/validation/validation.go ValidatePersistentVolumeClaimSpec, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { addInvalid, addUnsupported, invalidValue, required } from '../../field-errors.ts';
import type { PersistentVolumeClaimSpec, TypedObjectReference } from '../../gen/core-v1.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors } from '../../names.ts';
import { tryParseQuantity } from '../../quantity.ts';
import { sameJson } from '../immutable.ts';
import { validateLabelSelector } from './label-selector-rules.ts';
import { validateAccessModes, volumeModes } from './access-mode-rules.ts';
import { resourceAmountErrors } from './pod/validate-resources.ts';

export function validateClaimSpec(spec: PersistentVolumeClaimSpec, path: string, errors: FieldError[]): void {
  const modes = spec.accessModes ?? [];
  if (modes.length === 0) errors.push(required(`${path}.accessModes`, 'at least 1 access mode is required'));
  validateLabelSelector(spec.selector, `${path}.selector`, errors);
  validateAccessModes(modes, `${path}.accessModes`, errors);
  validateSize(spec.resources?.requests?.['storage'], `${path}.resources[storage]`, errors);
  if (spec.storageClassName)
    addInvalid(errors, `${path}.storageClassName`, spec.storageClassName, dns1123SubdomainErrors(spec.storageClassName));
  if (spec.volumeMode !== undefined) addUnsupported(errors, `${path}.volumeMode`, spec.volumeMode, volumeModes);
  if (spec.dataSource) validateSource(spec.dataSource, `${path}.dataSource`, errors);
  if (spec.dataSourceRef) {
    const { namespace } = spec.dataSourceRef;
    validateSource(spec.dataSourceRef, `${path}.dataSourceRef`, errors);
    if (namespace) addInvalid(errors, `${path}.dataSourceRef.namespace`, namespace, dns1123LabelErrors(namespace));
  }
  const { dataSource, dataSourceRef } = spec;
  if (dataSource && dataSourceRef) {
    if (dataSourceRef.namespace) {
      errors.push(invalidValue(path, `${path}.dataSource`, 'may not be specified when dataSourceRef.namespace is specified'));
    } else if (!sameJson({ ...dataSource, namespace: undefined }, { ...dataSourceRef, namespace: undefined })) {
      errors.push(invalidValue(path, `${path}.dataSource`, 'must match dataSourceRef'));
    }
  }
  if (spec.volumeAttributesClassName) {
    addInvalid(
      errors,
      `${path}.volumeAttributesClassName`,
      spec.volumeAttributesClassName,
      dns1123SubdomainErrors(spec.volumeAttributesClassName),
    );
  }
}

function validateSize(size: string | undefined, path: string, errors: FieldError[]): void {
  if (size === undefined) {
    errors.push(required(path));
    return;
  }
  const amount = tryParseQuantity(size);
  if (amount && amount.sign <= 0) errors.push(invalidValue(path, amount.toString(), 'must be greater than zero'));
  else errors.push(...resourceAmountErrors('storage', size, path));
}

function validateSource(source: Omit<TypedObjectReference, 'namespace'>, path: string, errors: FieldError[]): void {
  if (!source.name) errors.push(required(`${path}.name`));
  if (!source.kind) errors.push(required(`${path}.kind`));
  if (!source.apiGroup) {
    if (source.kind !== 'PersistentVolumeClaim') {
      errors.push(invalidValue(path, source.kind ?? '', "must be 'PersistentVolumeClaim' when referencing the default apiGroup"));
    }
  } else addInvalid(errors, `${path}.apiGroup`, source.apiGroup, dns1123SubdomainErrors(source.apiGroup));
}
