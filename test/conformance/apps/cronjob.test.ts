import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { toolbox } from '../../e2e/images.ts';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';

/** Two Jobs are a minute apart; the first may be a minute away. */
const longMs = 170_000;
const testMs = 240_000;
/** Longer than until the next full minute, by which a Job would have been started. */
const quietMs = 70_000;

const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };

describe.skipIf(unavailable)('apps/cronjob', () => {
  const cluster = useCluster('conformance-cronjob');
  const cronJobs = (rest = ''): string => cluster.path('batch/v1', `cronjobs${rest}`);

  const manifest = (name: string, spec: Json, args = 'exec sleep 300'): Json => ({
    metadata: { name },
    spec: {
      schedule: '*/1 * * * ?',
      ...spec,
      jobTemplate: {
        spec: {
          parallelism: 1,
          completions: 1,
          backoffLimit: 1,
          template: {
            spec: {
              restartPolicy: 'OnFailure',
              terminationGracePeriodSeconds: 0,
              volumes: [{ name: 'data', emptyDir: {} }],
              containers: [
                { name: 'c', image: toolbox, command: ['/bin/sh', '-c', args], volumeMounts: [{ mountPath: '/data', name: 'data' }] },
              ],
            },
          },
        },
      },
    },
  });
  const create = (name: string, spec: Json): Promise<Json> => cluster.api('POST', cronJobs(), manifest(name, spec));
  const get = (name: string): Promise<Json> => cluster.api('GET', cronJobs(`/${name}`));
  const remove = (name: string): Promise<Json> => cluster.api('DELETE', cronJobs(`/${name}`), { propagationPolicy: 'Background' });
  const active = async (name: string): Promise<Json[]> => (await get(name)).status.active ?? [];
  const untilActive = (name: string, count: number): Promise<void> =>
    eventually(async () => {
      expect((await active(name)).length).toBeGreaterThanOrEqual(count);
    }, longMs);
  /** Those that it has made and that are not on their way out. */
  const jobsOf = async (name: string): Promise<Json[]> => {
    const { items } = await cluster.api('GET', cluster.path('batch/v1', 'jobs'));
    return items.filter(({ metadata }: Json) => metadata.ownerReferences?.[0]?.name === name && !metadata.deletionTimestamp);
  };
  const isRunning = ({ status }: Json): boolean =>
    !status.conditions?.some(({ type, status: value }: Json) => (type === 'Complete' || type === 'Failed') && value === 'True');

  test.concurrent('CronJob AllowConcurrent', { timeout: testMs }, async () => {
    await create('concurrent', { concurrencyPolicy: 'Allow' });
    await untilActive('concurrent', 2);
    expect((await jobsOf('concurrent')).filter(isRunning).length).toBeGreaterThanOrEqual(2);
    await remove('concurrent');
  });

  test.concurrent('CronJob Suspend', { timeout: testMs }, async () => {
    await create('suspended', { concurrencyPolicy: 'Allow', suspend: true });
    await sleep(quietMs);
    expect(await active('suspended')).toEqual([]);
    expect(await jobsOf('suspended')).toEqual([]);
    await remove('suspended');
  });

  test.concurrent('CronJob ForbidConcurrent', { timeout: testMs }, async () => {
    await create('forbid', { concurrencyPolicy: 'Forbid' });
    await untilActive('forbid', 1);
    const before = await active('forbid');
    expect(before).toHaveLength(1);
    expect((await jobsOf('forbid')).filter(isRunning)).toHaveLength(1);
    await sleep(quietMs);
    expect(await active('forbid')).toEqual(before);
    expect(await jobsOf('forbid')).toHaveLength(1);
    await remove('forbid');
  });

  test.concurrent('CronJob ReplaceConcurrent', { timeout: testMs }, async () => {
    await create('replace', { concurrencyPolicy: 'Replace' });
    await untilActive('replace', 1);
    expect(await active('replace')).toHaveLength(1);
    const [first] = await jobsOf('replace');
    await eventually(async () => {
      const [job, ...more] = await jobsOf('replace');
      expect(more).toEqual([]);
      expect(job).toBeDefined();
      expect(job.metadata.name).not.toBe(first.metadata.name);
    }, longMs);
    await remove('replace');
  });

  test.concurrent('CronJob API Operations', { timeout: testMs }, async () => {
    const template = manifest(
      'test-api',
      { schedule: '* */1 * * ?', concurrencyPolicy: 'Allow', successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0 },
      'true',
    );
    template.metadata.labels = { 'special-label': cluster.namespace };
    const selector = `labelSelector=special-label%3D${cluster.namespace}`;
    const created = await cluster.api('POST', cronJobs(), template);
    expect((await get('test-api')).metadata.uid).toBe(created.metadata.uid);
    const list = await cluster.api('GET', cronJobs(`?${selector}`));
    expect(list.items).toHaveLength(1);
    await using watch = await HeldWatch.open(
      cluster.transport(),
      cronJobs(`?${selector}&resourceVersion=${list.metadata.resourceVersion}`),
    );
    expect((await cluster.api('GET', `/apis/batch/v1/cronjobs?${selector}`)).items).toHaveLength(1);
    await using everywhere = await HeldWatch.open(
      cluster.transport(),
      `/apis/batch/v1/cronjobs?${selector}&resourceVersion=${list.metadata.resourceVersion}`,
    );
    expect(everywhere.status).toBe(200);
    const patched = await cluster.api('PATCH', cronJobs('/test-api'), { metadata: { annotations: { patched: 'true' } } }, mergePatch);
    expect(patched.metadata.annotations).toMatchObject({ patched: 'true' });
    await eventually(async () => {
      const current = await get('test-api');
      current.metadata.annotations.updated = 'true';
      expect((await cluster.api('PUT', cronJobs('/test-api'), current)).metadata.annotations).toMatchObject({ updated: 'true' });
    });
    await watch.until(({ type, object }) => type === 'MODIFIED' && object.metadata.annotations?.patched === 'true');
    const lastScheduleTime = `${new Date().toISOString().slice(0, 19)}Z`;
    const body = { metadata: { annotations: { patchedstatus: 'true' } }, status: { lastScheduleTime } };
    const withStatus = await cluster.api('PATCH', cronJobs('/test-api/status'), body, mergePatch);
    expect([withStatus.status.lastScheduleTime, withStatus.metadata.annotations.patchedstatus]).toEqual([lastScheduleTime, 'true']);
    const later = new Date(Date.parse(lastScheduleTime) + 1_000).toISOString().replace('.000', '');
    await eventually(async () => {
      const current = await get('test-api');
      current.status.lastScheduleTime = later;
      expect((await cluster.api('PUT', cronJobs('/test-api/status'), current)).status.lastScheduleTime).toBe(later);
    });
    expect((await cluster.api('GET', cronJobs('/test-api/status'))).metadata.uid).toBe(created.metadata.uid);
    await cluster.api('POST', cronJobs(), { ...template, metadata: { ...template.metadata, name: 'for-removal' } });
    await cluster.api('DELETE', cronJobs('/for-removal'));
    expect((await cluster.request('GET', cronJobs('/for-removal'))).status).toBe(404);
    await cluster.api('DELETE', cronJobs(`?${selector}`));
    expect((await cluster.api('GET', cronJobs(`?${selector}`))).items).toEqual([]);
  });
});
