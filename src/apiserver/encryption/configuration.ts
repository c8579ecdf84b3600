/**
 * The encryption configuration file: which resources are stored encrypted, by which providers. Every fault is told; secrets never are.
 * @source apiserver pkg/apis/apiserver/validation/validation_encryption.go, pkg/server/options/encryptionconfig, v1.35
 */
import { fieldErrors, type FieldError, type JsonObject } from '../../api/index.ts';
import { isJsonObject } from '../../api/json/index.ts';
import { parseYaml, YamlSyntaxError } from '../../api/yaml/index.ts';
import type { NamedKey } from './providers.ts';

/** The file says something that cannot be done. */
export class EncryptionConfigError extends Error {
  override readonly name = 'EncryptionConfigError';
}

export type Provider = { readonly type: 'identity' } | { readonly type: 'aesgcm' | 'aescbc'; readonly keys: readonly NamedKey[] };

/** Providers of some resources; the first one writes, all read. */
export interface ResourceEncryption {
  /** `secrets`, `deployments.apps`, `*.`, `*.apps` or `*.*`. */
  readonly resources: readonly string[];
  readonly providers: readonly Provider[];
}

const aesKeyBytes = [16, 24, 32];
const providerTypes = ['identity', 'aesgcm', 'aescbc', 'secretbox', 'kms'] as const;
const { invalidValue, required } = fieldErrors;

/**
 * Reads a configuration of `apiserver.config.k8s.io/v1`.
 * @param path of the file, for messages
 * @throws EncryptionConfigError
 */
export function parseEncryptionConfig(text: string, path: string): ResourceEncryption[] {
  const document = readDocument(text, path);
  const entries = list(document.resources).map((entry) => (isJsonObject(entry) ? entry : {}));
  const errors: FieldError[] = entries.length === 0 ? [required('resources', 'at least one resources is required')] : [];
  const parsed = entries.map((entry, i) => readEntry(entry, `resources[${i}]`, errors));
  if (errors.length === 0) errors.push(...maskedErrors(parsed));
  if (errors.length > 0) {
    throw new EncryptionConfigError(
      `invalid encryption configuration in ${path}: ${errors.map(({ field, message }) => `${field}: ${message}`).join(', ')}`,
    );
  }
  return parsed;
}

function readDocument(text: string, path: string): JsonObject {
  let value: unknown;
  try {
    ({ value } = parseYaml(Buffer.from(text)));
  } catch (error) {
    if (!(error instanceof YamlSyntaxError)) throw error;
    // The parser's message may quote the file, and the file holds secrets.
    throw new EncryptionConfigError(`error decoding encryption provider configuration file ${path}: it is no YAML`);
  }
  if (!isJsonObject(value) || value.apiVersion !== 'apiserver.config.k8s.io/v1' || value.kind !== 'EncryptionConfiguration') {
    throw new EncryptionConfigError(
      `error decoding encryption provider configuration file ${path}: expected an EncryptionConfiguration of apiserver.config.k8s.io/v1`,
    );
  }
  return value;
}

function readEntry(entry: JsonObject, path: string, errors: FieldError[]): ResourceEncryption {
  const resources = list(entry.resources).map(String);
  const at = `${path}.resources`;
  if (resources.length === 0) errors.push(required(at, `at least one ${at} is required`));
  errors.push(...overlapErrors(resources, at), ...resources.flatMap((resource, i) => nameErrors(resource, `${at}[${i}]`)));
  const given = list(entry.providers);
  if (given.length === 0) errors.push(required(`${path}.providers`, `at least one ${path}.providers is required`));
  const providers = given.map((provider, i) => readProvider(provider, `${path}.providers[${i}]`, errors));
  return { resources, providers: providers.filter((provider) => provider !== undefined) };
}

function readProvider(provider: unknown, path: string, errors: FieldError[]): Provider | undefined {
  const object = isJsonObject(provider) ? provider : {};
  const types = providerTypes.filter((type) => object[type] !== undefined && object[type] !== null);
  const [type] = types;
  if (types.length > 1) {
    errors.push(
      invalidValue(path, 'REDACTED', 'more than one provider specified in a single element, should split into different list elements'),
    );
    return undefined;
  }
  switch (type) {
    case 'identity':
      return { type };
    case 'aesgcm':
    case 'aescbc':
      return { type, keys: readKeys(object[type], `${path}.${type}.keys`, errors) };
    case 'secretbox':
      errors.push(
        invalidValue(
          `${path}.secretbox`,
          'REDACTED',
          'secretbox is not supported: XSalsa20 and Poly1305 are not among the ciphers here; use aesgcm',
        ),
      );
      return undefined;
    case 'kms':
      errors.push(invalidValue(`${path}.kms`, 'REDACTED', 'kms is not supported; use aesgcm'));
      return undefined;
    default:
      errors.push(
        invalidValue(path, {}, 'provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity'),
      );
      return undefined;
  }
}

