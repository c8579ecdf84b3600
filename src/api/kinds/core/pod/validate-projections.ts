/**
 * Volumes whose files the kubelet writes: ConfigMap, Secret, downward API, service account tokens and all of these together.
 * @source pkg/apis/core/validation/validation.go validateProjectionSources and neighbours, v1.35
 */
import type { FieldError } from '../../../errors.ts';
import { addInvalid, forbidden, invalidValue, required, tooLong } from '../../../field-errors.ts';
import type {
  ClusterTrustBundleProjection,
  ConfigMapVolumeSource,
  DownwardAPIVolumeFile,
  DownwardAPIVolumeSource,
  KeyToPath,
  PodCertificateProjection,
  ProjectedVolumeSource,
  SecretVolumeSource,
  ServiceAccountTokenProjection,
  VolumeProjection,
} from '../../../gen/core-v1.ts';
import { dns1123SubdomainErrors } from '../../../names.ts';
import { validateLabelSelector } from '../label-selector-rules.ts';
import { fileModeErrors, localPathErrors } from './path-rules.ts';
import { validateFieldRef, validateResourceFieldRef, volumeFields } from './validate-field-refs.ts';

const tokenSeconds = { least: 600, most: 2 ** 32 };

export function validateConfigMapVolume(source: ConfigMapVolumeSource, path: string, errors: FieldError[]): void {
  if (!source.name) errors.push(required(`${path}.name`));
  errors.push(...fileModeErrors(`${path}.defaultMode`, source.defaultMode));
  validateItems(source.items, `${path}.items`, errors);
}

export function validateSecretVolume(source: SecretVolumeSource, path: string, errors: FieldError[]): void {
  if (!source.secretName) errors.push(required(`${path}.secretName`));
  errors.push(...fileModeErrors(`${path}.defaultMode`, source.defaultMode));
  validateItems(source.items, `${path}.items`, errors);
}

export function validateDownwardVolume(source: DownwardAPIVolumeSource, path: string, errors: FieldError[]): void {
  errors.push(...fileModeErrors(`${path}.defaultMode`, source.defaultMode));
  // Upstream gives the path of the volume, not of the item.
  for (const file of source.items ?? []) validateDownwardFile(file, path, errors);
}

export function validateProjectedVolume(source: ProjectedVolumeSource, path: string, errors: FieldError[]): void {
  errors.push(...fileModeErrors(`${path}.defaultMode`, source.defaultMode));
  const taken = new Set<string>();
  for (const [i, one] of (source.sources ?? []).entries()) {
    const at = `${path}.sources[${i}]`;
    validateProjection(one, { at, path, taken }, errors);
    if (sourceFields.filter((field) => one[field] !== undefined).length > 1) {
      errors.push(forbidden(at, 'may not specify more than 1 volume type per source'));
    }
  }
}

const sourceFields = [
  'secret',
  'configMap',
  'downwardAPI',
  'serviceAccountToken',
  'clusterTrustBundle',
  'podCertificate',
] as const satisfies readonly (keyof VolumeProjection)[];

interface ProjectionPlace {
  /** Path of the source. */
  readonly at: string;
  /** Path of the volume's `projected`. */
  readonly path: string;
  /** File paths of the sources before. */
  readonly taken: Set<string>;
}

function validateProjection(source: VolumeProjection, place: ProjectionPlace, errors: FieldError[]): void {
  const { at, path } = place;
  for (const field of ['secret', 'configMap'] as const) {
    const named = source[field];
    if (!named) continue;
    if (!named.name) errors.push(required(`${at}.${field}.name`));
    for (const [i, item] of (named.items ?? []).entries()) {
      validateItem(item, `${at}.${field}.items[${i}]`, errors);
      claimPath(item.path, named.name ?? '', place, errors);
    }
  }
  for (const file of source.downwardAPI?.items ?? []) {
    validateDownwardFile(file, `${at}.downwardAPI`, errors);
    claimPath(file.path, file.path, place, errors);
  }
  if (source.serviceAccountToken) validateToken(source.serviceAccountToken, { at: `${at}.serviceAccountToken`, path }, errors);
  if (source.clusterTrustBundle) {
    validateTrustBundle(source.clusterTrustBundle, `${at}.clusterTrustBundle`, errors);
    claimPath(source.clusterTrustBundle.path, source.clusterTrustBundle.path, place, errors);
  }
  if (source.podCertificate) validatePodCertificate(source.podCertificate, { ...place, at: `${at}.podCertificate` }, errors);
}

function claimPath(file: string | undefined, shown: string, { path, taken }: ProjectionPlace, errors: FieldError[]): void {
  if (!file) return;
  if (taken.has(file)) errors.push(invalidValue(path, shown, 'conflicting duplicate paths'));
  taken.add(file);
}

