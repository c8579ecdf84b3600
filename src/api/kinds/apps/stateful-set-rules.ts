/**
 * Validation of StatefulSets: what their spec may hold, the few fields that change, and what their controller writes.
 * @source pkg/apis/apps/validation/validation.go ValidateStatefulSetSpec, ValidateStatefulSetUpdate, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { addInvalid, addUnsupported, forbidden, invalidValue, required } from '../../field-errors.ts';
import type { RollingUpdateStatefulSetStrategy, StatefulSet, StatefulSetSpec, StatefulSetStatus } from '../../gen/apps-v1.ts';
import type { PodTemplateSpec } from '../../gen/core-v1.ts';
import { dns1123LabelErrors } from '../../names.ts';
import { validateClaimSpec } from '../core/claim-spec-rules.ts';
import { validateLabelSelector } from '../core/label-selector-rules.ts';
import { validatePodTemplate } from '../core/pod/validate-template.ts';
import { goStruct } from '../go-struct.ts';
import { sameJson } from '../immutable.ts';
import { atMostAllErrors, intOrPercentErrors, plainValue } from '../int-or-percent-rules.ts';
import {
  decrementErrors,
  isEmptySelector,
  labelMismatch,
  nonNegativeErrors,
  selectorMismatch,
  validateEndlessTemplate,
} from './pod-template-rules.ts';

type Spec = StatefulSetSpec;

/** As the message about other fields lists them. */
const mutableFields = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const;

export function validateStatefulSet({ spec }: StatefulSet): FieldError[] {
  const errors = specErrors(spec);
  if (spec.serviceName) addInvalid(errors, 'spec.serviceName', spec.serviceName, dns1123LabelErrors(spec.serviceName));
  return errors.concat(podErrors(spec));
}

export function validateStatefulSetUpdate({ spec }: StatefulSet, old: StatefulSet): FieldError[] {
  const errors = specErrors(spec);
  // Pods that were never valid may stay so.
  if (podErrors(old.spec).length === 0) errors.push(...podErrors(spec));
  if (!sameJson(fixedPart(spec), fixedPart(old.spec))) {
    const named = mutableFields.map((field) => `'${field}'`);
    const list = `${named.slice(0, -1).join(', ')} and ${named.at(-1)!}`;
    errors.push(forbidden('spec', `updates to statefulset spec for fields other than ${list} are forbidden`));
  }
  return errors;
}

function fixedPart(spec: Spec): Partial<Spec> {
  return Object.fromEntries(Object.entries(spec).filter(([field]) => !mutableFields.some((one) => one === field)));
}

