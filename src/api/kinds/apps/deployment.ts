/**
 * Deployment: replicas of a pod template, rolled out and back. @source pkg/apis/apps/v1/defaults.go,
 * pkg/apis/apps/validation/validation.go, pkg/registry/apps/deployment/strategy.go, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { invalidValue, notSupported, required, forbidden } from '../../field-errors.ts';
import type { Deployment, DeploymentSpec, DeploymentStatus, RollingUpdateDeployment } from '../../gen/apps-v1.ts';
import { appsv1Resources } from '../../gen/resources.ts';
import type { Draft } from '../../object.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { applyTemplateDefaults, dropDisabledTemplateFields } from '../core/pod/template.ts';
import { podTemplateWarnings, workloadNameWarnings } from '../core/pod/warnings.ts';
import { defineResource, statusSubresource } from '../define-resource.ts';
import { goStruct } from '../go-struct.ts';
import { immutableField } from '../immutable.ts';
import { atMostAllErrors, intOrPercentErrors, plainValue } from '../int-or-percent-rules.ts';
import { assignOrDelete } from '../keep.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';
import { decrementErrors, nonNegativeErrors, validateSelectorAndTemplate } from './pod-template-rules.ts';
import { scaleSubresource, selectorText, templateColumns } from './replica-columns.ts';

export const deploymentResource: ResourceDefinition = defineResource<Deployment>({
  ref: appsv1Resources.deployments,
  shortNames: ['deploy'],
  categories: ['all'],
  subresources: [
    statusSubresource<Deployment>({
      resetFields: ['spec', 'metadata.labels'],
      prepareForUpdate: (deployment, old) => {
        deployment.spec = old.spec as Draft<DeploymentSpec>;
        assignOrDelete(deployment.metadata, 'labels', old.metadata.labels);
      },
      validateUpdate: (deployment, old) => statusErrors(deployment.status, old.status),
    }),
    scaleSubresource<Deployment>(selectorText),
  ],
  columns: [
    nameColumn,
    column(
      'Ready',
      'string',
      'How many pods are ready, of how many.',
      ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    ),
    column('Up-to-date', 'string', 'How many pods have the newest template.', ({ status }) => status.updatedReplicas ?? 0),
    column('Available', 'string', 'How many pods have been ready long enough.', ({ status }) => status.availableReplicas ?? 0),
    ageColumn,
    ...templateColumns<Deployment>(),
  ],
  strategy: {
    applyDefaults: applyDeploymentDefaults,
    prepareForCreate: (deployment, ctx) => {
      deployment.status = {};
      dropDisabledTemplateFields(deployment.spec.template, undefined, ctx);
    },
    prepareForUpdate: (deployment, old, ctx) => {
      deployment.status = old.status as Draft<DeploymentStatus>;
      dropDisabledTemplateFields(deployment.spec.template, old.spec.template, ctx);
    },
    validate: validateDeployment,
    validateUpdate: (deployment, old) => [
      ...validateDeployment(deployment),
      ...immutableField('spec.selector', deployment.spec.selector, old.spec.selector),
    ],
    warnings: (deployment, old) => [
      ...(old ? [] : workloadNameWarnings(deployment.metadata.name ?? '')),
      ...podTemplateWarnings(deployment.spec.template, old?.spec.template, 'spec.template'),
    ],
  },
});

function applyDeploymentDefaults(deployment: Draft<Deployment>): void {
  deployment.spec ??= {} as Draft<DeploymentSpec>;
  deployment.status ??= {};
  const { spec } = deployment;
  spec.replicas ??= 1;
  spec.strategy ??= {};
  spec.strategy.type ||= 'RollingUpdate';
  if (spec.strategy.type === 'RollingUpdate') {
    const rolling = (spec.strategy.rollingUpdate ??= {});
    rolling.maxUnavailable ??= '25%';
    rolling.maxSurge ??= '25%';
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
  spec.template ??= {};
  applyTemplateDefaults(spec.template);
}

function validateDeployment({ spec }: Deployment): FieldError[] {
  const errors = nonNegativeErrors('spec.replicas', spec.replicas ?? 0);
  validateSelectorAndTemplate({ spec, selectorName: 'deployment' }, errors);
  errors.push(...strategyErrors(spec));
  errors.push(...nonNegativeErrors('spec.minReadySeconds', spec.minReadySeconds ?? 0));
  if (spec.revisionHistoryLimit !== undefined) errors.push(...nonNegativeErrors('spec.revisionHistoryLimit', spec.revisionHistoryLimit));
  if (spec.progressDeadlineSeconds !== undefined) {
    errors.push(...nonNegativeErrors('spec.progressDeadlineSeconds', spec.progressDeadlineSeconds));
    if (spec.progressDeadlineSeconds <= (spec.minReadySeconds ?? 0)) {
      errors.push(invalidValue('spec.progressDeadlineSeconds', spec.progressDeadlineSeconds, 'must be greater than minReadySeconds'));
    }
  }
  return errors;
}

function strategyErrors({ strategy }: DeploymentSpec): FieldError[] {
  switch (strategy?.type ?? '') {
    case 'Recreate':
      return strategy?.rollingUpdate
        ? [forbidden('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'")]
        : [];
    case 'RollingUpdate':
      return strategy?.rollingUpdate
        ? rollingUpdateErrors(strategy.rollingUpdate)
        : [required('spec.strategy.rollingUpdate', 'this should be defaulted and never be nil')];
    default:
      return [notSupported('spec.strategy', goStruct(strategy ?? {}, ['type', 'rollingUpdate']), ['Recreate', 'RollingUpdate'])];
  }
}

function rollingUpdateErrors({ maxUnavailable = 0, maxSurge = 0 }: RollingUpdateDeployment): FieldError[] {
  const path = 'spec.strategy.rollingUpdate';
  const errors = [...intOrPercentErrors(`${path}.maxUnavailable`, maxUnavailable), ...intOrPercentErrors(`${path}.maxSurge`, maxSurge)];
  if (plainValue(maxUnavailable) === 0 && plainValue(maxSurge) === 0) {
    errors.push(invalidValue(`${path}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
  }
  return errors.concat(atMostAllErrors(`${path}.maxUnavailable`, maxUnavailable));
}

function statusErrors(status: DeploymentStatus, old: DeploymentStatus): FieldError[] {
  const {
    observedGeneration = 0,
    replicas = 0,
    updatedReplicas = 0,
    readyReplicas = 0,
    availableReplicas = 0,
    unavailableReplicas = 0,
  } = status;
  const errors = [
    ...nonNegativeErrors('status.observedGeneration', observedGeneration),
    ...nonNegativeErrors('status.replicas', replicas),
    ...nonNegativeErrors('status.updatedReplicas', updatedReplicas),
    ...nonNegativeErrors('status.readyReplicas', readyReplicas),
    ...nonNegativeErrors('status.availableReplicas', availableReplicas),
    ...nonNegativeErrors('status.unavailableReplicas', unavailableReplicas),
  ];
  if (status.terminatingReplicas !== undefined) errors.push(...nonNegativeErrors('status.terminatingReplicas', status.terminatingReplicas));
  if (status.collisionCount !== undefined) errors.push(...nonNegativeErrors('status.collisionCount', status.collisionCount));
  const tooMany = 'cannot be greater than status.replicas';
  if (updatedReplicas > replicas) errors.push(invalidValue('status.updatedReplicas', updatedReplicas, tooMany));
  if (readyReplicas > replicas) errors.push(invalidValue('status.readyReplicas', readyReplicas, tooMany));
  if (availableReplicas > replicas) errors.push(invalidValue('status.availableReplicas', availableReplicas, tooMany));
  if (availableReplicas > readyReplicas) {
    errors.push(invalidValue('status.availableReplicas', availableReplicas, 'cannot be greater than readyReplicas'));
  }
  return errors.concat(decrementErrors('status.collisionCount', status.collisionCount, old.collisionCount));
}
