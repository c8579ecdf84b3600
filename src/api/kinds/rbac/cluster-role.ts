/** ClusterRole: what may be done everywhere, or in whichever namespace it is bound. @source pkg/registry/rbac/clusterrole/strategy.go, v1.35 */
import type { FieldError } from '../../errors.ts';
import { required } from '../../field-errors.ts';
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
  for (const [i, selector] of selectors.entries()) validateLabelSelector(selector, `${path}[${i}]`, errors);
  return errors;
}
