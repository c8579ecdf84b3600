/** Environment variables of a container. @source pkg/apis/core/validation/validation.go ValidateEnv, ValidateEnvFrom, v1.35 */
import type { FieldError } from '../../../errors.ts';
import { addInvalid, invalidValue, notFound, required } from '../../../field-errors.ts';
import type { EnvFromSource, EnvVar, FileKeySelector, PodSpec } from '../../../gen/core-v1.ts';
import { configMapKeyErrors, dns1123LabelErrors, dns1123SubdomainErrors, envVarNameErrors, nameIsDnsSubdomain } from '../../../names.ts';
import { allContainers } from './containers.ts';
import { backstepErrors } from './path-rules.ts';
import { envFields, validateFieldRef, validateResourceFieldRef } from './validate-field-refs.ts';

export function validateEnv(variables: readonly EnvVar[], at: string, errors: FieldError[]): void {
  for (const [i, variable] of variables.entries()) {
    const path = `${at}[${i}]`;
    if (!variable.name) errors.push(required(`${path}.name`));
    else addInvalid(errors, `${path}.name`, variable.name, envVarNameErrors(variable.name));
    if (variable.valueFrom) validateValueFrom(variable, `${path}.valueFrom`, errors);
  }
}

function validateValueFrom({ value, valueFrom = {} }: EnvVar, path: string, errors: FieldError[]): void {
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
    validateFileKeyRef(fileKeyRef, `${path}.fileKeyRef`, errors);
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

function validateFileKeyRef({ key, volumeName, path: file }: FileKeySelector, path: string, errors: FieldError[]): void {
  if (!key) errors.push(required(`${path}.key`));
  else addInvalid(errors, `${path}.key`, key, envVarNameErrors(key));
  if (!volumeName) errors.push(required(`${path}.volumeName`));
  else addInvalid(errors, `${path}.volumeName`, volumeName, dns1123LabelErrors(volumeName));
  if (!file) errors.push(required(`${path}.path`));
  else errors.push(...backstepErrors(`${path}.path`, file));
}

/** Files that variables are read from are in volumes that start empty. */
export function validateEnvFiles(spec: PodSpec, path: string, errors: FieldError[]): void {
  for (const { container, path: at } of allContainers(spec, path)) {
    for (const [i, { valueFrom }] of (container.env ?? []).entries()) {
      if (!valueFrom?.fileKeyRef) continue;
      const { volumeName } = valueFrom.fileKeyRef;
      const own = `${at}.env[${i}].valueFrom.fileKeyRef.volumeName`;
      const volume = spec.volumes?.findLast(({ name }) => name === volumeName);
      if (!volume) errors.push(notFound(own, volumeName ?? ''));
      else if (!volume.emptyDir) errors.push(invalidValue(own, volumeName, 'referenced volume must be of type emptyDir'));
    }
  }
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
