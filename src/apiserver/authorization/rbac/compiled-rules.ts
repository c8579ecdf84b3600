/**
 * The rules that a subject has in one scope, arranged so that a check looks only at those that speak of what is asked for. Made when
 * the subject is first asked about, thrown away when one of its roles or bindings changes.
 * @source pkg/apis/rbac/v1/evaluation_helpers.go, v1.35
 */
import type { rbacv1 } from '../../../api/index.ts';
import type { Access, Verdict } from '../authorizer.ts';

interface CompiledRule {
  /** Undefined: any. */
  readonly verbs: readonly string[] | undefined;
  readonly groups: readonly string[] | undefined;
  readonly names: readonly string[] | undefined;
  /** What a check that this rule allows answers. */
  readonly verdict: Verdict;
}

/** Tells which verdict allows an access, undefined when none does. */
export class CompiledRules {
  /** By resource or `resource/subresource`. */
  readonly #byResource = new Map<string, CompiledRule[]>();
  /** Of `*\/subresource`. */
  readonly #bySubresource = new Map<string, CompiledRule[]>();
  readonly #anyResource: CompiledRule[] = [];
  readonly #byPath = new Map<string, CompiledRule[]>();
  readonly #byPathPrefix: { readonly prefix: string; readonly rule: CompiledRule }[] = [];

  add(policyRule: rbacv1.PolicyRule, verdict: Verdict): void {
    const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = policyRule;
    const rule = {
      verbs: verbs.includes('*') ? undefined : verbs,
      groups: apiGroups.includes('*') ? undefined : apiGroups,
      names: resourceNames.length === 0 ? undefined : resourceNames,
      verdict,
    };
    if (resources.includes('*')) this.#anyResource.push(rule);
    for (const resource of resources) {
      append(this.#byResource, resource, rule);
      if (resource.startsWith('*/')) append(this.#bySubresource, resource.slice(2), rule);
    }
    for (const url of nonResourceURLs) {
      append(this.#byPath, url, rule);
      if (url.endsWith('*')) this.#byPathPrefix.push({ prefix: url.replace(/\*+$/, ''), rule });
    }
  }

  /** @param combined the resource with its subresource, such as `pods/log` */
  find(access: Access, combined: string): Verdict | undefined {
    if (!access.isResourceRequest) return this.#findPath(access);
    return (
      firstAllowing(this.#anyResource, access) ??
      firstAllowing(this.#byResource.get(combined), access) ??
      (access.subresource === '' ? undefined : firstAllowing(this.#bySubresource.get(access.subresource), access))
    );
  }

  #findPath({ path, verb }: Access): Verdict | undefined {
    for (const rule of this.#byPath.get(path) ?? []) if (includes(rule.verbs, verb)) return rule.verdict;
    for (const { prefix, rule } of this.#byPathPrefix) if (path.startsWith(prefix) && includes(rule.verbs, verb)) return rule.verdict;
    return undefined;
  }
}

function append(map: Map<string, CompiledRule[]>, key: string, rule: CompiledRule): void {
  const rules = map.get(key);
  if (rules) rules.push(rule);
  else map.set(key, [rule]);
}

function firstAllowing(rules: readonly CompiledRule[] | undefined, { verb, apiGroup, name }: Access): Verdict | undefined {
  if (!rules) return undefined;
  for (const rule of rules) {
    if (includes(rule.verbs, verb) && includes(rule.groups, apiGroup) && includes(rule.names, name)) return rule.verdict;
  }
  return undefined;
}

function includes(values: readonly string[] | undefined, value: string): boolean {
  return values === undefined || values.includes(value);
}
