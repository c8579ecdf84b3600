/**
 * CronJob: Jobs made by the clock.
 * @source pkg/apis/batch/v1/defaults.go, pkg/apis/batch/validation/validation.go, pkg/registry/batch/cronjob/strategy.go, v1.35
 */
import { CronError, isTimeZone, parseCronSchedule } from '../../cron-schedule.ts';
import { ageOf } from '../../duration.ts';
import type { FieldError } from '../../errors.ts';
import { invalidValue, notSupported, required } from '../../field-errors.ts';
import type { CronJob, CronJobSpec, CronJobStatus, JobSpec } from '../../gen/batch-v1.ts';
import { batchv1Resources } from '../../gen/resources.ts';
import { formatLabelSelector } from '../../label-selector.ts';
import type { Draft } from '../../object.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { nonNegativeErrors } from '../apps/pod-template-rules.ts';
import { dropDisabledTemplateFields } from '../core/pod/template.ts';
import { workloadNameWarnings } from '../core/pod/warnings.ts';
import { defineResource, statusSubresource } from '../define-resource.ts';
import { ageColumn, column, containerColumns, nameColumn, wideColumn } from '../standard-columns.ts';
import { applyJobTemplateDefaults, jobSpecWarnings } from './job.ts';
import { validateJobSpec } from './job-rules.ts';

/** The name of a Job is this one's, a hyphen and ten digits; it has 63. */
const maxNameLength = 52;

export const cronJobResource: ResourceDefinition = defineResource<CronJob>({
  ref: batchv1Resources.cronjobs,
  shortNames: ['cj'],
  categories: ['all'],
  subresources: [
    statusSubresource<CronJob>({
      prepareForUpdate: (cronJob, old) => {
        cronJob.spec = old.spec as Draft<CronJobSpec>;
      },
      validateUpdate: () => [],
    }),
  ],
  columns: [
    nameColumn,
    column('Schedule', 'string', 'When Jobs are made.', ({ spec }) => spec.schedule),
    column('Timezone', 'string', 'Where the schedule is read.', ({ spec }) => spec.timeZone ?? '<none>'),
    column('Suspend', 'boolean', 'Whether no more Jobs are made.', ({ spec }) =>
      spec.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False',
    ),
    column('Active', 'integer', 'How many of its Jobs run.', ({ status }) => (status.active ?? []).length),
    column('Last Schedule', 'string', 'How long ago it last made one.', ({ status }, nowMs) =>
      status.lastScheduleTime === undefined ? '<none>' : ageOf(status.lastScheduleTime, nowMs),
    ),
    ageColumn,
    ...containerColumns<CronJob>(({ spec }) => spec.jobTemplate.spec?.template.spec?.containers),
    wideColumn('Selector', 'string', 'Which pods belong to its Jobs.', ({ spec }) => formatLabelSelector(spec.jobTemplate.spec?.selector)),
  ],
  strategy: {
    applyDefaults: (cronJob) => {
      cronJob.spec ??= {} as Draft<CronJobSpec>;
      cronJob.status ??= {};
      const { spec } = cronJob;
      spec.schedule ??= '';
      spec.concurrencyPolicy ||= 'Allow';
      spec.suspend ??= false;
      spec.successfulJobsHistoryLimit ??= 3;
      spec.failedJobsHistoryLimit ??= 1;
      spec.jobTemplate ??= {};
      spec.jobTemplate.metadata ??= {};
      spec.jobTemplate.spec ??= {} as Draft<JobSpec>;
      applyJobTemplateDefaults(spec.jobTemplate.spec);
    },
    prepareForCreate: (cronJob, ctx) => {
      cronJob.status = {};
      dropDisabledTemplateFields(cronJob.spec.jobTemplate.spec?.template, undefined, ctx);
    },
    prepareForUpdate: (cronJob, old, ctx) => {
      cronJob.status = old.status as Draft<CronJobStatus>;
      dropDisabledTemplateFields(cronJob.spec.jobTemplate.spec?.template, old.spec.jobTemplate.spec?.template, ctx);
    },
    validate: ({ metadata, spec }) => [
      ...specErrors(spec, undefined),
      ...((metadata.name ?? '').length > maxNameLength
        ? [invalidValue('metadata.name', metadata.name, 'must be no more than 52 characters')]
        : []),
    ],
    validateUpdate: ({ spec }, old) => specErrors(spec, old.spec),
    warnings: ({ metadata, spec }, old) => [
      ...(old ? [] : workloadNameWarnings(metadata.name ?? '')),
      ...(spec.jobTemplate.spec ? jobSpecWarnings(spec.jobTemplate.spec, old?.spec.jobTemplate.spec, 'spec.jobTemplate.spec') : []),
      ...(old && spec.schedule.includes('TZ')
        ? [
            'cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, ' +
              'see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details',
          ]
        : []),
    ],
  },
});

