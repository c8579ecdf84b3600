/**
 * Namespace: a scope for names that is emptied before it goes. While `spec.finalizers` has an entry it is not removed; only the
 * `finalize` subresource changes that list.
 * @source pkg/registry/core/namespace/strategy.go and pkg/apis/core/validation/validation.go, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { invalidValue } from '../../field-errors.ts';
import type { Namespace } from '../../gen/core-v1.ts';
import { corev1Resources } from '../../gen/resources.ts';
import { nameIsDnsLabel, qualifiedNameErrors } from '../../names.ts';
import type { Draft } from '../../object.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { defineResource, statusSubresource } from '../define-resource.ts';
import { standardFinalizerErrors } from '../finalizer-rules.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';

/** Every namespace carries its own name as this label, so that selectors can name it. */
export const namespaceNameLabel = 'kubernetes.io/metadata.name';

export const namespaceResource: ResourceDefinition = defineResource<Namespace>({
  ref: corev1Resources.namespaces,
  shortNames: ['ns'],
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  subresources: [
    {
      name: 'finalize',
      verbs: ['update'],
      handler: 'status',
      strategy: {
        prepareForUpdate: (namespace, old) => {
          namespace.status = old.status as Draft<Namespace['status']>;
        },
        validateUpdate: (namespace) => finalizerErrors(namespace, (i) => `spec.finalizers[${i}]`),
      },
    },
    statusSubresource<Namespace>({
      prepareForUpdate: (namespace, old) => {
        namespace.spec = old.spec as Draft<Namespace['spec']>;
      },
      validateUpdate: phaseErrors,
    }),
  ],
  columns: [
    nameColumn,
    column('Status', 'string', 'Active, or Terminating while it is emptied.', ({ status }) => status.phase ?? ''),
    ageColumn,
  ],
  selectableFields: { 'status.phase': ({ status }) => status.phase ?? '' },
  strategy: {
    validateName: nameIsDnsLabel,
    applyDefaults: (namespace) => {
      namespace.spec ??= {};
      namespace.status ??= {};
      namespace.status.phase ||= 'Active';
      labelWithName(namespace);
    },
    prepareForCreate: (namespace) => {
      namespace.status = { phase: 'Active' };
      const finalizers = (namespace.spec.finalizers ??= []);
      if (!finalizers.includes('kubernetes')) finalizers.push('kubernetes');
      labelWithName(namespace);
    },
    prepareForUpdate: (namespace, old) => {
      namespace.spec.finalizers = [...(old.spec.finalizers ?? [])];
      namespace.status = old.status as Draft<Namespace['status']>;
    },
    // Upstream gives the index only when the list is written by itself.
    validate: (namespace) => finalizerErrors(namespace, () => 'spec.finalizers'),
    validateUpdate: () => [],
  },
});

function labelWithName({ metadata }: Draft<Namespace>): void {
  if (!metadata.name) return;
  metadata.labels ??= {};
  metadata.labels[namespaceNameLabel] = metadata.name;
}

function finalizerErrors({ spec }: Namespace, pathOf: (index: number) => string): FieldError[] {
  return (spec.finalizers ?? []).flatMap((finalizer, i) => [
    ...qualifiedNameErrors(finalizer).map((message) => invalidValue(pathOf(i), finalizer, message)),
    ...standardFinalizerErrors(finalizer, pathOf(i)),
  ]);
}

function phaseErrors({ metadata, status }: Namespace): FieldError[] {
  const phase = status.phase ?? '';
  if (metadata.deletionTimestamp === undefined) {
    return phase === 'Active' ? [] : [invalidValue('status.Phase', phase, "may only be 'Active' if `deletionTimestamp` is empty")];
  }
  return phase === 'Terminating'
    ? []
    : [invalidValue('status.Phase', phase, "may only be 'Terminating' if `deletionTimestamp` is not empty")];
}
