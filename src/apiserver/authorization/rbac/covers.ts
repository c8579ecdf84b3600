/**
 * Whether some rules give everything that others give, and what is missing. Rules are broken into their smallest parts, since a part
 * is covered by one rule or by none.
 * @source component-helpers auth/rbac/validation/rule_evaluation.go; pkg/registry/rbac/validation/policy_compact.go, v1.35
 */
import { goQuote, type rbacv1 } from '../../../api/index.ts';

type PolicyRule = rbacv1.PolicyRule;

/** The parts of `wanted` that `held` does not give. */
export function missingRules(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(atomicRules).filter((part) => !held.some((rule) => covers(rule, part)));
}

/** Each with one verb of one resource (and name), or of one path. */
function atomicRules({ verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: PolicyRule): PolicyRule[] {
  const parts: PolicyRule[] = [];
  for (const group of apiGroups) {
    for (const resource of resources) {
      for (const verb of verbs) {
        const part = { apiGroups: [group], resources: [resource], verbs: [verb] };
        if (resourceNames.length === 0) parts.push(part);
        for (const name of resourceNames) parts.push({ ...part, resourceNames: [name] });
      }
    }
  }
  for (const url of nonResourceURLs) for (const verb of verbs) parts.push({ nonResourceURLs: [url], verbs: [verb] });
  return parts;
}

/** @param part an atomic rule */
function covers(rule: PolicyRule, part: PolicyRule): boolean {
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  if (!hasOrAll(verbs, part.verbs[0]!)) return false;
  const url = part.nonResourceURLs?.[0];
  if (url !== undefined)
    return nonResourceURLs.some((own) => own === url || (own.endsWith('*') && url.startsWith(own.replace(/\*+$/, ''))));
  const name = part.resourceNames?.[0];
  return (
    hasOrAll(apiGroups, part.apiGroups![0]!) &&
    coversResource(resources, part.resources![0]!) &&
    (resourceNames.length === 0 || (name !== undefined && resourceNames.includes(name)))
  );
}

function coversResource(resources: readonly string[], resource: string): boolean {
  if (hasOrAll(resources, resource)) return true;
  const slash = resource.indexOf('/');
  return slash >= 0 && resources.includes(`*${resource.slice(slash)}`);
}

function hasOrAll(values: readonly string[], value: string): boolean {
  return values.includes('*') || values.includes(value);
}

/** Atomic rules of one resource (and name) as one rule with all their verbs; the others as they are, first. */
export function compactRules(rules: readonly PolicyRule[]): PolicyRule[] {
  const others: PolicyRule[] = [];
  const byResource = new Map<string, PolicyRule>();
  for (const rule of rules) {
    const { apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
    if (apiGroups.length !== 1 || resources.length !== 1 || resourceNames.length > 1 || nonResourceURLs.length > 0) {
      others.push(rule);
      continue;
    }
    const key = JSON.stringify([apiGroups, resources, resourceNames]);
    const known = byResource.get(key);
    byResource.set(key, known ? { ...known, verbs: [...new Set([...known.verbs, ...rule.verbs])] } : rule);
  }
  return [...others, ...byResource.values()];
}

/** A rule as messages write it: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`. */
export function formatRule({ verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: PolicyRule): string {
  const parts = [
    ['APIGroups', apiGroups],
    ['Resources', resources],
    ['NonResourceURLs', nonResourceURLs],
    ['ResourceNames', resourceNames],
    ['Verbs', verbs],
  ] as const;
  const shown = parts.filter(([, values]) => values.length > 0).map(([name, values]) => `${name}:${goQuotedList(values)}`);
  return `{${shown.join(', ')}}`;
}

/** Go's `%q` of a list of texts. */
export function goQuotedList(values: readonly string[]): string {
  return `[${values.map(goQuote).join(' ')}]`;
}
