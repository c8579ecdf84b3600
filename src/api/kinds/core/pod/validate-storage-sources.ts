/**
 * Volumes that come from a storage system: each type's own required fields.
 * @source pkg/apis/core/validation/validation.go, v1.35
 */
import type { FieldError } from '../../../errors.ts';
import { addInvalid, addUnsupported, invalidValue, notSupported, required, tooLong } from '../../../field-errors.ts';
import type {
  AzureDiskVolumeSource,
  CSIVolumeSource,
  FCVolumeSource,
  FlexVolumeSource,
  FlockerVolumeSource,
  HostPathVolumeSource,
  ISCSIVolumeSource,
  NFSVolumeSource,
  QuobyteVolumeSource,
  StorageOSVolumeSource,
} from '../../../gen/core-v1.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors, inclusiveRangeError } from '../../../names.ts';
import { backstepErrors } from './path-rules.ts';

const hostPathTypes = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'];

/** Faults for each of the fields that has no value. */
export function requireFields<T extends object>(
  source: T,
  fields: readonly (keyof T & string)[],
  path: string,
  errors: FieldError[],
): void {
  for (const field of fields) {
    const value = source[field];
    if (!value || (Array.isArray(value) && value.length === 0)) errors.push(required(`${path}.${field}`));
  }
}

export function validateHostPath({ path: host, type }: HostPathVolumeSource, path: string, errors: FieldError[]): void {
  if (!host) {
    errors.push(required(`${path}.path`));
    return;
  }
  errors.push(...backstepErrors(`${path}.path`, host));
  if (type !== undefined) addUnsupported(errors, `${path}.type`, type, hostPathTypes);
}

export function validatePartition(partition: number | undefined, path: string, errors: FieldError[]): void {
  if (partition !== undefined && (partition < 0 || partition > 255)) {
    errors.push(invalidValue(`${path}.partition`, partition, inclusiveRangeError(1, 255)));
  }
}

export function validateNfs({ server, path: exported }: NFSVolumeSource, path: string, errors: FieldError[]): void {
  if (!server) errors.push(required(`${path}.server`));
  if (!exported) errors.push(required(`${path}.path`));
  if (!exported?.startsWith('/')) errors.push(invalidValue(`${path}.path`, exported ?? '', 'must be an absolute path'));
}

const initiatorFormats: readonly (readonly [string, RegExp])[] = [
  ['iqn', /iqn\.\d{4}-\d{2}\.([A-Za-z0-9-.]+)(:[^,;*&$|\s]+)$/],
  ['eui', /^eui.[A-Za-z0-9]{16}$/],
  ['naa', /^naa.[A-Za-z0-9]{32}$/],
];

export function validateIscsi(source: ISCSIVolumeSource, path: string, errors: FieldError[]): void {
  if (!source.targetPortal) errors.push(required(`${path}.targetPortal`));
  if (!source.iqn) errors.push(required(`${path}.iqn`));
  else validateInitiator(source.iqn, `${path}.iqn`, errors);
  const lun = source.lun ?? 0;
  if (lun < 0 || lun > 255) errors.push(invalidValue(`${path}.lun`, lun, inclusiveRangeError(0, 255)));
  if ((source.chapAuthDiscovery || source.chapAuthSession) && !source.secretRef) errors.push(required(`${path}.secretRef`));
  if (source.initiatorName !== undefined) validateInitiator(source.initiatorName, `${path}.initiatorname`, errors);
}

function validateInitiator(name: string, path: string, errors: FieldError[]): void {
  const format = initiatorFormats.find(([prefix]) => name.startsWith(prefix));
  if (!format) errors.push(invalidValue(path, name, 'must be valid format starting with iqn, eui, or naa'));
  else if (!format[1].test(name)) errors.push(invalidValue(path, name, 'must be valid format'));
}

