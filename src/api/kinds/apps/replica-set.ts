/**
 * ReplicaSet: a number of pods of one template. @source pkg/apis/apps/validation/validation.go,
 * pkg/registry/apps/replicaset/strategy.go, v1.35
 */
import type { FieldError } from '../../errors.ts';
import type { ReplicaSet, ReplicaSetSpec, ReplicaSetStatus } from '../../gen/apps-v1.ts';
import { appsv1Resources } from '../../gen/resources.ts';
import type { Draft } from '../../object.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { applyTemplateDefaults, dropDisabledTemplateFields } from '../core/pod/template.ts';
import { podTemplateWarnings, workloadNameWarnings } from '../core/pod/warnings.ts';
import { defineResource, statusSubresource } from '../define-resource.ts';
import { immutableField } from '../immutable.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';
import { nonNegativeErrors, validateSelectorAndTemplate } from './pod-template-rules.ts';
import { scaleSubresource, selectorText, templateColumns } from './replica-columns.ts';
import { replicaStatusErrors } from './replica-status.ts';

export const replicaSetResource: ResourceDefinition = defineResource<ReplicaSet>({
  ref: appsv1Resources.replicasets,
  shortNames: ['rs'],
  categories: ['all'],
  subresources: [
    statusSubresource<ReplicaSet>({
      prepareForUpdate: (replicaSet, old) => {
        replicaSet.spec = old.spec as Draft<ReplicaSetSpec>;
      },
      validateUpdate: ({ status }) => replicaStatusErrors(status),
    }),
    scaleSubresource<ReplicaSet>(selectorText),
  ],
  columns: [
    nameColumn,
    column('Desired', 'integer', 'How many pods there should be.', ({ spec }) => spec.replicas ?? 0),
    column('Current', 'integer', 'How many pods there are.', ({ status }) => status.replicas ?? 0),
    column('Ready', 'integer', 'How many pods are ready.', ({ status }) => status.readyReplicas ?? 0),
    ageColumn,
    ...templateColumns<ReplicaSet>(),
  ],
  selectableFields: { 'status.replicas': ({ status }) => String(status.replicas ?? 0) },
  strategy: {
    applyDefaults: (replicaSet) => {
      replicaSet.spec ??= {} as Draft<ReplicaSetSpec>;
      replicaSet.status ??= { replicas: 0 };
      // A counter without omitempty upstream: always printed.
      replicaSet.status.replicas ??= 0;
      replicaSet.spec.replicas ??= 1;
      replicaSet.spec.template ??= {};
      applyTemplateDefaults(replicaSet.spec.template);
    },
    prepareForCreate: (replicaSet, ctx) => {
      replicaSet.status = { replicas: 0 };
      dropDisabledTemplateFields(replicaSet.spec.template, undefined, ctx);
    },
    prepareForUpdate: (replicaSet, old, ctx) => {
      replicaSet.status = old.status as Draft<ReplicaSetStatus>;
      dropDisabledTemplateFields(replicaSet.spec.template, old.spec.template, ctx);
    },
    validate: validateReplicaSet,
    validateUpdate: (replicaSet, old) => [
      ...validateReplicaSet(replicaSet),
      ...immutableField('spec.selector', replicaSet.spec.selector, old.spec.selector),
    ],
    warnings: (replicaSet, old) => [
      ...(old ? [] : workloadNameWarnings(replicaSet.metadata.name ?? '')),
      ...(replicaSet.spec.template ? podTemplateWarnings(replicaSet.spec.template, old?.spec.template, 'spec.template') : []),
    ],
  },
});

function validateReplicaSet({ spec }: ReplicaSet): FieldError[] {
  const errors = [
    ...nonNegativeErrors('spec.replicas', spec.replicas ?? 0),
    ...nonNegativeErrors('spec.minReadySeconds', spec.minReadySeconds ?? 0),
  ];
  validateSelectorAndTemplate({ spec, selectorName: 'deployment' }, errors);
  return errors;
}
