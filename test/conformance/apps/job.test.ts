import { describe, expect, test } from 'vitest';
import { toolbox } from '../../e2e/images.ts';
import { eventually, type Json, patienceMs, unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';

/** Failures are followed by waits of ten seconds and more. */
const longMs = 2.5 * patienceMs;
const testMs = 240_000;

const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };
const strategicPatch = { headers: { 'content-type': 'application/strategic-merge-patch+json' } };

/** What the containers of upstream's test Jobs do. */
const behaviours = {
  succeed: 'exit 0',
  fail: 'exit 1',
  notTerminate: 'exec sleep 1000000',
  failOnce: 'if [ -r /data/foo ]; then exit 0; else touch /data/foo; exit 1; fi',
  failOddSucceedEven: 'if [ $((JOB_COMPLETION_INDEX % 2)) -ne 0 ]; then exit 1; else exit 0; fi',
  notTerminateOddSucceedEven: 'if [ $((JOB_COMPLETION_INDEX % 2)) -ne 0 ]; then exec sleep 1000000; else exit 0; fi',
  // The first pod of index 0 leaves its mark and stays; the others fail until the mark is there.
  notTerminateOnce:
    'if [ -r /data/foo ]; then exit 0; elif [ "$JOB_COMPLETION_INDEX" = 0 ]; then touch /data/foo; exec sleep 1000000; else exit 1; fi',
} as const;