export function validateFc({ targetWWNs = [], wwids = [], lun }: FCVolumeSource, path: string, errors: FieldError[]): void {
  if (targetWWNs.length === 0 && wwids.length === 0) {
    errors.push(required(`${path}.targetWWNs`, 'must specify either targetWWNs or wwids, but not both'));
  }
  if (targetWWNs.length > 0 && wwids.length > 0) {
    errors.push(invalidValue(`${path}.targetWWNs`, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously'));
  }
  if (targetWWNs.length === 0) return;
  if (lun === undefined) errors.push(required(`${path}.lun`, 'lun is required if targetWWNs is specified'));
  else if (lun < 0 || lun > 255) errors.push(invalidValue(`${path}.lun`, lun, inclusiveRangeError(0, 255)));
}

export function validateFlocker({ datasetName = '', datasetUUID = '' }: FlockerVolumeSource, path: string, errors: FieldError[]): void {
  if (datasetName === '' && datasetUUID === '') errors.push(required(path, 'one of datasetName and datasetUUID is required'));
  if (datasetName !== '' && datasetUUID !== '') {
    errors.push(invalidValue(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'));
  }
  if (datasetName.includes('/')) errors.push(invalidValue(`${path}.datasetName`, datasetName, "must not contain '/'"));
}

export function validateQuobyte(source: QuobyteVolumeSource, path: string, errors: FieldError[]): void {
  const pairs = 'must be a host:port pair or multiple pairs separated by commas';
  if (!source.registry) errors.push(required(`${path}.registry`, pairs));
  else if ((source.tenant ?? '').length >= 65) {
    errors.push(required(`${path}.tenant`, 'must be a UUID and may not exceed a length of 64 characters'));
  } else {
    for (const pair of source.registry.split(',')) {
      if (!/^(?:[^:[\]]*|\[[^\]]*\]):[^:]*$/.test(pair)) errors.push(invalidValue(`${path}.registry`, source.registry, pairs));
    }
  }
  if (!source.volume) errors.push(required(`${path}.volume`));
}

export function validateFlexVolume({ driver, options = {} }: FlexVolumeSource, path: string, errors: FieldError[]): void {
  if (!driver) errors.push(required(`${path}.driver`));
  for (const key of Object.keys(options)) {
    const domain = `.${key.split('/')[0]!.toLowerCase()}`;
    if (key.includes('/') ? domain.endsWith('.kubernetes.io') || domain.endsWith('.k8s.io') : /\.(?:kubernetes|k8s)\.io$/.test(domain)) {
      errors.push(invalidValue(`${path}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved'));
    }
  }
}

const diskUris = {
  managed: '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}',
  blob: 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd',
};

export function validateAzureDisk(source: AzureDiskVolumeSource, path: string, errors: FieldError[]): void {
  requireFields(source, ['diskName', 'diskURI'], path, errors);
  const { cachingMode, kind, diskURI = '' } = source as Partial<AzureDiskVolumeSource>;
  if (cachingMode !== undefined) addUnsupported(errors, `${path}.cachingMode`, cachingMode, ['None', 'ReadOnly', 'ReadWrite']);
  if (kind === undefined) return;
  addUnsupported(errors, `${path}.kind`, kind, ['Dedicated', 'Managed', 'Shared']);
  if (kind === 'Managed' && !diskURI.startsWith('/subscriptions/')) {
    errors.push(notSupported(`${path}.diskURI`, diskURI, [diskUris.managed]));
  }
  if (kind !== 'Managed' && !diskURI.startsWith('https://')) errors.push(notSupported(`${path}.diskURI`, diskURI, [diskUris.blob]));
}

export function validateStorageOs(source: StorageOSVolumeSource, path: string, errors: FieldError[]): void {
  if (!source.volumeName) errors.push(required(`${path}.volumeName`));
  else addInvalid(errors, `${path}.volumeName`, source.volumeName, dns1123LabelErrors(source.volumeName));
  if (source.volumeNamespace)
    addInvalid(errors, `${path}.volumeNamespace`, source.volumeNamespace, dns1123LabelErrors(source.volumeNamespace));
  if (source.secretRef && !source.secretRef.name) errors.push(required(`${path}.secretRef.name`));
}

export function validateCsi({ driver = '', nodePublishSecretRef }: Partial<CSIVolumeSource>, path: string, errors: FieldError[]): void {
  if (driver === '') errors.push(required(`${path}.driver`));
  if (driver.length > 63) errors.push(tooLong(`${path}.driver`, 63));
  addInvalid(errors, `${path}.driver`, driver, dns1123SubdomainErrors(driver.toLowerCase()));
  if (!nodePublishSecretRef) return;
  const { name } = nodePublishSecretRef;
  if (!name) errors.push(required(`${path}.nodePublishSecretRef.name`));
  else addInvalid(errors, `${path}.name`, name, dns1123SubdomainErrors(name));
}
