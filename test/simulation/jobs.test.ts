import { describe, expect, it } from 'vitest';
import { batchv1Resources, type corev1, corev1Resources } from '../../src/api/index.ts';
import { VirtualClock } from '../../src/base/index.ts';
import { FirstLooks } from '../../src/controllers/job/first-looks.ts';
import { type Cluster, type ClusterOptions, type SimulatedNodeOptions, startCluster } from '../../src/testing/index.ts';
import { createJob, describeStatus, endOf, getJob, type JobOptions, JobStory, podsOfJob, tallyOf, untilEnded } from './job-story.ts';
import { eventsOf, find, namespace, patch } from './objects.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

type Script = NonNullable<SimulatedNodeOptions['script']>;

const ends =
  (exitCode: number, afterMs = second): Script =>
  () => ({ exitAfterMs: afterMs, exitCode });
const runs: Script = () => ({});
/** By the completion index in the name of the pod. */
const byIndex =
  (script: (index: number, sandbox: string) => ReturnType<Script>): Script =>
  (_, { metadata }) =>
    script(Number(/-(\d+)-[^-]+$/.exec(metadata?.name ?? '')?.[1]), metadata?.name ?? '');

async function begin(script: Script, options: Partial<ClusterOptions> = {}): Promise<{ cluster: Cluster; story: JobStory }> {
  const story = new JobStory();
  const cluster = await startCluster({ clock: new VirtualClock(), node: { script }, onChange: story.record, ...options });
  return { cluster, story };
}

const eventsText = async (cluster: Cluster, name: string): Promise<string[]> =>
  (await eventsOf(cluster, name)).map(({ reason, message, count = 1 }) => `${reason}: ${message}${count > 1 ? ` (${count})` : ''}`);

