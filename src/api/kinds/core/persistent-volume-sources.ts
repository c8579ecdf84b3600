/**
 * The sources of a persistent volume: exactly one, each with its own required fields. Most are as in a pod's volume; those that name
 * a Secret name its namespace too.
 * @source pkg/apis/core/validation/validation.go ValidatePersistentVolumeSpec, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { addInvalid, forbidden, invalidValue, required } from '../../field-errors.ts';
import type { CSIPersistentVolumeSource, ISCSIPersistentVolumeSource, PersistentVolumeSpec, SecretReference } from '../../gen/core-v1.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors } from '../../names.ts';
import { backstepErrors } from './pod/path-rules.ts';
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
} from './pod/validate-storage-sources.ts';
import type { VolumeSpecRules } from './persistent-volume-rules.ts';

/** The fields of a spec that are sources. */
type Source = keyof PersistentVolumeSpec & keyof typeof oddPaths;

/** Where upstream's path of a source, or of a second one, is not the field's name. */
const oddPaths = {
  hostPath: {},
  gcePersistentDisk: { own: 'persistentDisk' },
  awsElasticBlockStore: {},
  glusterfs: {},
  flocker: {},
  nfs: {},
  rbd: {},
  quobyte: {},
  cephfs: { extra: 'cephFS' },
  iscsi: {},
  cinder: {},
  fc: {},
  flexVolume: {},
  azureFile: {},
  vsphereVolume: {},
  photonPersistentDisk: {},
  portworxVolume: {},
  azureDisk: {},
  scaleIO: {},
  local: {},
  storageos: {},
  csi: {},
} as const satisfies Readonly<Record<string, { readonly own?: string; readonly extra?: string }>>;

type Check<K extends Source> = (source: NonNullable<PersistentVolumeSpec[K]>, path: string, errors: FieldError[], volume: string) => void;

const checks: { readonly [K in Source]: Check<K> } = {
  hostPath: validateHostPath,
  gcePersistentDisk: (source, path, errors) => {
    requireFields(source, ['pdName'], path, errors);
    validatePartition(source.partition, path, errors);
  },
  awsElasticBlockStore: (source, path, errors) => {
    requireFields(source, ['volumeID'], path, errors);
    validatePartition(source.partition, path, errors);
  },
  glusterfs: (source, path, errors) => {
    requireFields(source, ['endpoints', 'path'], path, errors);
    const { endpointsNamespace } = source;
    if (endpointsNamespace === undefined) return;
    const at = `${path}.endpointsNamespace`;
    if (endpointsNamespace === '') {
      errors.push(invalidValue(at, '', 'if the endpointnamespace is set, it must be a valid namespace name'));
    } else addInvalid(errors, at, endpointsNamespace, dns1123LabelErrors(endpointsNamespace));
  },
  flocker: validateFlocker,
  nfs: validateNfs,
  rbd: (source, path, errors) => requireFields(source, ['monitors', 'image'], path, errors),
  quobyte: validateQuobyte,
  cephfs: (source, path, errors) => requireFields(source, ['monitors'], path, errors),
  iscsi: validateIscsiVolume,
  cinder: (source, path, errors) => {
    requireFields(source, ['volumeID'], path, errors);
    if (source.secretRef) requireFields(source.secretRef, ['name', 'namespace'], `${path}.secretRef`, errors);
  },
  fc: validateFc,
  flexVolume: validateFlexVolume,
  azureFile: (source, path, errors) => {
    requireFields(source, ['secretName', 'shareName'], path, errors);
    if (source.secretNamespace === '') errors.push(required(`${path}.secretNamespace`));
  },
  vsphereVolume: (source, path, errors) => requireFields(source, ['volumePath'], path, errors),
  photonPersistentDisk: (source, path, errors) => requireFields(source, ['pdID'], path, errors),
  portworxVolume: (source, path, errors) => requireFields(source, ['volumeID'], path, errors),
  azureDisk: validateAzureDisk,
  scaleIO: (source, path, errors) => requireFields(source, ['gateway', 'system', 'volumeName'], path, errors),
  local: ({ path: local }, path, errors) => {
    if (!local) errors.push(required(`${path}.path`));
    else errors.push(...backstepErrors(`${path}.path`, local));
  },
  storageos: (source, path, errors) => {
    validateStorageOs(source, path, errors);
    if (source.secretRef) requireFields(source.secretRef, ['namespace'], `${path}.secretRef`, errors);
  },
  csi: validateCsiVolume,
};

/** Exactly one source, and what that source asks for. */
export function validateVolumeSources(spec: PersistentVolumeSpec, { path, name }: VolumeSpecRules, errors: FieldError[]): void {
  let found = false;
  // The literal has these keys and no others.
  for (const field of Object.keys(oddPaths) as Source[]) {
    const source = spec[field];
    if (source === undefined) continue;
    const odd: { readonly own?: string; readonly extra?: string } = oddPaths[field];
    // Upstream forgot that a flexVolume may be the second.
    if (found && field !== 'flexVolume') {
      errors.push(forbidden(`${path}.${odd.extra ?? field}`, 'may not specify more than 1 volume type'));
      continue;
    }
    found = true;
    checkSource(field, source, { path: `${path}.${odd.own ?? field}`, name }, errors);
    if (field === 'local' && !spec.nodeAffinity) errors.push(required(`${path}.nodeAffinity`, 'Local volume requires node affinity'));
  }
  if (!found) errors.push(required(path, 'must specify a volume type'));
}

function checkSource<K extends Source>(
  field: K,
  source: NonNullable<PersistentVolumeSpec[K]>,
  { path, name }: { readonly path: string; readonly name: string },
  errors: FieldError[],
): void {
  checks[field](source, path, errors, name);
}

function validateIscsiVolume(source: ISCSIPersistentVolumeSource, path: string, errors: FieldError[], volume: string): void {
  const { secretRef, ...rest } = source;
  validateIscsi({ ...rest, ...(secretRef && { secretRef: {} }) }, path, errors);
  if (secretRef && !secretRef.name) errors.push(required(`${path}.secretRef.name`));
  if (source.initiatorName !== undefined && `${volume}:${source.targetPortal}`.length > 64) {
    const detail = 'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';
    errors.push(invalidValue(`${path}.targetportal`, source.targetPortal, detail));
  }
}

const csiSecrets = ['controllerPublishSecretRef', 'controllerExpandSecretRef', 'nodePublishSecretRef', 'nodeExpandSecretRef'] as const;

function validateCsiVolume(source: CSIPersistentVolumeSource, path: string, errors: FieldError[]): void {
  validateCsi({ driver: source.driver }, path, errors);
  if (!source.volumeHandle) errors.push(required(`${path}.volumeHandle`));
  for (const field of csiSecrets) {
    const reference = source[field];
    if (reference) validateSecretReference(reference, `${path}.${field}`, errors);
  }
}

function validateSecretReference({ name, namespace }: SecretReference, path: string, errors: FieldError[]): void {
  if (!name) errors.push(required(`${path}.name`));
  else addInvalid(errors, `${path}.name`, name, dns1123SubdomainErrors(name));
  if (!namespace) errors.push(required(`${path}.namespace`));
  else addInvalid(errors, `${path}.namespace`, namespace, dns1123LabelErrors(namespace));
}
