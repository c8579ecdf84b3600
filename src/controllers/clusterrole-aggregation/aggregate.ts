/** The rules that a cluster role gathers from those that its selectors name. Pure. */
import { labelSelectorMatcher, type rbacv1 } from '../../api/index.ts';
import { semanticEqual } from '../semantic-equal.ts';

/** Selector by selector, in the order of the roles' names, each rule once; never from itself. */
export function gatheredRules(
  { metadata, aggregationRule }: rbacv1.ClusterRole,
  roles: readonly rbacv1.ClusterRole[],
): readonly rbacv1.PolicyRule[] {
  const byName = roles.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const gathered: rbacv1.PolicyRule[] = [];
  for (const selector of aggregationRule?.clusterRoleSelectors ?? []) {
    const matcher = labelSelectorMatcher(selector);
    for (const role of byName) {
      if (role.metadata.name === metadata.name || !matcher.matches(role.metadata.labels)) continue;
      for (const rule of role.rules ?? []) if (!gathered.some((known) => semanticEqual(known, rule))) gathered.push(rule);
    }
  }
  return gathered;
}
