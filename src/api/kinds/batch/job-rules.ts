/**
 * Validation of a Job's spec, the same in a CronJob's template, and of the few changes that a Job allows.
 * @source pkg/apis/batch/validation/validation.go ValidateJob, ValidateJobUpdate, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { invalidValue, notSupported, required, tooLong } from '../../field-errors.ts';
import type { Job, JobSpec } from '../../gen/batch-v1.ts';
import type { PodTemplateSpec } from '../../gen/core-v1.ts';
import { labelSelectorMatcher, SelectorError } from '../../label-selector.ts';
import { dns1123LabelErrors } from '../../names.ts';
import { utf8Length } from '../../object-meta.ts';
import { labelMismatch, nonNegativeErrors } from '../apps/pod-template-rules.ts';
import { validateLabelSelector } from '../core/label-selector-rules.ts';
import { validatePodTemplate } from '../core/pod/validate-template.ts';
import { domainPrefixedPathErrors } from '../domain-path-rules.ts';
import { goStruct } from '../go-struct.ts';
import { immutableField, sameJson } from '../immutable.ts';
import { controllerUidLabel, jobNameLabel, legacyControllerUidLabel, legacyJobNameLabel } from './job-labels.ts';
import { replacementPolicyErrors, validatePodFailurePolicy, validateSuccessPolicy } from './job-policy-rules.ts';

const maxIndexedParallelism = 100_000;
const maxFailedIndexes = 100_000;
const manyCompletions = 100_000;
const maxParallelismOfMany = 10_000;
const maxFailedIndexesOfMany = 10_000;
const maxManagedByBytes = 63;

export function validateJob(job: Job): FieldError[] {
  return jobErrors(job, true);
}

/** @param prefixed whether the labels with Kubernetes' prefix have to be there */
function jobErrors(job: Job, prefixed: boolean): FieldError[] {
  const { spec, metadata } = job;
  const errors = generatedSelectorErrors(job, prefixed);
  validateJobSpec(spec, 'spec', errors);
  validateSelector(spec, errors);
  if (spec.completionMode === 'Indexed' && (spec.completions ?? 0) > 0) {
    const { name = '' } = metadata as Partial<Job['metadata']>;
    const lastHostname = `${name}-${spec.completions! - 1}`;
    if (dns1123LabelErrors(lastHostname).length > 0) {
      const detail = `will not able to create pod with invalid DNS label: ${lastHostname}`;
      errors.push(invalidValue('metadata.name', name, detail));
    }
  }
  return errors;
}

/** The labels and the selector that were made for the Job are the Job's own. */
function generatedSelectorErrors({ metadata, spec }: Job, prefixed: boolean): FieldError[] {
  if (spec.manualSelector === true || !spec.selector) return [];
  const errors: FieldError[] = [];
  const { uid = '', name = '' } = metadata as Partial<Job['metadata']>;
  if (uid === '') errors.push(required('metadata.uid'));
  const expected: Record<string, string> = { [legacyControllerUidLabel]: uid, [legacyJobNameLabel]: name };
  if (prefixed) Object.assign(expected, { [controllerUidLabel]: uid, [jobNameLabel]: name });
  const labels = spec.template.metadata?.labels ?? {};
  for (const [key, value] of Object.entries(expected)) {
    const path = `spec.template.metadata.labels[${key}]`;
    if (!Object.hasOwn(labels, key)) errors.push(required(path, `must be '${value}'`));
    else if (labels[key] !== value) errors.push(invalidValue(path, labels, `must be '${value}'`));
  }
  if (matches(spec, expected) === false) errors.push(invalidValue('spec.selector', spec.selector, '`selector` not auto-generated'));
  return errors;
}

/** Undefined for a selector that cannot be read, which is told elsewhere. */
function matches({ selector }: JobSpec, labels: Readonly<Record<string, string>>): boolean | undefined {
  try {
    return labelSelectorMatcher(selector).matches(labels);
  } catch (error) {
    if (error instanceof SelectorError) return undefined;
    throw error;
  }
}

function validateSelector(spec: JobSpec, errors: FieldError[]): void {
  if (spec.selector) validateLabelSelector(spec.selector, 'spec.selector', errors);
  else errors.push(required('spec.selector'));
  const labels = spec.template.metadata?.labels ?? {};
  if (matches(spec, labels) === false) {
    errors.push(labelMismatch(spec.template));
  }
}

/** All rules but those of the selector, which a template has not. */
export function validateJobSpec(spec: JobSpec, path: string, errors: FieldError[]): void {
  const counts = [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ] as const;
  for (const count of counts) errors.push(...nonNegativeErrors(`${path}.${count}`, spec[count] ?? 0));
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    errors.push(required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'));
  }
  if (spec.managedBy !== undefined) validateManagedBy(spec.managedBy, `${path}.managedBy`, errors);
  validateCompletionMode(spec, path, errors);
  if (spec.podFailurePolicy) validatePodFailurePolicy(spec, `${path}.podFailurePolicy`, errors);
  if (spec.successPolicy) {
    if (spec.completionMode === 'Indexed') validateSuccessPolicy(spec, `${path}.successPolicy`, errors);
    else errors.push(invalidValue(`${path}.successPolicy`, goStruct(spec.successPolicy, ['rules']), 'requires indexed completion mode'));
  }
  errors.push(...replacementPolicyErrors(spec, `${path}.podReplacementPolicy`));
  validatePodTemplate(spec.template, `${path}.template`, errors);
  errors.push(...restartPolicyErrors(spec, `${path}.template.spec.restartPolicy`));
}

