/**
 * DaemonSet: one pod of a template on each node that fits.
 * @source pkg/apis/apps/v1/{defaults,conversion}.go, pkg/apis/apps/validation/validation.go, pkg/registry/apps/daemonset/strategy.go, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { invalidValue, notSupported, required } from '../../field-errors.ts';
import type { DaemonSet, DaemonSetSpec, DaemonSetStatus, DaemonSetUpdateStrategy, RollingUpdateDaemonSet } from '../../gen/apps-v1.ts';
import { appsv1Resources } from '../../gen/resources.ts';
import { formatLabels } from '../../label-selector.ts';
import type { Draft } from '../../object.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { validateLabelSelector } from '../core/label-selector-rules.ts';
import { applyTemplateDefaults, dropDisabledTemplateFields } from '../core/pod/template.ts';
import { validatePodTemplate } from '../core/pod/validate-template.ts';
import { podTemplateWarnings, workloadNameWarnings } from '../core/pod/warnings.ts';
import { defineResource, statusSubresource } from '../define-resource.ts';
import { goStruct } from '../go-struct.ts';
import { immutableField, sameJson } from '../immutable.ts';
import { atMostAllErrors, intOrPercentErrors, plainValue } from '../int-or-percent-rules.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';
import {
  decrementErrors,
  isEmptySelector,
  labelMismatch,
  nonNegativeErrors,
  selectorMismatch,
  validateEndlessTemplate,
} from './pod-template-rules.ts';
import { templateColumns } from './replica-columns.ts';

/** How often the template changed: a field in APIs of old, which v1 shows as an annotation. */
const templateGeneration = 'deprecated.daemonset.template.generation';
/** Counters without omitempty upstream: always printed. */
const printedCounters = ['currentNumberScheduled', 'numberMisscheduled', 'desiredNumberScheduled', 'numberReady'] as const;

export const daemonSetResource: ResourceDefinition = defineResource<DaemonSet>({
  ref: appsv1Resources.daemonsets,
  shortNames: ['ds'],
  categories: ['all'],
  subresources: [
    statusSubresource<DaemonSet>({
      prepareForUpdate: (daemonSet, old) => {
        daemonSet.spec = old.spec as Draft<DaemonSetSpec>;
        setTemplateGeneration(daemonSet, templateGenerationOf(old));
      },
      validateUpdate: (daemonSet, old) => statusErrors(daemonSet.status, old.status),
    }),
  ],
  columns: [
    nameColumn,
    column('Desired', 'integer', 'How many nodes should have a pod.', ({ status }) => status.desiredNumberScheduled),
    column('Current', 'integer', 'How many nodes have one.', ({ status }) => status.currentNumberScheduled),
    column('Ready', 'integer', 'How many nodes have one that is ready.', ({ status }) => status.numberReady),
    column('Up-to-date', 'integer', 'How many nodes have one of the newest template.', ({ status }) => status.updatedNumberScheduled ?? 0),
    column('Available', 'integer', 'How many nodes have one that has been ready long enough.', ({ status }) => status.numberAvailable ?? 0),
    column('Node Selector', 'string', 'Which nodes get a pod.', ({ spec }) => formatLabels(spec.template.spec?.nodeSelector)),
    ageColumn,
    ...templateColumns<DaemonSet>(),
  ],
  strategy: {
    applyDefaults: applyDaemonSetDefaults,
    prepareForCreate: (daemonSet, ctx) => {
      daemonSet.status = noStatus();
      setTemplateGeneration(daemonSet, Math.max(templateGenerationOf(daemonSet), 1));
      dropDisabledTemplateFields(daemonSet.spec.template, undefined, ctx);
    },
    prepareForUpdate: (daemonSet, old, ctx) => {
      dropDisabledTemplateFields(daemonSet.spec.template, old.spec.template, ctx);
      daemonSet.status = old.status as Draft<DaemonSetStatus>;
      const changed = !sameJson(daemonSet.spec.template, old.spec.template);
      setTemplateGeneration(daemonSet, templateGenerationOf(old) + (changed ? 1 : 0));
    },
    validate: validateDaemonSet,
    validateUpdate: (daemonSet, old) => [
      ...validateDaemonSet(daemonSet),
      ...immutableField('spec.selector', daemonSet.spec.selector, old.spec.selector),
    ],
    warnings: ({ metadata, spec }, old) => [
      ...(old ? [] : workloadNameWarnings(metadata.name ?? '')),
      ...podTemplateWarnings(spec.template, old?.spec.template, 'spec.template'),
    ],
  },
});