function validateToken(
  token: ServiceAccountTokenProjection,
  { at, path }: { readonly at: string; readonly path: string },
  errors: FieldError[],
): void {
  const seconds = token.expirationSeconds ?? 0;
  if (seconds < tokenSeconds.least) {
    errors.push(invalidValue(`${at}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes'));
  }
  if (seconds > tokenSeconds.most) {
    errors.push(invalidValue(`${at}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds'));
  }
  if (!token.path) errors.push(required(`${path}.path`));
  else errors.push(...localPathErrors(`${path}.path`, token.path));
}

function validateTrustBundle(bundle: ClusterTrustBundleProjection, path: string, errors: FieldError[]): void {
  const { name, signerName, labelSelector } = bundle;
  if (name !== undefined && signerName !== undefined) {
    errors.push(invalidValue(path, bundle, 'only one of name and signerName may be used'));
  } else if (name !== undefined) {
    if (name === '') errors.push(required(`${path}.name`, 'must be a valid object name'));
    const faults = dns1123SubdomainErrors(name.slice(name.lastIndexOf(':') + 1));
    addInvalid(
      errors,
      `${path}.name`,
      name,
      faults.map((fault) => `not a valid clustertrustbundlename: ${fault}`),
    );
    if (labelSelector)
      errors.push(invalidValue(`${path}.labelSelector`, labelSelector, 'labelSelector must be unset if name is specified'));
  } else if (signerName !== undefined) {
    if (signerName === '') errors.push(required(`${path}.signerName`, 'must be a valid signer name'));
    errors.push(...signerNameErrors(`${path}.signerName`, signerName));
    validateLabelSelector(labelSelector, `${path}.labelSelector`, errors);
  } else errors.push(required(path, 'either name or signerName must be specified'));
  if (!bundle.path) errors.push(required(`${path}.path`));
  errors.push(...localPathErrors(`${path}.path`, bundle.path ?? ''));
}

const keyTypes = ['ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519', 'RSA3072', 'RSA4096'];

function validatePodCertificate(certificate: PodCertificateProjection, place: ProjectionPlace, errors: FieldError[]): void {
  const { at } = place;
  errors.push(...signerNameErrors(`${at}.signerName`, certificate.signerName ?? ''));
  if (!keyTypes.includes(certificate.keyType)) {
    errors.push(invalidValue(`${at}.keyType`, certificate.keyType ?? '', `must be one of ${keyTypes.join(', ')}`));
  }
  const seconds = certificate.maxExpirationSeconds;
  if (seconds !== undefined && (seconds < 3600 || seconds > 91 * 86_400)) {
    errors.push(
      invalidValue(
        `${at}.maxExpirationSeconds`,
        seconds,
        'if provided, maxExpirationSeconds must be between 3600 (1 hour) and 7862400 (91 days)',
      ),
    );
  }
  const paths = (['credentialBundlePath', 'keyPath', 'certificateChainPath'] as const).filter((field) => certificate[field]);
  if (paths.length === 0) {
    errors.push(required(at, 'specify at least one of credentialBundlePath, keyPath, and certificateChainPath'));
  }
  for (const field of paths) {
    errors.push(...localPathErrors(`${at}.${field}`, certificate[field]!));
    claimPath(certificate[field], certificate[field]!, place, errors);
  }
}

/** `domain/path`. @source pkg/apis/core/validation ValidateSignerName */
function signerNameErrors(path: string, name: string): FieldError[] {
  if (name === '') return [required(path)];
  const slash = name.indexOf('/');
  if (slash < 0 || name.indexOf('/', slash + 1) >= 0) {
    return [invalidValue(path, name, 'must be a fully qualified domain and path of the form "example.com/signer-name"')];
  }
  const errors: FieldError[] = [];
  const [domain, rest] = [name.slice(0, slash), name.slice(slash + 1)];
  addInvalid(
    errors,
    path,
    domain,
    dns1123SubdomainErrors(domain).map((fault) => `validating label "${domain}": ${fault}`),
  );
  if (!domain.includes('.')) errors.push(invalidValue(path, domain, 'should be a domain with at least two segments separated by dots'));
  addInvalid(
    errors,
    path,
    rest,
    dns1123SubdomainErrors(rest).map((fault) => `validating label "${rest}": ${fault}`),
  );
  if (name.length > 571) errors.push(tooLong(path, 571));
  return errors;
}

function validateItems(items: readonly KeyToPath[] | undefined, path: string, errors: FieldError[]): void {
  for (const [i, item] of (items ?? []).entries()) validateItem(item, `${path}[${i}]`, errors);
}

function validateItem(item: KeyToPath, path: string, errors: FieldError[]): void {
  if (!item.key) errors.push(required(`${path}.key`));
  if (!item.path) errors.push(required(`${path}.path`));
  errors.push(...localPathErrors(`${path}.path`, item.path ?? ''), ...fileModeErrors(`${path}.mode`, item.mode));
}

function validateDownwardFile(file: DownwardAPIVolumeFile, path: string, errors: FieldError[]): void {
  if (!file.path) errors.push(required(`${path}.path`));
  errors.push(...localPathErrors(`${path}.path`, file.path ?? ''));
  if (file.fieldRef) {
    validateFieldRef(file.fieldRef, { path: `${path}.fieldRef`, allowed: volumeFields }, errors);
    if (file.resourceFieldRef) {
      errors.push(invalidValue(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
    }
  } else if (file.resourceFieldRef) {
    validateResourceFieldRef(file.resourceFieldRef, { path: `${path}.resourceFieldRef`, containerRequired: true }, errors);
  } else errors.push(required(path, 'one of fieldRef and resourceFieldRef is required'));
  errors.push(...fileModeErrors(`${path}.mode`, file.mode));
}