function readKeys(provider: unknown, path: string, errors: FieldError[]): NamedKey[] {
  const keys = list(isJsonObject(provider) ? provider.keys : undefined);
  if (keys.length === 0) errors.push(required(path, 'at least one keys is required'));
  return keys.map((key, i) => {
    const { name, secret } = isJsonObject(key) ? key : {};
    const at = `${path}[${i}]`;
    const bytes = typeof secret === 'string' ? Buffer.from(secret, 'base64') : Buffer.alloc(0);
    if (typeof name !== 'string' || name === '') errors.push(required(`${at}.name`, 'name is a mandatory field for a key'));
    else if (name.includes(':')) errors.push(invalidValue(`${at}.name`, name, "must not contain ':'"));
    if (typeof secret !== 'string' || secret === '') errors.push(required(`${at}.secret`, 'secret is a mandatory field for a key'));
    else if (bytes.toString('base64') !== secret) errors.push(invalidValue(`${at}.secret`, 'REDACTED', 'secrets must be base64 encoded'));
    else if (!aesKeyBytes.includes(bytes.length)) {
      const detail = `secret is not of the expected length, got ${bytes.length}, expected one of [${aesKeyBytes.join(' ')}]`;
      errors.push(invalidValue(`${at}.secret`, 'REDACTED', detail));
    }
    return { name: typeof name === 'string' ? name : '', secret: bytes };
  });
}

function nameErrors(resource: string, path: string): FieldError[] {
  const { group, plural } = groupResource(resource);
  const fault = ((): string | undefined => {
    if (resource.toLowerCase() !== resource) return 'resource name should not contain capital letters';
    if (resource === '*') return "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources";
    if (withoutApi.has(resource)) return 'resources which do not have REST API/s cannot be encrypted';
    if (group === 'events.k8s.io') {
      return "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file";
    }
    if (group === 'extensions') return "'extensions' group has been removed and cannot be used for encryption";
    return group === '*' && plural !== '*' ? 'encrypting the same resource across groups is not supported' : undefined;
  })();
  return fault === undefined ? [] : [invalidValue(path, resource, fault)];
}

const withoutApi = new Set(['apiserveripinfo', 'serviceipallocations', 'servicenodeportallocations']);

function overlapErrors(resources: readonly string[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (new Set(resources).size < resources.length) {
    errors.push(invalidValue(path, resources, 'the same resource cannot be specified multiple times'));
  }
  const overlaps = resources.some((one, i) => resources.some((other, j) => i !== j && one !== other && covers(one, other)));
  if (overlaps) {
    const detail = "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked";
    errors.push(invalidValue(path, resources, detail));
  }
  return errors;
}

/** A resource that an earlier entry speaks of already would never be asked for. */
function maskedErrors(entries: readonly ResourceEncryption[]): FieldError[] {
  const earlier: string[] = [];
  const errors: FieldError[] = [];
  entries.forEach(({ resources }, i) => {
    for (const resource of resources) {
      const mask = earlier.find((one) => one !== resource && covers(one, resource));
      if (mask !== undefined) {
        errors.push(invalidValue(`resources[${i}].resources`, resources, `resource "${resource}" is masked by earlier rule "${mask}"`));
      }
    }
    earlier.push(...resources);
  });
  return errors;
}

/** Whether a wildcard stands for everything that another name stands for. */
export function covers(wildcard: string, resource: string): boolean {
  const [wide, narrow] = [groupResource(wildcard), groupResource(resource)];
  if (wide.plural !== '*') return false;
  return wide.group === '*' || wide.group === narrow.group;
}

/** @source apimachinery schema.ParseGroupResource */
export function groupResource(resource: string): { readonly group: string; readonly plural: string } {
  const dot = resource.indexOf('.');
  return dot < 0 ? { group: '', plural: resource } : { group: resource.slice(dot + 1), plural: resource.slice(0, dot) };
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
