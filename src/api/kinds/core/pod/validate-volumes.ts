/**
 * The volumes of a pod: a name each, and exactly one source.
 * @source pkg/apis/core/validation/validation.go ValidateVolumes and validateVolumeSource, v1.35
 */
import type { FieldError } from '../../../errors.ts';
import { addInvalid, duplicate, forbidden, invalidValue, required } from '../../../field-errors.ts';
import type { ImageVolumeSource, Volume } from '../../../gen/core-v1.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors } from '../../../names.ts';
import { validateAnnotations, validateLabels } from '../../../object-meta.ts';
import { tryParseQuantity } from '../../../quantity.ts';
import { validateClaimSpec } from '../claim-spec-rules.ts';
import type { PodRules } from './pod-rules.ts';
import { descendingPathErrors } from './path-rules.ts';
import { validatePullPolicy } from './validate-container.ts';
import { validateConfigMapVolume, validateDownwardVolume, validateProjectedVolume, validateSecretVolume } from './validate-projections.ts';
import {
  requireFields,
  validateAzureDisk,
  validateCsi,
  validateFc,
  validateFlexVolume,
  validateFlocker,
  validateHostPath,
  validateIscsi,
  validateNfs,
  validatePartition,
  validateQuobyte,
  validateStorageOs,
} from './validate-storage-sources.ts';

/** The volumes of the pod that are valid, by name. */
export type VolumesByName = ReadonlyMap<string, Volume>;

export function validateVolumes(
  volumes: readonly Volume[],
  rule: { readonly path: string; readonly rules: PodRules },
  errors: FieldError[],
): VolumesByName {
  const byName = new Map<string, Volume>();
  const { podName } = rule.rules;
  for (const [i, volume] of volumes.entries()) {
    const path = `${rule.path}[${i}]`;
    const before = errors.length;
    validateSource(volume, path, rule.rules, errors);
    if (!volume.name) errors.push(required(`${path}.name`));
    else addInvalid(errors, `${path}.name`, volume.name, dns1123LabelErrors(volume.name));
    if (byName.has(volume.name)) errors.push(duplicate(`${path}.name`, volume.name));
    if (errors.length === before) byName.set(volume.name, volume);
    const claim = volume.persistentVolumeClaim?.claimName;
    if (podName && claim && volumes.some((other) => other.ephemeral && `${podName}-${other.name}` === claim)) {
      errors.push(
        invalidValue(
          `${path}.persistentVolumeClaim.claimName`,
          claim,
          'must not reference a PVC that gets created for an ephemeral volume',
        ),
      );
    }
  }
  return byName;
}

type Source = Exclude<keyof Volume, 'name'>;

interface SourceRule {
  readonly field: Source;
  /** The path of a second source, where upstream spells it differently. */
  readonly extraPath: string;
  readonly check: (volume: Volume, path: string, rules: PodRules, errors: FieldError[]) => void;
}

function rule<K extends Source>(
  field: K,
  check: (source: NonNullable<Volume[K]>, path: string, errors: FieldError[], rules: PodRules, volume: Volume) => void,
  odd: { readonly path?: string; readonly extraPath?: string } = {},
): SourceRule {
  const own = odd.path ?? field;
  return {
    field,
    extraPath: odd.extraPath ?? field,
    check: (volume, path, rules, errors) => check(volume[field]!, `${path}.${own}`, errors, rules, volume),
  };
}

