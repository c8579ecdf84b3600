/**
 * Validation of amounts of resources. @source pkg/apis/core/validation/validation.go ValidateContainerResourceRequirements, v1.35
 */
import type { FieldError } from '../../../errors.ts';
import { forbidden, invalidValue, required } from '../../../field-errors.ts';
import type { ResourceRequirements } from '../../../gen/core-v1.ts';
import { qualifiedNameErrors } from '../../../names.ts';
import { tryParseQuantity } from '../../../quantity.ts';
import { isHugePages, isNativeResource, isOvercommitAllowed } from '../resource-list.ts';

type ResourceList = Readonly<Record<string, string>>;

const standardNames = new Set([
  'cpu',
  'memory',
  'ephemeral-storage',
  'pods',
  'services',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
  'storage',
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'requests.storage',
]);
const containerNames = new Set(['cpu', 'memory', 'ephemeral-storage']);

/** What is wrong with one amount: not a quantity, negative, or a fraction of what comes only whole. */
export function resourceAmountErrors(name: string, text: string, path: string): FieldError[] {
  const amount = tryParseQuantity(text);
  if (!amount) {
    return [invalidValue(path, text, "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")];
  }
  const errors: FieldError[] = [];
  if (amount.sign < 0) errors.push(invalidValue(path, amount.toString(), 'must be greater than or equal to 0'));
  const whole = name === 'pods' || !isNativeResource(name) || name.startsWith('services.');
  if (whole && amount.milliValue() % 1000 !== 0) errors.push(invalidValue(path, amount, 'must be an integer'));
  return errors;
}

/** Names that a container may ask for. */
export function containerResourceNameErrors(name: string, path: string): FieldError[] {
  const errors = qualifiedNameErrors(name).map((message) => invalidValue(path, name, message));
  if (errors.length > 0) return errors;
  if (!name.includes('/')) {
    if (!standardNames.has(name) && !isHugePages(name)) {
      errors.push(invalidValue(path, name, 'must be a standard resource type or fully qualified'));
    }
    if (!containerNames.has(name) && !isHugePages(name))
      errors.push(invalidValue(path, name, 'must be a standard resource for containers'));
  } else if (!isNativeResource(name) && !isExtendedResource(name)) {
    errors.push(invalidValue(path, name, "doesn't follow extended resource name standard"));
  }
  return errors;
}

function isExtendedResource(name: string): boolean {
  return !name.startsWith('requests.') && qualifiedNameErrors(`requests.${name}`).length === 0;
}

/** A list that stands alone, such as an overhead. */
export function validateResourceList(list: ResourceList, path: string, errors: FieldError[]): void {
  for (const name in list) {
    const at = `${path}[${name}]`;
    errors.push(...containerResourceNameErrors(name, at), ...resourceAmountErrors(name, list[name]!, at));
  }
}

/** Limits and requests of a container. */
export function validateRequirements({ limits = {}, requests = {} }: ResourceRequirements, path: string, errors: FieldError[]): void {
  let [hasCpuOrMemory, hasHugePages] = [false, false];
  for (const name in limits) {
    const at = `${path}.limits[${name}]`;
    errors.push(...containerResourceNameErrors(name, at), ...resourceAmountErrors(name, limits[name]!, at));
    if (isHugePages(name)) hasHugePages = true;
    if (name === 'cpu' || name === 'memory') hasCpuOrMemory = true;
  }
  for (const name in requests) {
    const at = `${path}.requests[${name}]`;
    errors.push(...containerResourceNameErrors(name, at), ...resourceAmountErrors(name, requests[name]!, at));
    errors.push(...requestAgainstLimit(name, requests[name]!, { limits, path: `${path}.requests` }));
    if (isHugePages(name)) hasHugePages = true;
    if (name === 'cpu' || name === 'memory') hasCpuOrMemory = true;
  }
  if (hasHugePages && !hasCpuOrMemory) errors.push(forbidden(path, 'HugePages require cpu or memory'));
}

function requestAgainstLimit(
  name: string,
  text: string,
  { limits, path }: { readonly limits: ResourceList; readonly path: string },
): FieldError[] {
  const request = tryParseQuantity(text);
  const limit = Object.hasOwn(limits, name) ? tryParseQuantity(limits[name]!) : undefined;
  if (!request) return [];
  if (!limit) {
    return isOvercommitAllowed(name)
      ? []
      : [
          {
            ...invalidValue(path, '', 'Limit must be set for non overcommitable resources'),
            type: 'FieldValueRequired',
            message: 'Required value: Limit must be set for non overcommitable resources',
          },
        ];
  }
  if (!isOvercommitAllowed(name)) {
    return request.equals(limit) ? [] : [invalidValue(path, request.toString(), `must be equal to ${name} limit of ${limit.toString()}`)];
  }
  return request.compare(limit) > 0
    ? [invalidValue(path, request.toString(), `must be less than or equal to ${name} limit of ${limit.toString()}`)]
    : [];
}