describe('a Job', () => {
  it('runs as many pods as it wants at a time, and completes', async () => {
    const { cluster, story } = await begin(ends(0, 10 * second));
    await using _ = cluster;
    await createJob(cluster, 'work', { completions: 3, parallelism: 2 });
    await untilEnded(cluster, 'work');
    expect(story.lines).toEqual([
      '0 work: ',
      '0 work: 2 active',
      '1 work: 2 active, 2 ready',
      '11 work: 1 active, 2 uncounted',
      '11 work: 1 active, 2 succeeded',
      '12 work: 1 active, 1 ready, 2 succeeded',
      '22 work: 2 succeeded, 1 uncounted, SuccessCriteriaMet (CompletionsReached)',
      '22 work: 3 succeeded, SuccessCriteriaMet (CompletionsReached), Complete (CompletionsReached)',
    ]);
    expect(story.mostAlive).toBe(2);
    expect((await eventsText(cluster, 'work')).at(-1)).toBe('Completed: Job completed');
    expect((await podsOfJob(cluster, 'work')).every(({ metadata }) => metadata.finalizers === undefined)).toBe(true);
  });

  it('waits ever longer after failures, and gives up at its limit', async () => {
    const { cluster, story } = await begin(ends(1));
    await using _ = cluster;
    await createJob(cluster, 'fails', { backoffLimit: 8 });
    await untilEnded(cluster, 'fails');
    // A second's run, then ten seconds, doubling up to ten minutes.
    expect(story.births.slice(1).map((at, i) => at - story.births[i]! - 1)).toEqual([10, 20, 40, 80, 160, 320, 600, 600]);
    expect(describeStatus(await getJob(cluster, 'fails'))).toBe(
      '9 failed, FailureTarget (BackoffLimitExceeded), Failed (BackoffLimitExceeded)',
    );
    expect((await eventsText(cluster, 'fails')).at(-1)).toBe('BackoffLimitExceeded: Job has reached the specified backoff limit');
  });

  it('counts the restarts of containers that are restarted in place', async () => {
    const { cluster, story } = await begin(ends(1));
    await using _ = cluster;
    await createJob(cluster, 'restarts', { backoffLimit: 2, pod: { restartPolicy: 'OnFailure' } });
    await untilEnded(cluster, 'restarts');
    expect(story.births).toHaveLength(1);
    expect(endOf(await getJob(cluster, 'restarts'))).toBe('Failed: BackoffLimitExceeded');
  });

  it('without completions ends with its first success, after the others', async () => {
    let started = 0;
    const { cluster, story } = await begin(() => ({ exitAfterMs: 10 * second * ++started }));
    await using _ = cluster;
    await createJob(cluster, 'queue', { parallelism: 3 });
    await untilEnded(cluster, 'queue');
    expect(story.births).toEqual([0, 0, 0]);
    expect(describeStatus(await getJob(cluster, 'queue'))).toContain('3 succeeded');
  });

  it('ends at its deadline, and takes its pods along', async () => {
    const { cluster, story } = await begin(runs);
    await using _ = cluster;
    await createJob(cluster, 'late', { parallelism: 2, completions: 2, activeDeadlineSeconds: 90 });
    await untilEnded(cluster, 'late');
    expect(story.lines.slice(2)).toEqual([
      '1 late: 2 active, 2 ready',
      '90 late: 2 terminating, 2 uncounted, FailureTarget (DeadlineExceeded)',
      '90 late: 2 terminating, 2 failed, FailureTarget (DeadlineExceeded)',
      '91 late: 2 failed, FailureTarget (DeadlineExceeded)',
      '91 late: 2 failed, FailureTarget (DeadlineExceeded), Failed (DeadlineExceeded)',
    ]);
    expect((await eventsText(cluster, 'late')).at(-1)).toBe('DeadlineExceeded: Job was active longer than specified deadline');
  });

  it('is suspended and resumed: its pods go uncounted, its time begins anew', async () => {
    const { cluster, story } = await begin(ends(0, minute));
    await using _ = cluster;
    await createJob(cluster, 'pausing', { activeDeadlineSeconds: 80 });
    await cluster.advance(30 * second);
    await patch(cluster, batchv1Resources.jobs, 'pausing', { spec: { suspend: true } });
    await cluster.advance(30 * minute);
    expect(describeStatus(await getJob(cluster, 'pausing'))).toBe('Suspended (JobSuspended)');
    await patch(cluster, batchv1Resources.jobs, 'pausing', { spec: { suspend: false } });
    await untilEnded(cluster, 'pausing');
    const job = await getJob(cluster, 'pausing');
    expect(describeStatus(job)).toBe(
      '1 succeeded, not Suspended (JobResumed), SuccessCriteriaMet (CompletionsReached), Complete (CompletionsReached)',
    );
    expect(job.status.startTime).toBe('2026-01-01T00:30:30Z');
    expect(story.births).toHaveLength(2);
    expect((await eventsText(cluster, 'pausing')).map((text) => text.replace(/-\w{5}$/, ''))).toEqual([
      'SuccessfulCreate: Created pod: pausing',
      'SuccessfulDelete: Deleted pod: pausing',
      'Suspended: Job suspended',
      'SuccessfulCreate: Created pod: pausing',
      'Resumed: Job resumed',
      'Completed: Job completed',
    ]);
  });

  it('is left alone when another controller manages it', async () => {
    const { cluster, story } = await begin(ends(0));
    await using _ = cluster;
    await createJob(cluster, 'theirs', { managedBy: 'example.com/other' });
    await cluster.advance(hour);
    expect(story.births).toEqual([]);
    expect((await getJob(cluster, 'theirs')).status).toEqual({});
  });

  it('is deleted some time after its end, with its pods', async () => {
    const { cluster } = await begin(ends(0));
    await using _ = cluster;
    await createJob(cluster, 'brief', { ttlSecondsAfterFinished: 600 });
    await untilEnded(cluster, 'brief');
    await cluster.advance(599 * second);
    expect(await find(cluster, batchv1Resources.jobs, 'brief')).toBeDefined();
    await cluster.advance(5 * second);
    expect(await find(cluster, batchv1Resources.jobs, 'brief')).toBeUndefined();
    expect(await podsOfJob(cluster, 'brief')).toEqual([]);
  });

  it.each(['Orphan', 'Background', 'Foreground'])('lets its pods go when it is deleted: %s', async (propagationPolicy) => {
    const { cluster } = await begin(runs);
    await using _ = cluster;
    await createJob(cluster, 'leaving', { parallelism: 2 });
    await cluster.advance(10 * second);
    await cluster.client.delete(
      batchv1Resources.jobs,
      { namespace, name: 'leaving' },
      { signal: cluster.signal, body: { propagationPolicy } },
    );
    await cluster.advance(2 * minute);
    const left = await podsOfJob(cluster, 'leaving');
    expect(await find(cluster, batchv1Resources.jobs, 'leaving')).toBeUndefined();
    expect(left.map(({ metadata }) => [metadata.finalizers, metadata.ownerReferences])).toEqual(
      propagationPolicy === 'Orphan'
        ? [
            [undefined, undefined],
            [undefined, undefined],
          ]
        : [],
    );
  });

  it('adopts pods that its selector finds, and lets go of those that it no longer does', async () => {
    const { cluster } = await begin(runs);
    await using _ = cluster;
    await createJob(cluster, 'keeper', { parallelism: 2 });
    await cluster.advance(10 * second);
    const [pod] = await podsOfJob(cluster, 'keeper');
    const { name, labels } = pod!.metadata;
    await patch(cluster, corev1Resources.pods, name, { metadata: { ownerReferences: [{ $patch: 'replace' }] } });
    await cluster.advance(5 * second);
    const adopted = (await podsOfJob(cluster, 'keeper')).find(({ metadata }) => metadata.name === name);
    expect(adopted?.metadata.ownerReferences).toMatchObject([{ kind: 'Job', name: 'keeper', controller: true }]);
    expect(adopted?.metadata.finalizers).toEqual(['batch.kubernetes.io/job-tracking']);
    const without = Object.fromEntries(Object.keys(labels ?? {}).map((key) => [key, null]));
    await patch(cluster, corev1Resources.pods, name, { metadata: { labels: without } });
    await cluster.advance(5 * second);
    const released = await find(cluster, corev1Resources.pods, name);
    expect([released?.metadata.ownerReferences, released?.metadata.finalizers]).toEqual([undefined, undefined]);
    expect(await podsOfJob(cluster, 'keeper')).toHaveLength(2);
  });
});

