/**
 * References to a pod's own fields and resources (downward API), from environment variables and from files.
 * @source pkg/apis/core/validation/validation.go validateObjectFieldSelector, validateContainerResourceFieldSelector, v1.35
 */
import type { FieldError } from '../../../errors.ts';
import { addInvalid, addUnsupported, invalidValue, notSupported, required } from '../../../field-errors.ts';
import type { ObjectFieldSelector, ResourceFieldSelector } from '../../../gen/core-v1.ts';
import { qualifiedNameErrors } from '../../../names.ts';
import { tryParseQuantity } from '../../../quantity.ts';

/** Fields that an environment variable may show, sorted as messages list them. */
export const envFields: readonly string[] = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
/** Fields that a file may show. */
export const volumeFields: readonly string[] = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];

const knownFields = new Set([...envFields, ...volumeFields, 'spec.restartPolicy', 'spec.schedulerName', 'status.phase', 'spec.host']);
const resourceFields: readonly string[] = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];
const byteDivisors = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

export function validateFieldRef(
  { apiVersion = '', fieldPath }: ObjectFieldSelector,
  rule: { readonly path: string; readonly allowed: readonly string[] },
  errors: FieldError[],
): void {
  const { path, allowed } = rule;
  if (apiVersion === '') {
    errors.push(required(`${path}.apiVersion`));
    return;
  }
  if (!fieldPath) {
    errors.push(required(`${path}.fieldPath`));
    return;
  }
  const [, base = '', subscript] = /^(.+)\['(.*)'\]$/s.exec(fieldPath) ?? [];
  const fault = unknownField(apiVersion, fieldPath, base);
  if (fault !== undefined) errors.push(invalidValue(`${path}.fieldPath`, fieldPath, `error converting fieldPath: ${fault}`));
  else if (subscript !== undefined) {
    const name = base === 'metadata.annotations' ? subscript.toLowerCase() : subscript;
    addInvalid(errors, path, name, qualifiedNameErrors(name));
  } else addUnsupported(errors, `${path}.fieldPath`, fieldPath === 'spec.host' ? 'spec.nodeName' : fieldPath, allowed);
}

function unknownField(apiVersion: string, fieldPath: string, base: string): string | undefined {
  if (apiVersion !== 'v1') return `unsupported pod version: ${apiVersion}`;
  if (base !== '') {
    return base === 'metadata.annotations' || base === 'metadata.labels'
      ? undefined
      : `field label does not support subscript: ${fieldPath}`;
  }
  return knownFields.has(fieldPath) ? undefined : `field label not supported: ${fieldPath}`;
}

export function validateResourceFieldRef(
  ref: ResourceFieldSelector,
  rule: { readonly path: string; readonly containerRequired: boolean },
  errors: FieldError[],
): void {
  const { path } = rule;
  if (rule.containerRequired && !ref.containerName) errors.push(required(`${path}.containerName`));
  else if (!ref.resource) errors.push(required(`${path}.resource`));
  else if (!resourceFields.includes(ref.resource) && !/^(?:requests|limits)\.hugepages-/.test(ref.resource)) {
    errors.push(notSupported(`${path}.resource`, ref.resource, resourceFields));
  }
  errors.push(...divisorErrors(ref, `${path}.divisor`));
}

function divisorErrors({ resource, divisor }: ResourceFieldSelector, path: string): FieldError[] {
  const amount = divisor === undefined ? undefined : tryParseQuantity(divisor);
  if (!amount || amount.isZero) return [];
  const kind = (resource ?? '').replace(/^(?:requests|limits)\./, '');
  if (kind === 'cpu') {
    const fine = ['1', '1m'].includes(amount.toString());
    return fine ? [] : [invalidValue(path, resource, "only divisor's values 1m and 1 are supported with the cpu resource")];
  }
  const name = byteResourceName(kind);
  if (name === undefined || byteDivisors.includes(amount.toString())) return [];
  return [invalidValue(path, resource, `only divisor's values ${byteDivisors.join(', ')} are supported with the ${name} resource`)];
}

function byteResourceName(kind: string): string | undefined {
  if (kind === 'memory') return 'memory';
  if (kind === 'ephemeral-storage') return 'local ephemeral storage';
  return kind.startsWith('hugepages-') ? 'hugepages' : undefined;
}