function specErrors(spec: Spec): FieldError[] {
  const errors: FieldError[] = [];
  const policy = spec.podManagementPolicy ?? '';
  if (policy === '') errors.push(required('spec.podManagementPolicy'));
  else if (policy !== 'OrderedReady' && policy !== 'Parallel') {
    errors.push(invalidValue('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'"));
  }
  validateUpdateStrategy(spec, errors);
  for (const when of ['whenDeleted', 'whenScaled'] as const) {
    const path = `spec.persistentVolumeClaimRetentionPolicy.${when}`;
    if (spec.persistentVolumeClaimRetentionPolicy) {
      addUnsupported(errors, path, spec.persistentVolumeClaimRetentionPolicy[when] ?? '', ['Retain', 'Delete']);
    }
  }
  errors.push(
    ...nonNegativeErrors('spec.replicas', spec.replicas ?? 0),
    ...nonNegativeErrors('spec.minReadySeconds', spec.minReadySeconds ?? 0),
    ...nonNegativeErrors('spec.ordinals.start', spec.ordinals?.start ?? 0),
  );
  validateSelector(spec, errors);
  validateEndlessTemplate(spec.template, 'StatefulSet', errors);
  return errors;
}

function validateUpdateStrategy({ updateStrategy = {} }: Spec, errors: FieldError[]): void {
  const { type, rollingUpdate } = updateStrategy;
  switch (type) {
    case undefined:
      errors.push(required('spec.updateStrategy'));
      break;
    case 'OnDelete':
      if (rollingUpdate) {
        errors.push(
          invalidValue(
            'spec.updateStrategy.rollingUpdate',
            goStruct(rollingUpdate, ['partition', 'maxUnavailable']),
            "only allowed for updateStrategy 'RollingUpdate'",
          ),
        );
      }
      break;
    case 'RollingUpdate':
      if (rollingUpdate) validateRollingUpdate(rollingUpdate, errors);
      break;
    default:
      errors.push(
        invalidValue('spec.updateStrategy', goStruct(updateStrategy, ['type', 'rollingUpdate']), "must be 'RollingUpdate' or 'OnDelete'"),
      );
  }
}

function validateRollingUpdate({ partition = 0, maxUnavailable }: RollingUpdateStatefulSetStrategy, errors: FieldError[]): void {
  const path = 'spec.updateStrategy.rollingUpdate';
  errors.push(...nonNegativeErrors(`${path}.partition`, partition));
  if (maxUnavailable === undefined) return;
  errors.push(...intOrPercentErrors(`${path}.maxUnavailable`, maxUnavailable));
  if (plainValue(maxUnavailable) === 0) errors.push(invalidValue(`${path}.maxUnavailable`, maxUnavailable, 'cannot be 0'));
  errors.push(...atMostAllErrors(`${path}.maxUnavailable`, maxUnavailable));
}

function validateSelector({ template, ...spec }: Spec, errors: FieldError[]): void {
  // Only the schema requires it.
  const selector = spec.selector as Spec['selector'] | undefined;
  if (!selector) {
    errors.push(required('spec.selector'), labelMismatch(template));
    return;
  }
  validateLabelSelector(selector, 'spec.selector', errors);
  if (isEmptySelector(selector)) errors.push(invalidValue('spec.selector', selector, 'empty selector is invalid for statefulset'));
  const mismatch = selectorMismatch(selector, template);
  if (mismatch === 'selector') errors.push(invalidValue('spec.selector', selector));
  else if (mismatch === 'labels') errors.push(labelMismatch(template));
}

/** The pods and the claims that are made for each of them. */
function podErrors(spec: Spec): FieldError[] {
  const errors: FieldError[] = [];
  validatePodTemplate(withClaims(spec), 'spec.template', errors);
  for (const [i, claim] of (spec.volumeClaimTemplates ?? []).entries()) {
    validateClaimSpec(claim.spec ?? {}, `spec.volumeClaimTemplates[${i}].spec`, errors);
  }
  return errors;
}

/** The template as pods are made of it: each claim is a volume of its own name. */
function withClaims({ template, volumeClaimTemplates = [] }: Spec): PodTemplateSpec {
  if (volumeClaimTemplates.length === 0 || !template.spec) return template;
  const own = template.spec.volumes ?? [];
  const names = new Set(own.map(({ name }) => name));
  const claims = volumeClaimTemplates.map((claim) => (claim.metadata as typeof claim.metadata | undefined)?.name ?? '');
  const volumes = claims
    .filter((name) => name !== '' && !names.has(name))
    .map((name) => ({ name, persistentVolumeClaim: { claimName: name } }));
  return { ...template, spec: { ...template.spec, volumes: [...own, ...volumes] } };
}

export function validateStatefulSetStatus({ status }: StatefulSet, { status: old }: StatefulSet): FieldError[] {
  const counters = [
    'replicas',
    'readyReplicas',
    'currentReplicas',
    'updatedReplicas',
    'availableReplicas',
    'observedGeneration',
    'collisionCount',
  ] as const;
  const errors = counters.flatMap((counter) => nonNegativeErrors(`status.${counter}`, status[counter] ?? 0));
  for (const part of ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const) {
    errors.push(...partErrors(status, part));
  }
  if ((status.availableReplicas ?? 0) > (status.readyReplicas ?? 0)) {
    errors.push(invalidValue('status.availableReplicas', status.availableReplicas, 'cannot be greater than status.readyReplicas'));
  }
  return errors.concat(decrementErrors('status.collisionCount', status.collisionCount, old.collisionCount));
}

function partErrors(
  status: StatefulSetStatus,
  part: 'readyReplicas' | 'currentReplicas' | 'updatedReplicas' | 'availableReplicas',
): FieldError[] {
  const count = status[part] ?? 0;
  return count > status.replicas ? [invalidValue(`status.${part}`, count, 'cannot be greater than status.replicas')] : [];
}
