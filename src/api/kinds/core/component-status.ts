/**
 * ComponentStatus: whether a part of the control plane answers. Made when somebody asks, stored nowhere; deprecated upstream, and
 * still what `kubectl get cs` shows.
 * @source pkg/registry/core/componentstatus/rest.go, pkg/printers/internalversion/printers.go, v1.35
 */
import type { ComponentCondition, ComponentStatus } from '../../gen/core-v1.ts';
import { corev1Resources } from '../../gen/resources.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { defineResource } from '../define-resource.ts';
import { column, nameColumn } from '../standard-columns.ts';

export const componentStatusResource: ResourceDefinition = defineResource<ComponentStatus>({
  ref: corev1Resources.componentstatuses,
  shortNames: ['cs'],
  verbs: ['get', 'list'],
  computed: true,
  deprecation: 'v1 ComponentStatus is deprecated in v1.19+',
  columns: [
    nameColumn,
    column('Status', 'string', 'Whether the component answers.', (status) => {
      const healthy = health(status);
      if (!healthy) return 'Unknown';
      return healthy.status === 'True' ? 'Healthy' : 'Unhealthy';
    }),
    column('Message', 'string', 'What it says.', (status) => health(status)?.message ?? ''),
    column('Error', 'string', 'What is wrong.', (status) => health(status)?.error ?? ''),
  ],
  strategy: { validate: () => [], validateUpdate: () => [] },
});

function health({ conditions = [] }: ComponentStatus): ComponentCondition | undefined {
  return conditions.find(({ type }) => type === 'Healthy');
}
