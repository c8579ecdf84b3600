/**
 * ReplicationController: a number of pods of one template, chosen by plain labels; what ReplicaSet was before it.
 * @source pkg/apis/core/v1/defaults.go, pkg/apis/core/validation/validation.go, pkg/registry/core/replicationcontroller/strategy.go, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { required } from '../../field-errors.ts';
import type { PodTemplateSpec, ReplicationController, ReplicationControllerSpec, ReplicationControllerStatus } from '../../gen/core-v1.ts';
import { corev1Resources } from '../../gen/resources.ts';
import { formatLabels, labelsMatcher } from '../../label-selector.ts';
import type { Draft } from '../../object.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { labelMismatch, nonNegativeErrors, validateEndlessTemplate } from '../apps/pod-template-rules.ts';
import { scaleSubresource } from '../apps/replica-columns.ts';
import { replicaStatusErrors } from '../apps/replica-status.ts';
import { defineResource, statusSubresource } from '../define-resource.ts';
import { ageColumn, column, containerColumns, nameColumn, wideColumn } from '../standard-columns.ts';
import { applyTemplateDefaults, dropDisabledTemplateFields } from './pod/template.ts';
import { validatePodTemplate } from './pod/validate-template.ts';
import { podTemplateWarnings, workloadNameWarnings } from './pod/warnings.ts';

export const replicationControllerResource: ResourceDefinition = defineResource<ReplicationController>({
  ref: corev1Resources.replicationcontrollers,
  shortNames: ['rc'],
  categories: ['all'],
  subresources: [
    statusSubresource<ReplicationController>({
      prepareForUpdate: (controller, old) => {
        controller.spec = old.spec as Draft<ReplicationControllerSpec>;
      },
      validateUpdate: ({ status }) => replicaStatusErrors(status),
    }),
    scaleSubresource<ReplicationController>(({ spec }) => labelsMatcher(spec.selector ?? {}).toString()),
  ],
  columns: [
    nameColumn,
    column('Desired', 'integer', 'How many pods there should be.', ({ spec }) => spec.replicas ?? 0),
    column('Current', 'integer', 'How many pods there are.', ({ status }) => status.replicas),
    column('Ready', 'integer', 'How many pods are ready.', ({ status }) => status.readyReplicas ?? 0),
    ageColumn,
    ...containerColumns<ReplicationController>(({ spec }) => spec.template?.spec?.containers),
    wideColumn('Selector', 'string', 'Which pods belong to it.', ({ spec }) => formatLabels(spec.selector)),
  ],
  selectableFields: { 'status.replicas': ({ status }) => String(status.replicas) },
  strategy: {
    applyDefaults: applyReplicationControllerDefaults,
    prepareForCreate: (controller, ctx) => {
      controller.status = { replicas: 0 };
      dropDisabledTemplateFields(controller.spec.template, undefined, ctx);
    },
    prepareForUpdate: (controller, old, ctx) => {
      controller.status = old.status as Draft<ReplicationControllerStatus>;
      dropDisabledTemplateFields(controller.spec.template, old.spec.template, ctx);
    },
    validate: validateReplicationController,
    validateUpdate: validateReplicationController,
    warnings: ({ metadata, spec }, old) => [
      ...(old ? [] : workloadNameWarnings(metadata.name ?? '')),
      ...(spec.template ? podTemplateWarnings(spec.template, old?.spec.template, 'spec.template') : []),
    ],
    orphansDependents: {},
  },
});

/** The labels of the template are the selector and the labels of whoever gives none of their own. */
function applyReplicationControllerDefaults(controller: Draft<ReplicationController>): void {
  controller.spec ??= {};
  controller.status ??= { replicas: 0 };
  // A counter without omitempty upstream: always printed.
  controller.status.replicas ??= 0;
  const { spec, metadata } = controller;
  spec.replicas ??= 1;
  if (!spec.template) return;
  const { labels } = (spec.template.metadata ??= {});
  if (labels) {
    if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
    if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
  }
  applyTemplateDefaults(spec.template);
}

function validateReplicationController({ spec }: ReplicationController): FieldError[] {
  const { selector = {}, template } = spec;
  const errors = nonNegativeErrors('spec.minReadySeconds', spec.minReadySeconds ?? 0);
  if (Object.keys(selector).length === 0) errors.push(required('spec.selector'));
  errors.push(...nonNegativeErrors('spec.replicas', spec.replicas ?? 0));
  if (template) validateTemplate(template, selector, errors);
  else errors.push(required('spec.template'));
  return errors;
}

function validateTemplate(template: PodTemplateSpec, selector: Readonly<Record<string, string>>, errors: FieldError[]): void {
  if (!labelsMatcher(selector).matches(template.metadata?.labels ?? {})) errors.push(labelMismatch(template));
  validatePodTemplate(template, 'spec.template', errors);
  validateEndlessTemplate(template, 'ReplicationController', errors);
}
