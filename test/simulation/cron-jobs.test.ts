import { describe, expect, it } from 'vitest';
import { type batchv1, batchv1Resources } from '../../src/api/index.ts';
import { VirtualClock } from '../../src/base/index.ts';
import { type Cluster, type ClusterOptions, type SimulatedNodeOptions, startCluster } from '../../src/testing/index.ts';
import { jobSpec } from './job-story.ts';
import { eventsOf, get, namespace, patch } from './objects.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

type Script = NonNullable<SimulatedNodeOptions['script']>;

const dueAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp';
const ends: Script = () => ({ exitAfterMs: 10 * second });
const runs: Script = () => ({});

/** A cluster at a moment of the world's time, which notes every Job that is made by the time that it was due. */
async function begin(
  at: string,
  script: Script = ends,
  options: Partial<ClusterOptions> = {},
): Promise<{ cluster: Cluster; due: string[]; jobs: Map<string, batchv1.Job> }> {
  const due: string[] = [];
  const jobs = new Map<string, batchv1.Job>();
  const cluster = await startCluster({
    clock: new VirtualClock(Date.parse(at)),
    node: { script },
    onChange: ({ key, value }) => {
      if (!/\/jobs\/default\/[^/]+$/.test(key) || !value) return;
      const job = JSON.parse(Buffer.from(value).toString()) as batchv1.Job;
      if (!jobs.has(key)) due.push(job.metadata.annotations?.[dueAnnotation] ?? '');
      jobs.set(key, job);
    },
    ...options,
  });
  return { cluster, due, jobs };
}

function createCronJob(cluster: Cluster, schedule: string, spec: Partial<batchv1.CronJobSpec> = {}): Promise<batchv1.CronJob> {
  const manifest = {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'tick', namespace },
    spec: { schedule, timeZone: 'UTC', jobTemplate: { spec: jobSpec() }, ...spec },
  } as const;
  return cluster.client.create(batchv1Resources.cronjobs, manifest, { signal: cluster.signal });
}

const getCronJob = (cluster: Cluster): Promise<batchv1.CronJob> => get(cluster, batchv1Resources.cronjobs, 'tick');

async function jobNames(cluster: Cluster): Promise<string[]> {
  const { items } = await cluster.client.list(batchv1Resources.jobs, { namespace, signal: cluster.signal });
  return items.map(({ metadata }) => metadata.name);
}

const reasons = async (cluster: Cluster): Promise<string[]> => [
  ...new Set((await eventsOf(cluster, 'tick')).map(({ reason }) => reason ?? '')),
];

/** Pods are nobody's matter here: without nodes, and with few controllers, a day is over in a moment. */
const timeOnly = {
  nodes: 0,
  controllers: { only: ['cronjob-controller', 'serviceaccount-controller'] },
} as const;

describe('a CronJob on days on which clocks change', () => {
  it('at half past two, where there is none', async () => {
    const { cluster, due } = await begin('2026-03-28T00:00:00Z', runs, timeOnly);
    await using _ = cluster;
    await createCronJob(cluster, '30 2 * * *', { timeZone: 'Europe/Berlin' });
    await cluster.advance(2 * day + 2 * hour);
    expect(due).toEqual(['2026-03-28T02:30:00+01:00', '2026-03-30T02:30:00+02:00']);
    const { status } = await getCronJob(cluster);
    expect([status.lastScheduleTime, status.active?.length]).toEqual(['2026-03-30T00:30:00Z', 2]);
  });

  it('at half past two, where there are two', async () => {
    const { cluster, due } = await begin('2026-10-24T22:00:00Z', runs, timeOnly);
    await using _ = cluster;
    await createCronJob(cluster, '30 2 * * *', { timeZone: 'Europe/Berlin' });
    await cluster.advance(day);
    expect(due).toEqual(['2026-10-25T02:30:00+02:00', '2026-10-25T02:30:00+01:00']);
  });

  it('every hour, whatever the clocks do', async () => {
    const { cluster, due } = await begin('2026-03-28T22:30:00Z', runs, timeOnly);
    await using _ = cluster;
    await createCronJob(cluster, '0 * * * *', { timeZone: 'Europe/Berlin' });
    await cluster.advance(4 * hour);
    expect(due.map((text) => text.slice(11))).toEqual(['00:00:00+01:00', '01:00:00+01:00', '03:00:00+02:00', '04:00:00+02:00']);
  });

  it('every ten minutes: each Job within a second of its time, and each once', async () => {
    const { cluster, due, jobs } = await begin('2026-01-01T00:00:30Z', runs, timeOnly);
    await using _ = cluster;
    await createCronJob(cluster, '*/10 * * * *', { concurrencyPolicy: 'Replace' });
    await cluster.advance(day);
    expect(due).toHaveLength(144);
    expect(new Set(due).size).toBe(due.length);
    const late = [...jobs.values()].map(
      ({ metadata }) => Date.parse(metadata.creationTimestamp) - Date.parse(metadata.annotations![dueAnnotation]!),
    );
    expect(Math.max(...late)).toBeLessThanOrEqual(second);
    expect(await jobNames(cluster)).toHaveLength(1);
  });
});

