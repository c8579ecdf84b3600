/**
 * Job: pods that run until enough of them have succeeded.
 * @source pkg/apis/batch/v1/defaults.go, pkg/registry/batch/job/strategy.go, pkg/api/job/warnings.go, v1.35
 */
import { isConditionTrue } from '../../conditions.ts';
import { humanDuration } from '../../duration.ts';
import type { Job, JobSpec, JobStatus } from '../../gen/batch-v1.ts';
import { batchv1Resources } from '../../gen/resources.ts';
import { formatLabelSelector } from '../../label-selector.ts';
import type { Draft } from '../../object.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { applyTemplateDefaults, dropDisabledTemplateFields } from '../core/pod/template.ts';
import { podTemplateWarnings, workloadNameWarnings } from '../core/pod/warnings.ts';
import { defineResource, statusSubresource } from '../define-resource.ts';
import { sameJson } from '../immutable.ts';
import { ageColumn, column, containerColumns, nameColumn, wideColumn } from '../standard-columns.ts';
import { generateSelector } from './job-labels.ts';
import { validateJob, validateJobUpdate } from './job-rules.ts';
import { validateJobStatus } from './job-status-rules.ts';

const maxInt32 = 2_147_483_647;
const manyCompletions = 100_000;
const muchParallelism = 10_000;

export const jobResource: ResourceDefinition = defineResource<Job>({
  ref: batchv1Resources.jobs,
  categories: ['all'],
  subresources: [
    statusSubresource<Job>({
      prepareForUpdate: (job, old) => {
        job.spec = old.spec as Draft<JobSpec>;
      },
      validateUpdate: validateJobStatus,
    }),
  ],
  columns: [
    nameColumn,
    column('Status', 'string', 'How far it is.', statusText),
    column('Completions', 'string', 'How many pods have succeeded, of how many.', completionsText),
    column('Duration', 'string', 'How long it ran, or has been running.', durationText),
    ageColumn,
    ...containerColumns<Job>(({ spec }) => spec.template.spec?.containers),
    wideColumn('Selector', 'string', 'Which pods belong to it.', ({ spec }) => formatLabelSelector(spec.selector)),
  ],
  selectableFields: { 'status.successful': ({ status }) => String(status.succeeded ?? 0) },
  strategy: {
    applyDefaults: applyJobDefaults,
    prepareForCreate: (job, ctx) => {
      if (job.spec.manualSelector !== true) generateSelector(job);
      job.status = {};
      // A stored Job without labels has those of its template from the next time it is read; so it has from the first.
      inheritLabels(job);
      dropDisabledTemplateFields(job.spec.template, undefined, ctx);
    },
    prepareForUpdate: (job, old, ctx) => {
      job.status = old.status as Draft<JobStatus>;
      dropDisabledTemplateFields(job.spec.template, old.spec.template, ctx);
    },
    validate: validateJob,
    validateUpdate: validateJobUpdate,
    warnings: ({ metadata, spec }, old) => [
      ...(old ? [] : workloadNameWarnings(metadata.name ?? '')),
      ...jobSpecWarnings(spec, old?.spec, 'spec'),
    ],
    orphansDependents: {
      warning:
        'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them ' +
        'or set propagationPolicy=Orphan to suppress this warning',
    },
  },
});

function applyJobDefaults(job: Draft<Job>): void {
  job.spec ??= {} as Draft<JobSpec>;
  job.status ??= {};
  const { spec } = job;
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : maxInt32;
  applyJobTemplateDefaults(spec);
  inheritLabels(job);
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  spec.manualSelector ??= false;
}

/** The defaults that a Job's spec has wherever it stands. */
export function applyJobTemplateDefaults(spec: Draft<JobSpec>): void {
  spec.template ??= {};
  applyTemplateDefaults(spec.template);
  for (const { onPodConditions = [] } of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of onPodConditions) pattern.status ||= 'True';
  }
}

function inheritLabels({ metadata, spec }: Draft<Job>): void {
  const labels = spec.template.metadata?.labels;
  if (labels && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
}

/** @param path of the spec, such as `spec.jobTemplate.spec` */
export function jobSpecWarnings(spec: JobSpec, old: JobSpec | undefined, path: string): string[] {
  const isHuge =
    spec.completionMode === 'Indexed' && (spec.completions ?? 0) > manyCompletions && (spec.parallelism ?? 0) > muchParallelism;
  const warning =
    'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, ' +
    'Kubernetes might not be able to track completedIndexes when a big number of indexes fail';
  return [
    ...(isHuge && !(old && sameJson(old, spec)) ? [`${path}: ${warning}`] : []),
    ...podTemplateWarnings(spec.template, old?.template, `${path}.template`),
  ];
}

function statusText({ metadata, status }: Job): string {
  const is = (type: string): boolean => isConditionTrue(status.conditions, type);
  if (is('Complete')) return 'Complete';
  if (is('Failed')) return 'Failed';
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(is) ?? 'Running';
}

function completionsText({ spec, status }: Job): string {
  const { completions, parallelism = 0 } = spec;
  const succeeded = status.succeeded ?? 0;
  if (completions !== undefined) return `${succeeded}/${completions}`;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function durationText({ status }: Job, nowMs: number): string {
  const { startTime, completionTime } = status;
  if (startTime === undefined) return '';
  return humanDuration((completionTime === undefined ? nowMs : Date.parse(completionTime)) - Date.parse(startTime));
}