describe('pods of a Job that are deleted', () => {
  const rows = [
    { policy: 'TerminatingOrFailed', most: 2 },
    { policy: 'Failed', most: 1 },
  ] as const;
  it.each(rows)('are replaced, $policy: at most $most alive', async ({ policy, most }) => {
    const { cluster, story } = await begin(() => ({ ignoresStop: true }));
    await using _ = cluster;
    await createJob(cluster, 'replaced', { podReplacementPolicy: policy, backoffLimit: 3 });
    await cluster.advance(10 * second);
    const [pod] = await podsOfJob(cluster, 'replaced');
    await cluster.client.delete(corev1Resources.pods, pod!.metadata, { signal: cluster.signal, body: { gracePeriodSeconds: 20 } });
    await cluster.advance(2 * minute);
    expect(story.mostAlive).toBe(most);
    expect(describeStatus(await getJob(cluster, 'replaced'))).toBe('1 active, 1 ready, 1 failed');
  });

  it('do not count when the policy ignores disruptions', async () => {
    const { cluster, story } = await begin(() => ({ exitAfterMs: 5 * minute, ignoresStop: true }), { nodes: 3 });
    await using _ = cluster;
    const podFailurePolicy = { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }] } as const;
    await createJob(cluster, 'disturbed', { completions: 4, parallelism: 4, backoffLimit: 0, podFailurePolicy });
    await cluster.advance(minute);
    const [pod] = await podsOfJob(cluster, 'disturbed');
    const node = pod!.spec.nodeName!;
    const moved = (await podsOfJob(cluster, 'disturbed')).filter(({ spec }) => spec.nodeName === node).length;
    await patch(cluster, corev1Resources.nodes, node, { spec: { taints: [{ key: 'leave', effect: 'NoExecute' }] } });
    await untilEnded(cluster, 'disturbed');
    expect(describeStatus(await getJob(cluster, 'disturbed'))).toBe(
      '4 succeeded, SuccessCriteriaMet (CompletionsReached), Complete (CompletionsReached)',
    );
    expect(tallyOf(story.pods.values())).toEqual({ Succeeded: 4, Failed: moved });
  });
});

/**
 * Runs a Job whose controllers die, with what they were about to ask, right after the write of that number; new ones come five seconds
 * later.
 */