describe('Jobs that are longer than the time between them', () => {
  it('run beside one another', async () => {
    const { cluster } = await begin('2026-01-01T00:00:30Z', runs);
    await using _ = cluster;
    await createCronJob(cluster, '* * * * *');
    await cluster.advance(3 * minute);
    expect((await getCronJob(cluster)).status.active).toHaveLength(3);
  });

  it('keep others from starting', async () => {
    const { cluster, due } = await begin('2026-01-01T00:00:30Z', () => ({ exitAfterMs: 150 * second }));
    await using _ = cluster;
    await createCronJob(cluster, '* * * * *', { concurrencyPolicy: 'Forbid' });
    await cluster.advance(10 * minute);
    // What was due while one ran is made up for when it ends, once.
    expect(due.map((text) => text.slice(11, 16))).toEqual(['00:01', '00:03', '00:06', '00:08']);
    expect(await reasons(cluster)).toContain('JobAlreadyActive');
  });

  it('make way for others', async () => {
    const { cluster, due } = await begin('2026-01-01T00:00:30Z', runs);
    await using _ = cluster;
    await createCronJob(cluster, '* * * * *', { concurrencyPolicy: 'Replace' });
    await cluster.advance(3 * minute);
    expect(due).toHaveLength(3);
    expect(await jobNames(cluster)).toEqual([`tick-${Date.parse('2026-01-01T00:03:00Z') / minute}`]);
    expect((await getCronJob(cluster)).status.active).toHaveLength(1);
    expect(await reasons(cluster)).toEqual(['SuccessfulCreate', 'SuccessfulDelete']);
  });
});

describe('a CronJob whose controller was away', () => {
  it('starts the last that it missed, and says so when they were many', async () => {
    const { cluster, due } = await begin('2026-01-01T00:00:30Z');
    await using _ = cluster;
    await createCronJob(cluster, '* * * * *');
    await cluster.advance(2 * minute);
    await cluster.stopManagers();
    await cluster.advance(3 * hour);
    cluster.startManagers();
    await cluster.advance(15 * second);
    expect(due.map((text) => text.slice(11, 16))).toEqual(['00:01', '00:02', '03:02']);
    expect(await reasons(cluster)).toContain('TooManyMissedTimes');
  });

  it('starts none that is too late', async () => {
    const { cluster, due } = await begin('2026-01-01T00:00:30Z');
    await using _ = cluster;
    await createCronJob(cluster, '0 * * * *', { startingDeadlineSeconds: 60 });
    await cluster.stopManagers();
    await cluster.advance(hour + 10 * minute);
    cluster.startManagers();
    await cluster.advance(hour);
    expect(due.map((text) => text.slice(11, 16))).toEqual(['02:00']);
  });

  it('starts each Job once, whichever write was its last', async () => {
    for (let afterWrite = 1; afterWrite <= 12; afterWrite++) {
      let [writes, isDead] = [0, false];
      const due: string[] = [];
      const cluster: Cluster = await startCluster({
        clock: new VirtualClock(Date.parse('2026-01-01T00:00:30Z')),
        node: { script: ends },
        onChange: ({ key, value }) => {
          if (!/\/(jobs|cronjobs)\/default\//.test(key)) return;
          const job = value && (JSON.parse(Buffer.from(value).toString()) as batchv1.Job);
          if (job?.kind === 'Job' && job.metadata.generation === 1 && !job.status.startTime) due.push(job.metadata.name);
          if (++writes !== afterWrite) return;
          isDead = true;
          cluster.faults.disconnect();
        },
      });
      await using _ = cluster;
      await createCronJob(cluster, '* * * * *');
      await cluster.until('its controllers are dead', () => isDead, 5 * minute);
      await cluster.stopManagers();
      await cluster.advance(5 * second);
      cluster.faults.connect();
      cluster.startManagers();
      await cluster.advance(2 * minute);
      const { status } = await getCronJob(cluster);
      expect({ afterWrite, names: due }).toEqual({ afterWrite, names: [...new Set(due)] });
      expect({ afterWrite, last: status.lastScheduleTime }).toEqual({ afterWrite, last: expect.stringMatching(/T00:0[2-5]:00Z$/) });
      expect((status.active ?? []).length).toBeLessThanOrEqual(1);
    }
  });
});

describe('a CronJob that is changed', () => {
  it('starts nothing while it is suspended', async () => {
    const { cluster, due } = await begin('2026-01-01T00:00:30Z');
    await using _ = cluster;
    await createCronJob(cluster, '* * * * *', { suspend: true });
    await cluster.advance(hour);
    expect(due).toEqual([]);
    await patch(cluster, batchv1Resources.cronjobs, 'tick', { spec: { suspend: false } });
    await cluster.advance(second);
    expect(due.map((text) => text.slice(11, 16))).toEqual(['01:00']);
  });

  it('goes by its new schedule from the next time of it', async () => {
    const { cluster, due } = await begin('2026-01-01T00:00:30Z');
    await using _ = cluster;
    await createCronJob(cluster, '0 12 * * *');
    await cluster.advance(30 * minute);
    await patch(cluster, batchv1Resources.cronjobs, 'tick', { spec: { schedule: '0 * * * *' } });
    await cluster.advance(2 * hour);
    expect(due.map((text) => text.slice(11, 16))).toEqual(['01:00', '02:00']);
  });

  it('keeps as many ended Jobs as it is told, and remembers the last success', async () => {
    let started = 0;
    const { cluster } = await begin('2026-01-01T00:00:30Z', () => ({ exitAfterMs: second, exitCode: ++started % 2 }));
    await using _ = cluster;
    await createCronJob(cluster, '* * * * *', { jobTemplate: { spec: jobSpec({ backoffLimit: 0 }) }, failedJobsHistoryLimit: 2 });
    await cluster.advance(11 * minute);
    expect(await jobNames(cluster)).toHaveLength(3 + 2);
    const { status } = await getCronJob(cluster);
    expect(status).toEqual({ lastScheduleTime: '2026-01-01T00:11:00Z', lastSuccessfulTime: expect.stringMatching(/^2026-01-01T00:10:0/) });
  });
});