function specErrors(spec: CronJobSpec, old: CronJobSpec | undefined): FieldError[] {
  const errors = spec.schedule === '' ? [required('spec.schedule')] : scheduleErrors(spec, old);
  errors.push(...nonNegativeErrors('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds ?? 0));
  if (spec.timeZone !== undefined && spec.timeZone !== old?.timeZone) errors.push(...timeZoneErrors(spec.timeZone));
  const policy = spec.concurrencyPolicy ?? '';
  const policies = ['Allow', 'Forbid', 'Replace'];
  if (policy === '') errors.push(required('spec.concurrencyPolicy'));
  else if (!policies.includes(policy)) errors.push(notSupported('spec.concurrencyPolicy', policy, policies));
  const { spec: jobSpec } = spec.jobTemplate;
  if (jobSpec) {
    validateJobSpec(jobSpec, 'spec.jobTemplate.spec', errors);
    const { selector, manualSelector } = jobSpec;
    if (selector) errors.push(invalidValue('spec.jobTemplate.spec.selector', selector, '`selector` will be auto-generated'));
    if (manualSelector === true) errors.push(notSupported('spec.jobTemplate.spec.manualSelector', manualSelector, ['nil', 'false']));
  }
  return [
    ...errors,
    ...nonNegativeErrors('spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit ?? 0),
    ...nonNegativeErrors('spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit ?? 0),
  ];
}

/** A time zone in the schedule is left to those that have one from times when it was allowed. */
function scheduleErrors({ schedule, timeZone }: CronJobSpec, old: CronJobSpec | undefined): FieldError[] {
  const errors: FieldError[] = [];
  try {
    parseCronSchedule(schedule);
  } catch (error) {
    if (!(error instanceof CronError)) throw error;
    errors.push(invalidValue('spec.schedule', schedule, error.message));
  }
  if (!schedule.includes('TZ')) return errors;
  const isAllowed = old?.schedule.includes('TZ') === true;
  if (!isAllowed) {
    errors.push(invalidValue('spec.schedule', schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'));
  } else if (timeZone !== undefined) {
    errors.push(invalidValue('spec.schedule', schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'));
  }
  return errors;
}

function timeZoneErrors(timeZone: string): FieldError[] {
  const path = 'spec.timeZone';
  if (timeZone === '') return [invalidValue(path, timeZone, 'timeZone must be nil or non-empty string')];
  const unknown = invalidValue(path, timeZone, `unknown time zone ${timeZone}`);
  const isOdd = (part: string): boolean => part === '.' || part === '..' || part.startsWith('-') || !/^[A-Za-z.\-_0-9+]{1,14}$/.test(part);
  if (timeZone.split('/').some(isOdd)) return [unknown];
  const explicit = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones';
  return [
    ...(timeZone.toLowerCase() === 'local' ? [invalidValue(path, timeZone, explicit)] : []),
    ...(isTimeZone(timeZone) ? [] : [unknown]),
  ];
}