function validateCompletionMode(spec: JobSpec, path: string, errors: FieldError[]): void {
  const { completionMode = 'NonIndexed', backoffLimitPerIndex, maxFailedIndexes: failed } = spec;
  if (completionMode === 'Indexed') {
    validateIndexed(spec, path, errors);
    return;
  }
  if (completionMode !== 'NonIndexed') {
    errors.push(notSupported(`${path}.completionMode`, completionMode, ['NonIndexed', 'Indexed']));
    return;
  }
  const detail = 'requires indexed completion mode';
  if (backoffLimitPerIndex !== undefined) errors.push(invalidValue(`${path}.backoffLimitPerIndex`, backoffLimitPerIndex, detail));
  if (failed !== undefined) errors.push(invalidValue(`${path}.maxFailedIndexes`, failed, detail));
}

function validateIndexed(spec: JobSpec, path: string, errors: FieldError[]): void {
  const { completions, parallelism = 0, maxFailedIndexes: failed, backoffLimitPerIndex } = spec;
  const tooLarge = (field: 'parallelism' | 'maxFailedIndexes', detail: string): void => {
    errors.push(invalidValue(`${path}.${field}`, spec[field], `must be less than or equal to ${detail}`));
  };
  if (completions === undefined) errors.push(required(`${path}.completions`, 'when completion mode is Indexed'));
  if (parallelism > maxIndexedParallelism) tooLarge('parallelism', `${maxIndexedParallelism} when completion mode is Indexed`);
  if (completions !== undefined && failed !== undefined && failed > completions) tooLarge('maxFailedIndexes', 'completions');
  if (failed !== undefined && failed > maxFailedIndexes) tooLarge('maxFailedIndexes', `${maxFailedIndexes}`);
  if (completions === undefined || completions <= manyCompletions || backoffLimitPerIndex === undefined) return;
  const when = `when completions are above ${manyCompletions} and used with backoff limit per index`;
  if (failed === undefined) {
    errors.push(required(`${path}.maxFailedIndexes`, `must be specified when completions is above ${manyCompletions}`));
  }
  if (parallelism > maxParallelismOfMany) tooLarge('parallelism', `${maxParallelismOfMany} ${when}`);
  if (failed !== undefined && failed > maxFailedIndexesOfMany) tooLarge('maxFailedIndexes', `${maxFailedIndexesOfMany} ${when}`);
}

function restartPolicyErrors({ template, podFailurePolicy }: JobSpec, path: string): FieldError[] {
  const policy = template.spec?.restartPolicy ?? '';
  if (policy === 'Always' || policy === '') return [required(path, 'valid values: "OnFailure", "Never"')];
  if (policy !== 'OnFailure' && policy !== 'Never') return [notSupported(path, policy, ['OnFailure', 'Never'])];
  if (!podFailurePolicy || policy === 'Never') return [];
  return [invalidValue(path, policy, 'only "Never" is supported when podFailurePolicy is specified')];
}

/** @source apimachinery pkg/util/validation IsDomainPrefixedPath */
function validateManagedBy(value: string, path: string, errors: FieldError[]): void {
  if (value === '') errors.push(required(path));
  else errors.push(...domainPrefixedPathErrors(path, value));
  if (utf8Length(value) > maxManagedByBytes) errors.push(tooLong(path, maxManagedByBytes));
}

export function validateJobUpdate(job: Job, old: Job): FieldError[] {
  const oldLabels = old.spec.template.metadata?.labels ?? {};
  const [spec, before] = [job.spec, old.spec];
  return [
    ...jobErrors(job, Object.hasOwn(oldLabels, jobNameLabel) && Object.hasOwn(oldLabels, controllerUidLabel)),
    ...completionsErrors(spec, before),
    ...immutableField('spec.selector', spec.selector, before.selector),
    ...immutableField('spec.template', spec.template, comparableTemplate(spec.template, old)),
    ...(['completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const).flatMap((field) =>
      immutableField(`spec.${field}`, spec[field], before[field]),
    ),
  ];
}

/** Indexed Jobs grow and shrink with their parallelism; others never. */
function completionsErrors({ completions, completionMode, parallelism }: JobSpec, old: JobSpec): FieldError[] {
  if (completionMode !== 'Indexed') return immutableField('spec.completions', completions, old.completions);
  if (sameJson(completions, old.completions) || completions === undefined || completions === parallelism) return [];
  return [invalidValue('spec.completions', completions, 'can only be modified in tandem with spec.parallelism')];
}

/** The old template; where the pods of a suspended Job that never ran will be scheduled may still change. */
function comparableTemplate(now: PodTemplateSpec, { spec, status }: Job): PodTemplateSpec {
  const old = spec.template;
  if (spec.suspend !== true || status.startTime !== undefined || !old.spec || !now.spec) return old;
  const { nodeAffinity: _, ...others } = old.spec.affinity ?? {};
  const nodeAffinity = now.spec.affinity?.nodeAffinity;
  const affinity = { ...others, ...(nodeAffinity && { nodeAffinity }) };
  const { nodeSelector, tolerations, schedulingGates } = now.spec;
  return {
    metadata: { ...old.metadata, ...pick(now.metadata ?? {}, ['annotations', 'labels']) },
    spec: {
      ...old.spec,
      affinity,
      ...pick({ nodeSelector, tolerations, schedulingGates }, ['nodeSelector', 'tolerations', 'schedulingGates']),
    },
  } as PodTemplateSpec;
}

/** The fields, undefined where there is nothing: that is what they are to be compared as. */
function pick<T extends object, K extends keyof T>(from: T, fields: readonly K[]): Partial<Record<K, T[K] | undefined>> {
  return Object.fromEntries(fields.map((field) => [field, from[field]])) as Partial<Record<K, T[K] | undefined>>;
}
