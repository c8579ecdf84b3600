import { describe, expect, test } from 'vitest';
import { create, decode, definitionOf, type Manifest, row, update, withField } from '../strategy.suite.ts';

const cronJobs = definitionOf('cronjobs', 'batch');
const template = { spec: { containers: [{ name: 'c', image: 'busybox' }], restartPolicy: 'OnFailure' } };
const base: Manifest = {
  metadata: { name: 'nightly', namespace: 'b' },
  spec: { schedule: '0 3 * * *', jobTemplate: { spec: { template } } },
};

describe('CronJob', () => {
  test('defaults', () => {
    const { object, faults, warnings } = create(cronJobs, { ...base, status: { lastScheduleTime: '2026-01-01T00:00:00Z' } });
    expect([faults, warnings]).toEqual([[], []]);
    expect(object).toMatchObject({
      spec: { concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 },
      status: {},
    });
    expect(object['status']).toEqual({});
    const { spec } = (object['spec'] as { jobTemplate: { spec: object } }).jobTemplate;
    expect(spec).not.toHaveProperty('completions');
    expect(spec).toMatchObject({ template: { spec: { dnsPolicy: 'ClusterFirst' } } });
  });

  test.each<[string, unknown, (string | RegExp)[]]>([
    ['spec.schedule', '', ['spec.schedule: Required value']],
    ['spec.schedule', 'soon', ['spec.schedule: Invalid value: "soon": expected exactly 5 fields, found 1: [soon]']],
    [
      'spec.schedule',
      'TZ=UTC 0 3 * * *',
      ['spec.schedule: Invalid value: "TZ=UTC 0 3 * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead'],
    ],
    ['spec.timeZone', '', ['spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string']],
    ['spec.timeZone', 'Mars/Phobos', ['spec.timeZone: Invalid value: "Mars/Phobos": unknown time zone Mars/Phobos']],
    ['spec.timeZone', '../etc/passwd', ['spec.timeZone: Invalid value: "../etc/passwd": unknown time zone ../etc/passwd']],
    [
      'spec.timeZone',
      'Local',
      ['spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'],
    ],
    ['spec.timeZone', 'America/New_York', []],
    ['spec.concurrencyPolicy', 'Odd', ['spec.concurrencyPolicy: Unsupported value: "Odd": supported values: "Allow", "Forbid", "Replace"']],
    ['spec.startingDeadlineSeconds', -1, ['spec.startingDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0']],
    ['spec.failedJobsHistoryLimit', -1, ['spec.failedJobsHistoryLimit: Invalid value: -1: must be greater than or equal to 0']],
    ['metadata.name', 'a'.repeat(53), [`metadata.name: Invalid value: "${'a'.repeat(53)}": must be no more than 52 characters`]],
    [
      'spec.jobTemplate.spec.selector',
      { matchLabels: { a: 'b' } },
      ['spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: `selector` will be auto-generated'],
    ],
    [
      'spec.jobTemplate.spec.manualSelector',
      true,
      ['spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"'],
    ],
    [
      'spec.jobTemplate.spec.template.spec.restartPolicy',
      'Always',
      ['spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
  ])('%s = %j', (path, value, expected) => {
    expect(create(cronJobs, withField(base, path, value)).faults).toEqual(expected);
  });

  test('a schedule that has a time zone keeps it, and is warned about', () => {
    const zoned = withField(base, 'spec.schedule', 'TZ=UTC 0 3 * * *');
    const old = decode(cronJobs, zoned);
    expect(update(cronJobs, { old, manifest: withField(zoned, 'spec.suspend', true) })).toMatchObject({
      faults: [],
      warnings: [
        'cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details',
      ],
    });
    expect(update(cronJobs, { old, manifest: withField(zoned, 'spec.timeZone', 'UTC') }).faults).toEqual([
      'spec.schedule: Invalid value: "TZ=UTC 0 3 * * *": cannot use both timeZone field and TZ or CRON_TZ in schedule',
    ]);
  });

  test('its row', () => {
    const status = { active: [{ name: 'a' }], lastScheduleTime: '2026-01-01T00:57:00Z' };
    expect(row(cronJobs, decode(cronJobs, { ...base, status }))).toEqual({
      Name: 'nightly',
      Schedule: '0 3 * * *',
      Timezone: '<none>',
      Suspend: 'False',
      Active: 1,
      'Last Schedule': '3m',
      Age: '<unknown>',
      Containers: 'c',
      Images: 'busybox',
      Selector: '<none>',
    });
  });
});
