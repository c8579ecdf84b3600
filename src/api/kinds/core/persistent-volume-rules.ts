/**
 * Validation of a persistent volume's spec, in a PersistentVolume or inline in a VolumeAttachment.
 * @source pkg/apis/core/validation/validation.go ValidatePersistentVolumeSpec, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { addInvalid, addUnsupported, forbidden, invalidValue, notSupported, required } from '../../field-errors.ts';
import type { PersistentVolumeSpec } from '../../gen/core-v1.ts';
import { dns1123SubdomainErrors } from '../../names.ts';
import { tryParseQuantity } from '../../quantity.ts';
import { validateAccessModes, volumeModes } from './access-mode-rules.ts';
import { resourceAmountErrors } from './pod/validate-resources.ts';
import { validateNodeSelector } from './pod/validate-affinity.ts';
import { validateVolumeSources } from './persistent-volume-sources.ts';

const inlineContext = 'in the context of inline volumes';

export interface VolumeSpecRules {
  readonly path: string;
  /** The name of the PersistentVolume, empty for an inline one. */
  readonly name: string;
  /** The spec of a volume that exists only in an attachment: it says less. */
  readonly inline: boolean;
}

export function validateVolumeSpec(spec: PersistentVolumeSpec, rules: VolumeSpecRules, errors: FieldError[]): void {
  const { path, inline } = rules;
  if (inline) validateInlineShape(spec, path, errors);
  if (!spec.accessModes?.length) errors.push(required(`${path}.accessModes`));
  validateAccessModes(spec.accessModes ?? [], `${path}.accessModes`, errors);
  if (!inline) validateCapacity(spec.capacity ?? {}, `${path}.capacity`, errors);
  validateReclaimPolicy(spec, rules, errors);
  if (spec.nodeAffinity) {
    const at = `${path}.nodeAffinity`;
    if (inline) errors.push(forbidden(at, `may not be specified ${inlineContext}`));
    else if (spec.nodeAffinity.required) validateNodeSelector(spec.nodeAffinity.required, `${at}.required`, errors);
    else errors.push(required(`${at}.required`, 'must specify required node constraints'));
  }
  validateVolumeSources(spec, rules, errors);
  if (isRoot(spec.hostPath?.path ?? '') && spec.persistentVolumeReclaimPolicy === 'Recycle') {
    errors.push(forbidden(`${path}.persistentVolumeReclaimPolicy`, "may not be 'recycle' for a hostPath mount of '/'"));
  }
  validateClasses(spec, rules, errors);
}

function validateInlineShape(spec: PersistentVolumeSpec, path: string, errors: FieldError[]): void {
  if (spec.claimRef) errors.push(forbidden(`${path}.claimRef`, `may not be specified ${inlineContext}`));
  if (Object.keys(spec.capacity ?? {}).length > 0) errors.push(forbidden(`${path}.capacity`, `may not be specified ${inlineContext}`));
  if (!spec.csi) errors.push(required(`${path}.csi`, `has to be specified ${inlineContext}`));
}

function validateCapacity(capacity: Readonly<Record<string, string>>, path: string, errors: FieldError[]): void {
  const names = Object.keys(capacity);
  if (names.length === 0) errors.push(required(path));
  if (!Object.hasOwn(capacity, 'storage') || names.length > 1) errors.push(notSupported(path, capacity, ['storage']));
  for (const name of names) {
    const at = `${path}[${name}]`;
    const amount = tryParseQuantity(capacity[name]!);
    if (!amount) errors.push(...resourceAmountErrors(name, capacity[name]!, at));
    else if (amount.sign < 0) errors.push(invalidValue(at, amount.value(), 'must be a valid resource quantity'));
    if (amount && amount.sign <= 0) errors.push(invalidValue(at, amount.toString(), 'must be greater than zero'));
  }
}

function validateReclaimPolicy(
  { persistentVolumeReclaimPolicy: policy }: PersistentVolumeSpec,
  rules: VolumeSpecRules,
  errors: FieldError[],
): void {
  if (!policy) return;
  const path = `${rules.path}.persistentVolumeReclaimPolicy`;
  if (!rules.inline) addUnsupported(errors, path, policy, ['Delete', 'Recycle', 'Retain']);
  else if (policy !== 'Retain') errors.push(forbidden(path, `may only be Retain ${inlineContext}`));
}

function validateClasses(spec: PersistentVolumeSpec, { path, inline }: VolumeSpecRules, errors: FieldError[]): void {
  const { storageClassName, volumeMode, volumeAttributesClassName } = spec;
  if (storageClassName) {
    const at = `${path}.storageClassName`;
    if (inline) errors.push(forbidden(at, `may not be specified ${inlineContext}`));
    else addInvalid(errors, at, storageClassName, dns1123SubdomainErrors(storageClassName));
  }
  if (volumeMode !== undefined) {
    const at = `${path}.volumeMode`;
    if (!inline) addUnsupported(errors, at, volumeMode, volumeModes);
    else if (volumeMode !== 'Filesystem') {
      errors.push(forbidden(at, `may not specify volumeMode other than Filesystem ${inlineContext}`));
    }
  }
  // Upstream asks nothing of it in an attachment.
  if (volumeAttributesClassName === undefined || inline) return;
  const at = `${path}.volumeAttributesClassName`;
  if (volumeAttributesClassName === '') errors.push(required(at, 'an empty string is disallowed'));
  else addInvalid(errors, at, volumeAttributesClassName, dns1123SubdomainErrors(volumeAttributesClassName));
  if (!spec.csi) errors.push(required(`${path}.csi`, 'has to be specified when using volumeAttributesClassName'));
}

/** Whether a path is `/` once it is cleaned. */
function isRoot(path: string): boolean {
  if (!path.startsWith('/')) return false;
  let depth = 0;
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    depth = part === '..' ? Math.max(0, depth - 1) : depth + 1;
  }
  return depth === 0;
}
