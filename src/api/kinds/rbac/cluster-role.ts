/** ClusterRole: what may be done everywhere, or in whichever namespace it is bound. @source pkg/registry/rbac/clusterrole/strategy.go, v1.35 */
import type { FieldError } from '../../errors.ts';
import { invalidValue, required } from '../../field-errors.ts';
import type { ClusterRole } from '../../gen/rbac-v1.ts';
import { rbacv1Resources } from '../../gen/resources.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { validateLabelSelector } from '../core/label-selector-rules.ts';
import { defineResource } from '../define-resource.ts';
import { nameIsPathSegment } from './bindings.ts';
import { validatePolicyRules } from './policy-rules.ts';

export const clusterRoleResource: ResourceDefinition = defineResource<ClusterRole>({
  ref: rbacv1Resources.clusterroles,
  // Upstream has no printer for the kind: name and time of creation.
  columns: [],
  strategy: {
    validateName: nameIsPathSegment,
    allowCreateOnUpdate: true,
    validate: validateClusterRole,
    validateUpdate: validateClusterRole,
  },
});

function validateClusterRole({ rules, aggregationRule }: ClusterRole): FieldError[] {
  const errors: FieldError[] = [];
  validatePolicyRules(rules, 'cluster', errors);
  if (!aggregationRule) return errors;
  const path = 'aggregationRule.clusterRoleSelectors';
  const selectors = aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0) errors.push(required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil'));
  for (const [i, selector] of selectors.entries()) {
    const before = errors.length;
    validateLabelSelector(selector, `${path}[${i}]`, errors);
    // Whatever is wrong with it, it can also not be made a selector of; upstream says so too, and shows the one that it has not got.
    if (errors.length > before) errors.push(invalidValue(`${path}[${i}]`, null, 'invalid label selector.'));
  }
  return errors;
}
