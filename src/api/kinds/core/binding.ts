/** Binding: tells the API server which node a pod goes to. Only created, never stored. @source pkg/registry/core/pod/storage, v1.35 */
import type { FieldError } from '../../errors.ts';
import { notSupported, required } from '../../field-errors.ts';
import type { Binding } from '../../gen/core-v1.ts';
import { corev1Resources } from '../../gen/resources.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { defineResource } from '../define-resource.ts';
import { nameColumn } from '../standard-columns.ts';

export const bindingResource: ResourceDefinition = defineResource<Binding>({
  ref: corev1Resources.bindings,
  verbs: ['create'],
  columns: [nameColumn],
  strategy: { validate: validateBinding, validateUpdate: () => [] },
});

/** What is wrong with a request to bind a pod, here and at `pods/{name}/binding`. */
export function validateBinding({ target }: Binding): FieldError[] {
  const errors: FieldError[] = [];
  if (target?.kind && target.kind !== 'Node') errors.push(notSupported('target.kind', target.kind, ['Node', '<empty>']));
  if (!target?.name) errors.push(required('target.name'));
  return errors;
}
