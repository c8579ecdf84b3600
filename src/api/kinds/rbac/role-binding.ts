/** RoleBinding: who has a role in its namespace. @source pkg/registry/rbac/rolebinding/strategy.go, v1.35 */
import type { RoleBinding } from '../../gen/rbac-v1.ts';
import { rbacv1Resources } from '../../gen/resources.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { defineResource } from '../define-resource.ts';
import { bindingColumns, bindingStrategy } from './bindings.ts';

export const roleBindingResource: ResourceDefinition = defineResource<RoleBinding>({
  ref: rbacv1Resources.rolebindings,
  columns: bindingColumns,
  strategy: bindingStrategy<RoleBinding>(['Role', 'ClusterRole']),
});
