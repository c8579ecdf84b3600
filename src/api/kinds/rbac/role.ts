/** Role: what may be done in one namespace. @source pkg/registry/rbac/role/strategy.go, v1.35 */
import type { FieldError } from '../../errors.ts';
import type { Role } from '../../gen/rbac-v1.ts';
import { rbacv1Resources } from '../../gen/resources.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { defineResource } from '../define-resource.ts';
import { nameIsPathSegment } from './bindings.ts';
import { validatePolicyRules } from './policy-rules.ts';

export const roleResource: ResourceDefinition = defineResource<Role>({
  ref: rbacv1Resources.roles,
  // Upstream has no printer for the kind: name and time of creation.
  columns: [],
  strategy: { validateName: nameIsPathSegment, allowCreateOnUpdate: true, validate: validateRole, validateUpdate: validateRole },
});

function validateRole({ rules }: Role): FieldError[] {
  const errors: FieldError[] = [];
  validatePolicyRules(rules, 'namespace', errors);
  return errors;
}
