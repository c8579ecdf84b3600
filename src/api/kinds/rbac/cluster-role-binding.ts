/** ClusterRoleBinding: who has a role everywhere. @source pkg/registry/rbac/clusterrolebinding/strategy.go, v1.35 */
import type { ClusterRoleBinding } from '../../gen/rbac-v1.ts';
import { rbacv1Resources } from '../../gen/resources.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { defineResource } from '../define-resource.ts';
import { bindingColumns, bindingStrategy } from './bindings.ts';

export const clusterRoleBindingResource: ResourceDefinition = defineResource<ClusterRoleBinding>({
  ref: rbacv1Resources.clusterrolebindings,
  columns: bindingColumns,
  strategy: bindingStrategy<ClusterRoleBinding>(['ClusterRole']),
});
