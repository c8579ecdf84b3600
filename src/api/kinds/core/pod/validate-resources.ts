/**
 * Validation of amounts of resources. @source pkg/apis/core/validation/validation.go ValidateContainerResourceRequirements, v1.35
 */
import type { FieldError } from '../../../errors.ts';
import { addInvalid, duplicate, forbidden, invalidValue, notFound, notSupported, required } from '../../../field-errors.ts';
import type { PodSpec, ResourceClaim, ResourceRequirements } from '../../../gen/core-v1.ts';
import { dns1123LabelErrors, qualifiedNameErrors } from '../../../names.ts';
import { containerTotal, isPodLevelResource } from '../../../pod-resources.ts';
import { parseQuantity, type Quantity, QuantityError, tryParseQuantity } from '../../../quantity.ts';
import { isHugePages, isNativeResource, isOvercommitAllowed } from '../resource-list.ts';

type ResourceList = Readonly<Record<string, string>>;

const countedNames = [
  'pods',
  'services',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
];
const containerNames = new Set(['cpu', 'memory', 'ephemeral-storage']);
const standardNames = new Set([
  ...containerNames,
  ...countedNames,
  'storage',
  ...['requests', 'limits'].flatMap((what) => [...containerNames, 'storage'].map((name) => `${what}.${name}`)),
]);
const wholeNames = new Set(countedNames);

/** What is wrong with one amount: not a quantity, negative, or a fraction of what comes only whole. */
export function resourceAmountErrors(name: string, text: string, path: string): FieldError[] {
  const amount = readAmount(text);
  if (typeof amount === 'string') return [invalidValue(path, text, amount)];
  const errors: FieldError[] = [];
  if (amount.sign < 0) errors.push(invalidValue(path, amount.toString(), 'must be greater than or equal to 0'));
  if ((wholeNames.has(name) || isExtendedResource(name)) && amount.scale < 0 && amount.milliValue() % 1000 !== 0) {
    errors.push(invalidValue(path, amount, 'must be an integer'));
  }
  return errors;
}

/** The amount, or why it is none. */
function readAmount(text: string): Quantity | string {
  try {
    return parseQuantity(text);
  } catch (error) {
    if (error instanceof QuantityError) return error.message;
    throw error;
  }
}

/** Qualified names, and those without a prefix that Kubernetes knows. */
export function resourceNameErrors(name: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  addInvalid(errors, path, name, qualifiedNameErrors(name));
  if (errors.length === 0 && !name.includes('/') && !standardNames.has(name) && !isHugePages(name)) {
    errors.push(invalidValue(path, name, 'must be a standard resource type or fully qualified'));
  }
  return errors;
}

/** Names that a container may ask for. */
export function containerResourceNameErrors(name: string, path: string): FieldError[] {
  if (containerNames.has(name)) return [];
  const errors = resourceNameErrors(name, path);
  if (!name.includes('/')) {
    if (!isHugePages(name)) errors.push(invalidValue(path, name, 'must be a standard resource for containers'));
  } else if (!isNativeResource(name) && !isExtendedResource(name)) {
    errors.push(invalidValue(path, name, "doesn't follow extended resource name standard"));
  }
  return errors;
}

/** Names that the pod as a whole may ask for. */
function podResourceNameErrors(name: string, path: string): FieldError[] {
  const errors = resourceNameErrors(name, path);
  if (errors.length > 0 || isPodLevelResource(name)) return errors;
  return [notSupported(path, name, ['cpu', 'hugepages-', 'memory'])];
}

/** A device or the like that someone else has named: it comes in whole pieces. */
export function isExtendedResource(name: string): boolean {
  return !isNativeResource(name) && !name.startsWith('requests.') && qualifiedNameErrors(`requests.${name}`).length === 0;
}

/** A list that stands alone, such as an overhead; checked as if it were limits. */
export function validateResourceList(list: ResourceList, path: string, errors: FieldError[]): void {
  validateRequirements({ limits: list }, { path, claimNames: new Set() }, errors);
}

interface RequirementsRule {
  readonly path: string;
  /** Names in the pod's `resourceClaims`. */
  readonly claimNames: ReadonlySet<string>;
  readonly nameErrors?: (name: string, path: string) => FieldError[];
}

/** Limits, requests and claims of a container (or of the pod). */
export function validateRequirements(
  { limits, requests, claims }: ResourceRequirements,
  rule: RequirementsRule,
  errors: FieldError[],
): void {
  const { path, nameErrors = containerResourceNameErrors } = rule;
  let [computes, hugePages] = [false, false];
  const check = (list: ResourceList, what: 'limits' | 'requests'): void => {
    for (const name in list) {
      const at = `${path}.${what}[${name}]`;
      errors.push(...nameErrors(name, at), ...resourceAmountErrors(name, list[name]!, at));
      if (what === 'requests') errors.push(...requestErrors(name, list[name]!, { limits, path }));
      if (isHugePages(name)) {
        hugePages = true;
        errors.push(...hugePageErrors(name, list[name]!, at));
      }
      if (name === 'cpu' || name === 'memory') computes = true;
    }
  };
  if (limits) check(limits, 'limits');
  if (requests) check(requests, 'requests');
  if (hugePages && !computes) errors.push(forbidden(path, 'HugePages require cpu or memory'));
  if (claims) validateClaims(claims, { path: `${path}.claims`, claimNames: rule.claimNames }, errors);
}

