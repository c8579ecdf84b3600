/**
 * Lists of resources (`{cpu: 100m}`) in objects: their canonical form, and the names that resources may have.
 * @source pkg/apis/core/v1/defaults.go SetDefaults_ResourceList and pkg/apis/core/helper, v1.35
 */
import { parseQuantity, QuantityError } from '../../quantity.ts';

type ResourceList = Readonly<Record<string, string>>;

/**
 * Writes each amount in its canonical text, nothing finer than a thousandth. What is not a quantity stays for validation to refuse.
 */
export function canonicalizeResources(list: Record<string, string> | undefined): void {
  if (!list) return;
  for (const name in list) {
    const text = list[name]!;
    const canonical = canonicalAmount(text);
    if (canonical !== text) list[name] = canonical;
  }
}

function canonicalAmount(text: string): string {
  try {
    return parseQuantity(text).roundUp(-3).toString();
  } catch (error) {
    if (error instanceof QuantityError) return text;
    throw error;
  }
}

/** `limits` and `requests` of one container or pod. */
export function canonicalizeRequirements(
  requirements: { limits?: Record<string, string>; requests?: Record<string, string> } | undefined,
): void {
  canonicalizeResources(requirements?.limits);
  canonicalizeResources(requirements?.requests);
}

/** Amounts that are not asked for are what is the limit. */
export function requestsFromLimits(requirements: { limits?: Record<string, string>; requests?: Record<string, string> } | undefined): void {
  const limits: ResourceList | undefined = requirements?.limits;
  if (!requirements || !limits) return;
  const requests = (requirements.requests ??= {});
  for (const name in limits) if (!Object.hasOwn(requests, name)) requests[name] = limits[name]!;
}

export function isHugePages(name: string): boolean {
  return name.startsWith('hugepages-');
}

/** Without a prefix, or with `kubernetes.io/` in it: resources that Kubernetes itself knows. */
export function isNativeResource(name: string): boolean {
  return !name.includes('/') || name.includes('kubernetes.io/');
}

/** More of it may be promised than there is. Extended resources and huge pages may not. */
export function isOvercommitAllowed(name: string): boolean {
  return isNativeResource(name) && !isHugePages(name);
}