/** Every type of source, in the order in which upstream looks at them. */
const sourceRules: readonly SourceRule[] = [
  rule('emptyDir', ({ sizeLimit }, path, errors) => {
    const limit = sizeLimit === undefined ? undefined : tryParseQuantity(sizeLimit);
    if (sizeLimit !== undefined && (!limit || limit.sign < 0)) {
      errors.push(forbidden(`${path}.sizeLimit`, 'SizeLimit field must be a valid resource quantity'));
    }
  }),
  rule('hostPath', validateHostPath),
  rule('gitRepo', ({ repository, directory = '' }, path, errors) => {
    if (!repository) errors.push(required(`${path}.repository`));
    errors.push(...descendingPathErrors(`${path}.directory`, directory));
  }),
  rule(
    'gcePersistentDisk',
    (source, path, errors) => {
      requireFields(source, ['pdName'], path, errors);
      validatePartition(source.partition, path, errors);
    },
    { path: 'persistentDisk' },
  ),
  rule('awsElasticBlockStore', (source, path, errors) => {
    requireFields(source, ['volumeID'], path, errors);
    validatePartition(source.partition, path, errors);
  }),
  rule('secret', validateSecretVolume),
  rule('nfs', validateNfs),
  rule('iscsi', (source, path, errors, _rules, { name }) => {
    validateIscsi(source, path, errors);
    if (source.initiatorName !== undefined && `${name}:${source.targetPortal}`.length > 64) {
      const detail = 'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';
      errors.push(invalidValue(`${path.slice(0, -'.iscsi'.length)}.name`, name, detail));
    }
  }),
  rule('glusterfs', (source, path, errors) => requireFields(source, ['endpoints', 'path'], path, errors)),
  rule('flocker', validateFlocker),
  rule('persistentVolumeClaim', (source, path, errors) => requireFields(source, ['claimName'], path, errors)),
  rule('rbd', (source, path, errors) => requireFields(source, ['monitors', 'image'], path, errors)),
  rule('cinder', (source, path, errors) => {
    requireFields(source, ['volumeID'], path, errors);
    if (source.secretRef && !source.secretRef.name) errors.push(required(`${path}.secretRef.name`));
  }),
  rule('cephfs', (source, path, errors) => requireFields(source, ['monitors'], path, errors), { extraPath: 'cephFS' }),
  rule('quobyte', validateQuobyte),
  rule('downwardAPI', validateDownwardVolume, { extraPath: 'downwarAPI' }),
  rule('fc', validateFc),
  rule('flexVolume', validateFlexVolume),
  rule('configMap', validateConfigMapVolume),
  rule('azureFile', (source, path, errors) => requireFields(source, ['secretName', 'shareName'], path, errors)),
  rule('vsphereVolume', (source, path, errors) => requireFields(source, ['volumePath'], path, errors)),
  rule('photonPersistentDisk', (source, path, errors) => requireFields(source, ['pdID'], path, errors)),
  rule('portworxVolume', (source, path, errors) => requireFields(source, ['volumeID'], path, errors)),
  rule('azureDisk', validateAzureDisk),
  rule('storageos', validateStorageOs),
  rule('projected', validateProjectedVolume),
  rule('scaleIO', (source, path, errors) => requireFields(source, ['gateway', 'system', 'volumeName'], path, errors)),
  rule('csi', validateCsi),
  rule('ephemeral', ({ volumeClaimTemplate }, path, errors, { podName }, { name }) => {
    const at = `${path}.volumeClaimTemplate`;
    if (!volumeClaimTemplate) errors.push(required(at));
    else {
      const meta = volumeClaimTemplate.metadata ?? {};
      if (meta.annotations) validateAnnotations(meta.annotations, `${at}.metadata.annotations`, errors);
      if (meta.labels) validateLabels(meta.labels, `${at}.metadata.labels`, errors);
      for (const field of Object.keys(meta)) {
        if (field !== 'annotations' && field !== 'labels') errors.push(forbidden(`${at}.metadata.${field}`, 'cannot be set'));
      }
      validateClaimSpec(volumeClaimTemplate.spec ?? {}, `${at}.spec`, errors);
    }
    if (!podName || !name) return;
    const claim = `${podName}-${name}`;
    const faults = dns1123SubdomainErrors(claim).map((fault) => `PVC name "${claim}": ${fault}`);
    addInvalid(errors, `${path.slice(0, -'.ephemeral'.length)}.name`, name, faults);
  }),
  rule('image', validateImageVolume),
];

function validateImageVolume({ reference, pullPolicy }: ImageVolumeSource, path: string, errors: FieldError[], { isPod }: PodRules): void {
  if (isPod && !reference) errors.push(required(`${path}.reference`));
  validatePullPolicy(pullPolicy, `${path}.pullPolicy`, errors);
}

function validateSource(volume: Volume, path: string, rules: PodRules, errors: FieldError[]): void {
  let found = false;
  for (const { field, extraPath, check } of sourceRules) {
    if (volume[field] === undefined) continue;
    if (found) errors.push(forbidden(`${path}.${extraPath}`, 'may not specify more than 1 volume type'));
    else check(volume, path, rules, errors);
    found = true;
  }
  if (!found) errors.push(required(path, 'must specify a volume type'));
}