/** A request is not above its limit, and equals it where nothing can be overcommitted. */
function requestErrors(
  name: string,
  text: string,
  { limits, path }: { readonly limits: ResourceList | undefined; readonly path: string },
): FieldError[] {
  const request = tryParseQuantity(text);
  if (!request) return [];
  if (!limits || !Object.hasOwn(limits, name)) {
    return isOvercommitAllowed(name) ? [] : [required(`${path}.limits`, 'Limit must be set for non overcommitable resources')];
  }
  const limit = tryParseQuantity(limits[name]!);
  if (!limit) return [];
  const order = request.compare(limit);
  if (order !== 0 && !isOvercommitAllowed(name)) {
    return [invalidValue(`${path}.requests`, request.toString(), `must be equal to ${name} limit of ${limit.toString()}`)];
  }
  return order > 0
    ? [invalidValue(`${path}.requests`, request.toString(), `must be less than or equal to ${name} limit of ${limit.toString()}`)]
    : [];
}

function hugePageErrors(name: string, text: string, path: string): FieldError[] {
  const amount = tryParseQuantity(text);
  const page = tryParseQuantity(name.slice('hugepages-'.length));
  if (!amount) return [];
  const divisible = page && page.sign > 0 && page.milliValue() % 1000 === 0 && amount.value() % page.value() === 0;
  return divisible ? [] : [invalidValue(path, amount.toString(), `${amount.toString()} is not positive integer multiple of ${name}`)];
}

function validateClaims(
  claims: readonly ResourceClaim[],
  rule: { readonly path: string; readonly claimNames: ReadonlySet<string> },
  errors: FieldError[],
): void {
  const { claimNames } = rule;
  const seen = new Set<string>();
  for (const [i, { name, request }] of claims.entries()) {
    const path = `${rule.path}[${i}]`;
    if (!name) {
      errors.push(required(path));
      continue;
    }
    const key = request ? `${name}/${request}` : name;
    if (seen.has(name)) errors.push(duplicate(path, name));
    else {
      if (request) addInvalid(errors, `${path}.request`, request, dns1123LabelErrors(request));
      if (seen.has(key)) errors.push(duplicate(path, key));
      else if (!request && [...seen].some((one) => one.startsWith(`${name}/`))) errors.push(duplicate(path, name));
      seen.add(key);
    }
    if (!claimNames.has(name)) {
      const known = claimNames.size === 0 ? ' which is empty' : `: ${[...claimNames].sort().join(', ')}`;
      const fault = notFound(path, name);
      errors.push({ ...fault, message: `${fault.message}: must be one of the names in pod.spec.resourceClaims${known}` });
    }
  }
}

/** Resources of the pod as a whole cover those of its containers. */
export function validatePodLevelResources(spec: PodSpec, path: string, errors: FieldError[]): void {
  const { resources } = spec;
  if (!resources) return;
  if (spec.os?.name === 'windows') {
    errors.push(forbidden(path, 'may not be set for a windows pod'));
    return;
  }
  if (resources.claims !== undefined) errors.push(forbidden(`${path}.claims`, 'claims may not be set for Resources at pod-level'));
  validateRequirements(resources, { path, claimNames: new Set(), nameErrors: podResourceNameErrors }, errors);
  // What the pod as a whole does not name is left to the containers.
  for (const what of ['requests', 'limits'] as const) {
    for (const [name, sum] of containerTotal({ spec }, what)) {
      const own = tryParseQuantity(resources[what]?.[name] ?? '');
      if (!own || sum.compare(own) <= 0 || (what === 'limits' && !isHugePages(name))) continue;
      const detail = `must be greater than or equal to aggregate container ${what} of ${sum.toString()}`;
      errors.push(invalidValue(`${path}.${what}[${name}]`, own.toString(), detail));
    }
  }
  for (const [i, container] of (spec.containers ?? []).entries()) {
    for (const [name, text] of Object.entries(container.resources?.limits ?? {})) {
      const [limit, own] = [tryParseQuantity(text), tryParseQuantity(resources.limits?.[name] ?? '')];
      if (limit && own && limit.compare(own) > 0) {
        const detail = `must be less than or equal to pod limits of ${own.toString()}`;
        errors.push(invalidValue(`${path}.containers[${i}][${name}].limits`, limit.toString(), detail));
      }
    }
  }
}