describe.skipIf(unavailable)('apps/job', () => {
  const cluster = useCluster('conformance-job');
  const jobs = (rest = ''): string => cluster.path('batch/v1', `jobs${rest}`);
  const pods = (rest = ''): string => cluster.path('v1', `pods${rest}`);

  interface TestJob {
    readonly spec?: Json;
    readonly pod?: Json;
    readonly volume?: Json;
    readonly labels?: Json;
  }
  const create = (
    name: string,
    behaviour: keyof typeof behaviours,
    { spec, pod, volume = { emptyDir: {} }, labels }: TestJob = {},
  ): Promise<Json> =>
    cluster.api('POST', jobs(), {
      metadata: { name, ...(labels && { labels }) },
      spec: {
        parallelism: 2,
        completions: 4,
        ...spec,
        template: {
          metadata: { labels: { job: name } },
          spec: {
            restartPolicy: 'Never',
            terminationGracePeriodSeconds: 0,
            volumes: [{ name: 'data', ...volume }],
            containers: [
              {
                name: 'c',
                image: toolbox,
                command: ['/bin/sh', '-c', behaviours[behaviour]],
                volumeMounts: [{ mountPath: '/data', name: 'data' }],
              },
            ],
            ...pod,
          },
        },
      },
    });
  const get = (name: string): Promise<Json> => cluster.api('GET', jobs(`/${name}`));
  const podsOf = async (name: string): Promise<Json[]> => (await cluster.api('GET', pods(`?labelSelector=job%3D${name}`))).items;
  const running = async (name: string): Promise<Json[]> => (await podsOf(name)).filter(({ status }) => status.phase === 'Running');
  const untilRunning = (name: string, count: number): Promise<Json[]> =>
    eventually(async () => {
      const found = await running(name);
      expect(found).toHaveLength(count);
      return found;
    }, longMs);
  /** Waits for a condition that is true for a reason. @returns the Job */
  const until = (name: string, type: string, reason: string): Promise<Json> =>
    eventually(async () => {
      const job = await get(name);
      expect(job.status.conditions).toContainEqual(expect.objectContaining({ type, status: 'True', reason }));
      return job;
    }, longMs);
  const untilComplete = async (name: string, reason: string): Promise<Json> => {
    await until(name, 'SuccessCriteriaMet', reason);
    return until(name, 'Complete', reason);
  };
  const untilFailed = async (name: string, reason: string): Promise<Json> => {
    await until(name, 'FailureTarget', reason);
    return until(name, 'Failed', reason);
  };
  const gone = (path: string): Promise<void> =>
    eventually(async () => {
      expect((await cluster.request('GET', path)).status).toBe(404);
    }, longMs);
  const indexed = { completionMode: 'Indexed' };
  const perIndex = (limits: Json): Json => ({ ...indexed, ...limits });

  test.concurrent('Ensure Pods of an Indexed Job get a unique index.', { timeout: testMs }, async () => {
    await create('indexed-job', 'succeed', { spec: indexed });
    await untilComplete('indexed-job', 'CompletionsReached');
    const succeeded = (await podsOf('indexed-job')).filter(({ status }) => status.phase === 'Succeeded');
    const indexes = succeeded.map(({ metadata, spec }) => {
      const index = metadata.annotations['batch.kubernetes.io/job-completion-index'];
      expect(spec.hostname).toBe(`indexed-job-${index}`);
      expect(spec.containers[0].env).toContainEqual(expect.objectContaining({ name: 'JOB_COMPLETION_INDEX' }));
      return Number(index);
    });
    expect(indexes.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3]);
  });

  test.concurrent('Verify Pod Failure policy allows to fail job early on exit code.', { timeout: testMs }, async () => {
    const podFailurePolicy = { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [1] } }] };
    await create('pod-failure-failjob', 'fail', { spec: { podFailurePolicy } });
    await untilFailed('pod-failure-failjob', 'PodFailurePolicy');
  });

  test.concurrent(
    'Ensure pod failure policy allows to ignore failure matching on the DisruptionTarget condition',
    { timeout: testMs },
    async () => {
      const name = 'evicted-pod-ignore';
      const podFailurePolicy = {
        rules: [
          { action: 'Ignore', onExitCodes: { operator: 'In', values: [1] } },
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        ],
      };
      const node = (await cluster.api('GET', '/api/v1/nodes')).items[0].metadata.name;
      await create(name, 'notTerminateOnce', {
        spec: { ...indexed, backoffLimit: 0, podFailurePolicy },
        pod: { nodeName: node },
        volume: { hostPath: { path: `/tmp/${cluster.namespace}-${Date.now()}`, type: 'DirectoryOrCreate' } },
      });
      await eventually(async () => {
        expect((await podsOf(name)).filter(({ status }) => status.phase === 'Succeeded')).toHaveLength(3);
      }, longMs);
      const [pod] = await untilRunning(name, 1);
      await cluster.api('POST', pods(`/${pod.metadata.name}/eviction`), {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: pod.metadata.name },
      });
      await gone(pods(`/${pod.metadata.name}`));
      expect((await untilComplete(name, 'CompletionsReached')).status).toMatchObject({ succeeded: 4 });
    },
  );

  test.concurrent(
    'Ensure that all indexes are executed for an indexed job with backoffLimitPerIndex despite some failing',
    { timeout: testMs },
    async () => {
      await create('with-limit-per-index', 'failOddSucceedEven', { spec: perIndex({ backoffLimitPerIndex: 1 }) });
      const { status } = await untilFailed('with-limit-per-index', 'FailedIndexes');
      expect(status).toMatchObject({ failedIndexes: '1,3', completedIndexes: '0,2', failed: 4, succeeded: 2 });
    },
  );

  test.concurrent('Terminate job execution when the maxFailedIndexes is exceeded', { timeout: testMs }, async () => {
    const spec = perIndex({ parallelism: 1, backoffLimitPerIndex: 0, maxFailedIndexes: 0 });
    await create('with-max-failed-indexes', 'fail', { spec });
    const { status } = await untilFailed('with-max-failed-indexes', 'MaxFailedIndexesExceeded');
    expect(status).toMatchObject({ failedIndexes: '0', failed: 1 });
  });

  test.concurrent('Mark indexes as failed when the FailIndex action is matched in podFailurePolicy', { timeout: testMs }, async () => {
    const podFailurePolicy = { rules: [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [1] } }] };
    const spec = perIndex({ completions: 2, backoffLimitPerIndex: 1, podFailurePolicy });
    await create('matching-fail-index', 'failOddSucceedEven', { spec });
    const { status } = await untilFailed('matching-fail-index', 'FailedIndexes');
    expect(status).toMatchObject({ failedIndexes: '1', completedIndexes: '0', failed: 1, succeeded: 1 });
  });

  /** Two indexes, of which enough succeed by the rules; whatever runs then is ended. */
  const succeedsByPolicy = async (
    name: string,
    behaviour: keyof typeof behaviours,
    { rules, status }: { readonly rules: Json; readonly status: Json },
  ): Promise<void> => {
    await create(name, behaviour, { spec: { ...indexed, completions: 2, parallelism: 2, successPolicy: { rules } } });
    const job = await untilComplete(name, 'SuccessPolicy');
    expect(job.status).toMatchObject({ ...status, terminating: 0 });
    expect(job.status).not.toHaveProperty('active');
    expect(await running(name)).toEqual([]);
  };
  const firstOnly = { completedIndexes: '0', succeeded: 1 };

  test.concurrent('Ensure that job with successPolicy succeeded when all indexes succeeded', { timeout: testMs }, () =>
    succeedsByPolicy('success-all', 'succeed', { rules: [{ succeededIndexes: '0-1' }], status: { completedIndexes: '0,1', succeeded: 2 } }),
  );

  test.concurrent(
    'Ensure that job with successPolicy succeededIndexes rule succeeded even when some indexes remain pending',
    { timeout: testMs },
    () => succeedsByPolicy('success-indexes', 'notTerminateOddSucceedEven', { rules: [{ succeededIndexes: '0' }], status: firstOnly }),
  );

  test.concurrent(
    'Ensure that job with successPolicy succeededCount rule succeeded even when some indexes remain pending',
    { timeout: testMs },
    () => succeedsByPolicy('success-count', 'notTerminateOddSucceedEven', { rules: [{ succeededCount: 1 }], status: firstOnly }),
  );

  test.concurrent('Jobs, completion after task failure', { timeout: testMs }, async () => {
    await create('fail-once-local', 'failOnce', { pod: { restartPolicy: 'OnFailure' } });
    expect((await untilComplete('fail-once-local', 'CompletionsReached')).status.succeeded).toBe(4);
  });

  test.concurrent('Jobs, active pods, graceful termination', { timeout: testMs }, async () => {
    const job = await create('foo', 'notTerminate');
    await untilRunning('foo', 2);
    await cluster.api('DELETE', jobs('/foo'), { propagationPolicy: 'Foreground', preconditions: { uid: job.metadata.uid } });
    await gone(jobs('/foo'));
    expect(await podsOf('foo')).toEqual([]);
  });

  test.concurrent('Jobs, orphan pods, re-adoption', { timeout: testMs }, async () => {
    const job = await create('adopt-release', 'notTerminate');
    const [pod] = await untilRunning('adopt-release', 2);
    const path = pods(`/${pod.metadata.name}`);
    const controllerOf = async (): Promise<Json> =>
      ((await cluster.api('GET', path)).metadata.ownerReferences ?? []).find(({ controller }: Json) => controller);
    await cluster.api('PATCH', path, { metadata: { ownerReferences: null } }, mergePatch);
    await eventually(async () => {
      expect(await controllerOf()).toMatchObject({ kind: 'Job', name: 'adopt-release', uid: job.metadata.uid });
    }, longMs);
    await cluster.api('PATCH', path, { metadata: { labels: null } }, mergePatch);
    await eventually(async () => {
      expect(await controllerOf()).toBeUndefined();
    }, longMs);
    await cluster.api('DELETE', path);
  });

  test.concurrent('Jobs, apply changes to status', { timeout: testMs }, async () => {
    const name = 'status-changes';
    const created = await create(name, 'notTerminate');
    await untilRunning(name, 2);
    const now = (): string => `${new Date().toISOString().slice(0, 19)}Z`;
    const first = now();
    const second = new Date(Date.parse(first) + 1_000).toISOString().replace('.000', '');
    const custom = (time: string): Json => ({ type: 'CustomConditionType', status: 'True', lastProbeTime: null, lastTransitionTime: time });
    const ofType = (job: Json): Json => job.status.conditions.find(({ type }: Json) => type === 'CustomConditionType');
    const body = { metadata: { annotations: { patchedstatus: 'true' } }, status: { conditions: [custom(first)] } };
    const patched = await cluster.api('PATCH', jobs(`/${name}/status`), body, mergePatch);
    expect(ofType(patched).lastTransitionTime).toBe(first);
    expect(patched.metadata.annotations).toMatchObject({ patchedstatus: 'true' });
    await eventually(async () => {
      const job = await cluster.api('GET', jobs(`/${name}`));
      ofType(job).lastTransitionTime = second;
      expect(ofType(await cluster.api('PUT', jobs(`/${name}/status`), job)).lastTransitionTime).toBe(second);
    });
    expect((await cluster.api('GET', jobs(`/${name}/status`))).metadata.uid).toBe(created.metadata.uid);
    await cluster.api('DELETE', jobs(`/${name}`), { propagationPolicy: 'Background' });
  });

  test.concurrent('Jobs, manage lifecycle', { timeout: testMs }, async () => {
    const name = 'e2e-lifecycle';
    const selector = `labelSelector=e2e-job-label%3D${name}`;
    await using watch = await HeldWatch.open(cluster.transport(), jobs(`?${selector}`));
    await create(name, 'succeed', { spec: { suspend: true }, labels: { 'e2e-job-label': name } });
    const patched = await cluster.api('PATCH', jobs(`/${name}`), { metadata: { labels: { [name]: 'patched' } } }, strategicPatch);
    expect(patched.metadata.labels).toMatchObject({ [name]: 'patched' });
    await watch.until(({ type, object }) => type === 'MODIFIED' && object.metadata.labels[name] === 'patched');
    await eventually(async () => {
      const job = await get(name);
      job.spec.suspend = false;
      job.metadata.annotations = { ...job.metadata.annotations, updated: 'true' };
      await cluster.api('PUT', jobs(`/${name}`), job);
    });
    await watch.until(({ type, object }) => type === 'MODIFIED' && object.metadata.annotations?.updated === 'true');
    expect((await cluster.api('GET', `/apis/batch/v1/jobs?${selector}`)).items).toHaveLength(1);
    await untilComplete(name, 'CompletionsReached');
    await cluster.api('DELETE', jobs(`?${selector}`), { propagationPolicy: 'Background' });
    await watch.until(({ type, object }) => type === 'DELETED' && object.metadata.name === name);
    expect((await cluster.api('GET', `/apis/batch/v1/jobs?${selector}`)).items).toEqual([]);
  });
});