function noStatus(): Draft<DaemonSetStatus> {
  return { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };
}

function templateGenerationOf({ metadata }: Pick<DaemonSet, 'metadata'>): number {
  const text = metadata.annotations?.[templateGeneration] ?? '';
  return /^-?[0-9]{1,15}$/.test(text) ? Number(text) : 0;
}

function setTemplateGeneration({ metadata }: Draft<DaemonSet>, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [templateGeneration]: String(generation) };
}

function applyDaemonSetDefaults(daemonSet: Draft<DaemonSet>): void {
  daemonSet.spec ??= {} as Draft<DaemonSetSpec>;
  daemonSet.status ??= noStatus();
  for (const counter of printedCounters) daemonSet.status[counter] ??= 0;
  const { spec } = daemonSet;
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ||= 'RollingUpdate';
  if (spec.updateStrategy.type === 'RollingUpdate') {
    const rolling = (spec.updateStrategy.rollingUpdate ??= {});
    rolling.maxUnavailable ??= 1;
    rolling.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= 10;
  spec.template ??= {};
  applyTemplateDefaults(spec.template);
}

function validateDaemonSet({ spec }: DaemonSet): FieldError[] {
  const { template } = spec;
  // Only the schema requires it.
  const selector = spec.selector as DaemonSetSpec['selector'] | undefined;
  const errors: FieldError[] = [];
  validateLabelSelector(selector, 'spec.selector', errors);
  if (!selector || selectorMismatch(selector, template) === 'labels') errors.push(labelMismatch(template));
  if (selector && isEmptySelector(selector)) {
    errors.push(invalidValue('spec.selector', selector, 'empty selector is invalid for daemonset'));
  }
  validatePodTemplate(template, 'spec.template', errors);
  validateEndlessTemplate(template, 'DaemonSet', errors);
  errors.push(...nonNegativeErrors('spec.minReadySeconds', spec.minReadySeconds ?? 0));
  validateUpdateStrategy(spec.updateStrategy ?? {}, errors);
  errors.push(...nonNegativeErrors('spec.revisionHistoryLimit', spec.revisionHistoryLimit ?? 0));
  return errors;
}

function validateUpdateStrategy(strategy: DaemonSetUpdateStrategy, errors: FieldError[]): void {
  if (strategy.type === 'RollingUpdate') {
    if (strategy.rollingUpdate) validateRollingUpdate(strategy.rollingUpdate, errors);
    else errors.push(required('spec.updateStrategy.rollingUpdate'));
  } else if (strategy.type !== 'OnDelete') {
    errors.push(notSupported('spec.updateStrategy', goStruct(strategy, ['type', 'rollingUpdate']), ['RollingUpdate', 'OnDelete']));
  }
}

/** Exactly one of the two is more than nothing. */
function validateRollingUpdate({ maxUnavailable = 0, maxSurge = 0 }: RollingUpdateDaemonSet, errors: FieldError[]): void {
  const [unavailable, surge] = ['maxUnavailable', 'maxSurge'].map((field) => `spec.updateStrategy.rollingUpdate.${field}`) as [
    string,
    string,
  ];
  errors.push(
    ...intOrPercentErrors(unavailable, maxUnavailable),
    ...intOrPercentErrors(surge, maxSurge),
    ...atMostAllErrors(unavailable, maxUnavailable),
    ...atMostAllErrors(surge, maxSurge),
  );
  const [hasUnavailable, hasSurge] = [plainValue(maxUnavailable) !== 0, plainValue(maxSurge) !== 0];
  if (hasUnavailable && hasSurge) errors.push(invalidValue(surge, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  else if (!hasUnavailable && !hasSurge) errors.push(required(unavailable, 'cannot be 0 when maxSurge is 0'));
}

function statusErrors(status: DaemonSetStatus, old: DaemonSetStatus): FieldError[] {
  const counters = [
    ...printedCounters,
    'observedGeneration',
    'updatedNumberScheduled',
    'numberAvailable',
    'numberUnavailable',
    'collisionCount',
  ] as const;
  return [
    ...counters.flatMap((counter) => nonNegativeErrors(`status.${counter}`, status[counter] ?? 0)),
    ...decrementErrors('status.collisionCount', status.collisionCount, old.collisionCount),
  ];
}
