/**
 * Arithmetic on lists of resources, as quotas count: every name by itself, exact, and in the format of what was there first.
 * @source apiserver pkg/quota/v1/resources.go, v1.35
 */
import type { ResourceAmounts } from '../pod-resources.ts';
import { type Quantity, tryParseQuantity, zeroQuantity } from '../quantity.ts';

type ResourceList = Readonly<Record<string, string>>;

/** What is no quantity counts as nothing: validation has refused such an object, or will. */
export function readAmounts(list: ResourceList | undefined): ResourceAmounts {
  return new Map(Object.entries(list ?? {}).map(([name, text]) => [name, tryParseQuantity(text) ?? zeroQuantity]));
}

export function writeAmounts(amounts: ResourceAmounts): Record<string, string> {
  return Object.fromEntries([...amounts].map(([name, amount]) => [name, amount.toString()]));
}

export function addAmounts(a: ResourceAmounts, b: ResourceAmounts): ResourceAmounts {
  const sum = new Map(a);
  for (const [name, amount] of b) sum.set(name, sum.get(name)?.add(amount) ?? amount);
  return sum;
}

/** How much more `now` is than `before`; what became less has not grown. */
export function growth(now: ResourceAmounts, before: ResourceAmounts): ResourceAmounts {
  const more: ResourceAmounts = new Map();
  for (const [name, amount] of now) {
    const old = before.get(name);
    const difference = old ? amount.subtract(old) : amount;
    if (difference.sign > 0) more.set(name, difference);
  }
  return more;
}

export function withoutZeros(amounts: ResourceAmounts): ResourceAmounts {
  return new Map([...amounts].filter(([, amount]) => !amount.isZero));
}

/** Only the named resources. */
export function pickAmounts(amounts: ResourceAmounts, names: { has(name: string): boolean }): ResourceAmounts {
  return new Map([...amounts].filter(([name]) => names.has(name)));
}

export function sameAmounts(a: ResourceAmounts, b: ResourceAmounts): boolean {
  return a.size === b.size && [...a].every(([name, amount]) => b.get(name)?.equals(amount) ?? false);
}

/** Names of which there is more than is allowed; what has no limit is not among them. */
export function exceededNames(amounts: ResourceAmounts, limits: ResourceAmounts): Set<string> {
  const isAbove = (amount: Quantity, limit: Quantity | undefined): boolean => limit !== undefined && amount.compare(limit) > 0;
  return new Set([...amounts].filter(([name, amount]) => isAbove(amount, limits.get(name))).map(([name]) => name));
}

/** Such as `cpu=2,pods=1`, in order. */
export function formatAmounts(amounts: ResourceAmounts): string {
  return [...amounts.keys()]
    .sort()
    .map((name) => `${name}=${amounts.get(name)!.toString()}`)
    .join(',');
}
