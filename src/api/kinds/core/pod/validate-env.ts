/** Environment variables of a container. @source pkg/apis/core/validation/validation.go ValidateEnv, ValidateEnvFrom, v1.35 */
import type { FieldError } from '../../../errors.ts';
import { addInvalid, invalidValue, notFound, required } from '../../../field-errors.ts';
import type { EnvFromSource, EnvVar, FileKeySelector } from '../../../gen/core-v1.ts';
import { configMapKeyErrors, dns1123SubdomainErrors, envVarNameErrors, nameIsDnsSubdomain } from '../../../names.ts';
import { localPathErrors } from './path-rules.ts';
import { envFields, validateFieldRef, validateResourceFieldRef } from './validate-field-refs.ts';
import type { VolumesByName } from './validate-volumes.ts';

export function validateEnv(
  variables: readonly EnvVar[],
  rule: { readonly path: string; readonly volumes: VolumesByName },
  errors: FieldError[],
): void {
  for (const [i, variable] of variables.entries()) {
    const path = `${rule.path}[${i}]`;
    if (!variable.name) errors.push(required(`${path}.name`));
    else addInvalid(errors, `${path}.name`, variable.name, envVarNameErrors(variable.name));
    if (variable.valueFrom) validateValueFrom(variable, { path: `${path}.valueFrom`, volumes: rule.volumes }, errors);
  }
}

function validateValueFrom(
  { value, valueFrom = {} }: EnvVar,
  { path, volumes }: { readonly path: string; readonly volumes: VolumesByName },
  errors: FieldError[],
): void {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom;
  let sources = 0;
  if (fieldRef) {
    sources++;
    validateFieldRef(fieldRef, { path: `${path}.fieldRef`, allowed: envFields }, errors);
  }
  if (resourceFieldRef) {
    sources++;
    validateResourceFieldRef(resourceFieldRef, { path: `${path}.resourceFieldRef`, containerRequired: false }, errors);
  }
  if (configMapKeyRef) {
    sources++;
    validateKeyRef(configMapKeyRef, `${path}.configMapKeyRef`, errors);
  }
  if (secretKeyRef) {
    sources++;
    validateKeyRef(secretKeyRef, `${path}.secretKeyRef`, errors);
  }
  if (fileKeyRef) {
    sources++;
    validateFileKeyRef(fileKeyRef, { path: `${path}.fileKeyRef`, volumes }, errors);
  }
  if (sources === 0) {
    const detail = 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`';
    errors.push(invalidValue(path, '', detail));
  } else if (value) errors.push(invalidValue(path, '', 'may not be specified when `value` is not empty'));
  else if (sources > 1) errors.push(invalidValue(path, '', 'may not have more than one field specified at a time'));
}

function validateKeyRef({ name = '', key }: { readonly name?: string; readonly key: string }, path: string, errors: FieldError[]): void {
  addInvalid(errors, `${path}.name`, name, dns1123SubdomainErrors(name));
  if (!key) errors.push(required(`${path}.key`));
  else addInvalid(errors, `${path}.key`, key, configMapKeyErrors(key));
}

function validateFileKeyRef(
  { key, volumeName, path: file }: FileKeySelector,
  { path, volumes }: { readonly path: string; readonly volumes: VolumesByName },
  errors: FieldError[],
): void {
  if (!key) errors.push(required(`${path}.key`));
  else addInvalid(errors, `${path}.key`, key, envVarNameErrors(key));
  if (!volumeName) errors.push(required(`${path}.volumeName`));
  else if (!volumes.has(volumeName)) errors.push(notFound(`${path}.volumeName`, volumeName));
  if (!file) errors.push(required(`${path}.path`));
  else errors.push(...localPathErrors(`${path}.path`, file));
}

export function validateEnvFrom(sources: readonly EnvFromSource[], path: string, errors: FieldError[]): void {
  for (const [i, { prefix, configMapRef, secretRef }] of sources.entries()) {
    const at = `${path}[${i}]`;
    if (prefix) addInvalid(errors, `${at}.prefix`, prefix, envVarNameErrors(prefix));
    if (configMapRef) validateEnvSource(configMapRef.name, `${at}.configMapRef.name`, errors);
    if (secretRef) validateEnvSource(secretRef.name, `${at}.secretRef.name`, errors);
    // Upstream gives the path of the list here.
    if (!configMapRef && !secretRef) errors.push(invalidValue(path, '', 'must specify one of: `configMapRef` or `secretRef`'));
    else if (configMapRef && secretRef) errors.push(invalidValue(path, '', 'may not have more than one field specified at a time'));
  }
}

function validateEnvSource(name: string | undefined, path: string, errors: FieldError[]): void {
  if (!name) errors.push(required(path));
  else addInvalid(errors, path, name, nameIsDnsSubdomain(name, true));
}