async function runWithDeath(options: JobOptions, { script, afterWrite }: { readonly script: Script; readonly afterWrite: number }) {
  const story = new JobStory();
  let [writes, isDead] = [0, false];
  const cluster: Cluster = await startCluster({
    clock: new VirtualClock(),
    node: { script },
    onChange: (change) => {
      story.record(change);
      if (!/\/(jobs|pods)\/default\//.test(change.key) || ++writes !== afterWrite) return;
      isDead = true;
      cluster.faults.disconnect();
    },
  });
  await using _ = cluster;
  await createJob(cluster, 'mortal', options);
  await cluster.until(
    'its controllers are dead, or need not die',
    async () => isDead || endOf(await getJob(cluster, 'mortal')) !== undefined,
  );
  if (isDead) {
    await cluster.stopManagers();
    await cluster.advance(5 * second);
    cluster.faults.connect();
    cluster.startManagers();
  }
  await untilEnded(cluster, 'mortal');
  return { status: (await getJob(cluster, 'mortal')).status, pods: [...story.pods.values()], isDead };
}

describe('a Job whose controller dies', () => {
  const rows: readonly { readonly name: string; readonly options: JobOptions; readonly script: () => Script; readonly expected: object }[] =
    [
      {
        name: 'without indexes, whose every third pod fails',
        options: { completions: 4, parallelism: 2 },
        script: () => {
          let started = 0;
          return () => ({ exitAfterMs: second, exitCode: ++started % 3 === 0 ? 1 : 0 });
        },
        expected: { succeeded: 4 },
      },
      {
        name: 'with indexes, of which one fails twice',
        options: { completionMode: 'Indexed', completions: 3, parallelism: 3, backoffLimitPerIndex: 1 },
        script: () => byIndex((index) => ({ exitAfterMs: second, exitCode: index === 1 ? 1 : 0 })),
        expected: { succeeded: 2, failed: 2, completedIndexes: '0,2', failedIndexes: '1' },
      },
    ];
  it.each(rows)('counts every pod once: $name', async ({ options, script, expected }) => {
    let deaths = 0;
    for (let afterWrite = 1; ; afterWrite++) {
      const { status, pods, isDead } = await runWithDeath(options, { script: script(), afterWrite });
      if (!isDead) break;
      deaths++;
      const { Succeeded = 0, Failed = 0 } = tallyOf(pods);
      expect({ afterWrite, ...status }).toMatchObject({ ...expected, succeeded: Succeeded, uncountedTerminatedPods: {} });
      expect({ afterWrite, failed: status.failed ?? 0 }).toEqual({ afterWrite, failed: Failed });
    }
    expect(deaths).toBeGreaterThan(20);
  });
});

describe('a manager that takes over', () => {
  it('does not count again what its cache still shows as uncounted', async () => {
    const { cluster } = await begin(ends(0));
    await using _ = cluster;
    await createJob(cluster, 'taken', { completions: 2, parallelism: 2 });
    await cluster.until('its pods have ended', async () => tallyOf(await podsOfJob(cluster, 'taken'))['Succeeded'] === 2);
    const stale = await podsOfJob(cluster, 'taken');
    await untilEnded(cluster, 'taken');
    const job = await getJob(cluster, 'taken');
    const looks = new FirstLooks(cluster.client);
    expect(await looks.releasedBefore(job, stale, cluster.signal)).toEqual(stale.map(({ metadata }) => metadata.uid));
    // Afterwards it is this one that counts, and knows.
    expect(await looks.releasedBefore(job, stale, cluster.signal)).toEqual([]);
  });
});

describe('an Indexed Job', () => {
  const indexed = (completions: number, options: JobOptions = {}): JobOptions => ({
    completionMode: 'Indexed',
    completions,
    parallelism: completions,
    ...options,
  });

  it('does every index once, and tells each pod which one it is', async () => {
    const { cluster, story } = await begin(ends(0, 10 * second));
    await using _ = cluster;
    await createJob(cluster, 'indexed', indexed(5, { parallelism: 2 }));
    await untilEnded(cluster, 'indexed');
    const pods = [...story.pods.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    const told = ({ metadata, spec }: corev1.Pod): string =>
      [metadata.labels, metadata.annotations].map((map) => map?.['batch.kubernetes.io/job-completion-index']).join(' ') +
      ` ${spec.hostname} ${spec.containers[0]?.env?.[0]?.name}`;
    expect(pods.map(told)).toEqual([0, 1, 2, 3, 4].map((index) => `${index} ${index} indexed-${index} JOB_COMPLETION_INDEX`));
    expect((await getJob(cluster, 'indexed')).status).toMatchObject({ succeeded: 5, completedIndexes: '0-4' });
  });

  it('tries each index as often as it may, and fails when all is tried', async () => {
    const { cluster, story } = await begin(byIndex((index) => ({ exitAfterMs: second, exitCode: index % 2 })));
    await using _ = cluster;
    await createJob(cluster, 'odd', indexed(4, { backoffLimitPerIndex: 2 }));
    await untilEnded(cluster, 'odd');
    expect(describeStatus(await getJob(cluster, 'odd'))).toBe(
      '2 succeeded, 6 failed, done 0,2, failed indexes 1,3, FailureTarget (FailedIndexes), Failed (FailedIndexes)',
    );
    const failures = [...story.pods.values()].map(({ metadata }) => {
      const { annotations } = metadata;
      return `${annotations?.['batch.kubernetes.io/job-completion-index']}: ${annotations?.['batch.kubernetes.io/job-index-failure-count']}`;
    });
    expect(failures.sort()).toEqual(['0: 0', '1: 0', '1: 1', '1: 2', '2: 0', '3: 0', '3: 1', '3: 2']);
    // Both wait ten seconds, then twenty, each from its own failure.
    expect(story.births).toEqual([0, 0, 0, 0, 11, 11, 32, 32]);
  });

  it('stops when more indexes have failed than may', async () => {
    const { cluster } = await begin(byIndex((index) => (index < 2 ? { exitAfterMs: second, exitCode: 1 } : {})));
    await using _ = cluster;
    await createJob(cluster, 'strict', indexed(4, { backoffLimitPerIndex: 0, maxFailedIndexes: 1 }));
    await untilEnded(cluster, 'strict');
    expect(describeStatus(await getJob(cluster, 'strict'))).toBe(
      '4 failed, failed indexes 0,1, FailureTarget (MaxFailedIndexesExceeded), Failed (MaxFailedIndexesExceeded)',
    );
  });

  const policies = [
    { name: 'FailJob', action: 'FailJob', limits: {}, status: 'Failed (PodFailurePolicy)' },
    { name: 'FailIndex', action: 'FailIndex', limits: { backoffLimitPerIndex: 5 }, status: 'Failed (FailedIndexes)' },
    { name: 'Count', action: 'Count', limits: { backoffLimit: 0 }, status: 'Failed (BackoffLimitExceeded)' },
    { name: 'Ignore', action: 'Ignore', limits: { backoffLimit: 0 }, status: 'Complete (CompletionsReached)' },
  ] as const;
  it.each(policies)('does with an exit code what its policy says: $name', async ({ action, limits, status }) => {
    let tries = 0;
    const { cluster } = await begin(byIndex((index) => ({ exitAfterMs: second, exitCode: index === 1 && tries++ < 3 ? 42 : 0 })));
    await using _ = cluster;
    const podFailurePolicy = { rules: [{ action, onExitCodes: { operator: 'In', values: [42] } }] } as const;
    await createJob(cluster, 'policed', indexed(3, { podFailurePolicy, ...limits }));
    await untilEnded(cluster, 'policed');
    expect(describeStatus(await getJob(cluster, 'policed'))).toContain(status);
    expect(tries).toBe(action === 'Ignore' ? 4 : 1);
  });

  it('succeeds with the indexes that its policy asks for, and ends the others', async () => {
    const { cluster, story } = await begin(byIndex((index) => (index === 2 ? { exitAfterMs: minute } : {})));
    await using _ = cluster;
    await createJob(cluster, 'leader', indexed(4, { successPolicy: { rules: [{ succeededIndexes: '2-3', succeededCount: 1 }] } }));
    await untilEnded(cluster, 'leader');
    expect(story.lines.slice(-3)).toEqual([
      '61 leader: 3 terminating, 1 succeeded, done 2, SuccessCriteriaMet (SuccessPolicy)',
      '62 leader: 1 succeeded, done 2, SuccessCriteriaMet (SuccessPolicy)',
      '62 leader: 1 succeeded, done 2, SuccessCriteriaMet (SuccessPolicy), Complete (SuccessPolicy)',
    ]);
  });

  it('grows and shrinks with its parallelism', async () => {
    const { cluster } = await begin(byIndex((index) => (index < 3 ? { exitAfterMs: second } : {})));
    await using _ = cluster;
    await createJob(cluster, 'elastic', indexed(4));
    await cluster.advance(minute);
    expect(describeStatus(await getJob(cluster, 'elastic'))).toBe('1 active, 1 ready, 3 succeeded, done 0-2');
    await patch(cluster, batchv1Resources.jobs, 'elastic', { spec: { completions: 6, parallelism: 6 } });
    await cluster.advance(minute);
    expect(describeStatus(await getJob(cluster, 'elastic'))).toBe('3 active, 3 ready, 3 succeeded, done 0-2');
    await patch(cluster, batchv1Resources.jobs, 'elastic', { spec: { completions: 2, parallelism: 2 } });
    await untilEnded(cluster, 'elastic');
    expect(describeStatus(await getJob(cluster, 'elastic'))).toBe(
      '2 succeeded, done 0,1, SuccessCriteriaMet (CompletionsReached), Complete (CompletionsReached)',
    );
  });
});
