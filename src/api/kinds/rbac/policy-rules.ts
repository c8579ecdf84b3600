/** What holds for the rules of a role, wherever it lives. @source pkg/apis/rbac/validation/validation.go, v1.35 */
import type { FieldError } from '../../errors.ts';
import { invalidValue, required } from '../../field-errors.ts';
import type { PolicyRule } from '../../gen/rbac-v1.ts';

/** @param scope a namespaced role cannot speak of paths */
export function validatePolicyRules(rules: readonly PolicyRule[] | undefined, scope: 'namespace' | 'cluster', errors: FieldError[]): void {
  for (const [i, rule] of (rules ?? []).entries()) validatePolicyRule(rule, `rules[${i}]`, scope, errors);
}

function validatePolicyRule(
  { verbs, nonResourceURLs = [], apiGroups = [], resources = [], resourceNames = [] }: PolicyRule,
  path: string,
  scope: 'namespace' | 'cluster',
  errors: FieldError[],
): void {
  if (!verbs?.length) errors.push(required(`${path}.verbs`, 'verbs must contain at least one value'));
  if (nonResourceURLs.length > 0) {
    const at = `${path}.nonResourceURLs`;
    if (scope === 'namespace') errors.push(invalidValue(at, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'));
    if (apiGroups.length + resources.length + resourceNames.length > 0) {
      errors.push(invalidValue(at, nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'));
    }
    return;
  }
  if (apiGroups.length === 0) errors.push(required(`${path}.apiGroups`, 'resource rules must supply at least one api group'));
  if (resources.length === 0) errors.push(required(`${path}.resources`, 'resource rules must supply at least one resource'));
}
