/** A CronJob that is due every minute, and the Jobs that it starts one after the other. */
import { batchv1Resources, isPodTerminal } from '../../../../src/api/index.ts';
import { app, connect, cutOff, deletePod, describe, expectGone, failPod, namespace, patch, type Scenario, template } from '../scenario.ts';

const suspend = { spec: { suspend: true } };

export const cronJob: Scenario = {
  name: 'cronjob',
  controllers: ['cronjob-controller', 'job-controller'],
  nodes: 3,
  faultyMs: 240_000,
  setUp: async ({ client, signal }) => {
    const job = { completions: 2, parallelism: 2, template: template('app:1', '100m', { restartPolicy: 'Never' }) };
    const spec = {
      schedule: '* * * * *',
      concurrencyPolicy: 'Forbid',
      successfulJobsHistoryLimit: 1,
      jobTemplate: { spec: job },
    } as const;
    await client.create(
      batchv1Resources.cronjobs,
      { apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: app, namespace }, spec },
      { signal },
    );
  },
  actions: {
    'somebody deletes a pod': deletePod,
    'a node evicts a pod': failPod,
    'a node is cut off': cutOff,
    'the user changes the template': (world) =>
      patch(world, batchv1Resources.cronjobs, { spec: { jobTemplate: { metadata: { labels: { changed: 'yes' } } } } }),
  },
  mend: (world) => {
    connect(world);
    void patch(world, batchv1Resources.cronjobs, suspend).catch(expectGone);
  },
  endOf: () => 'Succeeded',
  isDone: (history) => {
    const one = history.one('CronJob', app);
    if (!one?.spec.suspend || (one.status?.active ?? []).length > 0) return false;
    const jobs = [...history.all('Job')];
    return (
      jobs.length === 1 &&
      jobs.every(({ status }) => status?.conditions?.some(({ type }) => type === 'Complete') && status.succeeded === 2) &&
      [...history.all('Pod')].every((pod) => isPodTerminal(pod) && pod.metadata.finalizers === undefined)
    );
  },
  describe: (history) => `${describe('CronJob')(history)}\n${describe('Job')(history)}`,
};
