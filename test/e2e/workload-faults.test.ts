/** Every kind of workload at once on real containers, with its cluster killed in the middle: nothing runs twice, is counted wrong or lost. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildToolboxImage, toolbox } from './images.ts';
import { unavailable } from './kubectl.ts';
import { OwnCluster } from './own-cluster.ts';

const replicas = 2;

/** Whoever starts says so in its volume; one that then still runs there finds another's name, and tells. */
const alone = `
me=$(cat /proc/sys/kernel/random/uuid)
echo "$me" > /data/owner
echo "$HOSTNAME" >> /data/starts
while sleep 0.1; do
  read -r now < /data/owner
  [ -z "$now" ] || [ "$now" = "$me" ] || echo twice >> /data/twice
done`;

const template = (app: string, script = 'exec sleep 100000', more: object = {}) => ({
  metadata: { labels: { app } },
  spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: toolbox, args: ['-c', script], ...more }] },
});
const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } } };
const workload = (kind: string, name: string, pods: object, more: object = {}) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name },
  spec: { selector: { matchLabels: { app: name } }, template: pods, ...more },
});
const workloads = [
  workload('Deployment', 'web', template('web'), { replicas }),
  workload('ReplicaSet', 'still', template('still'), { replicas }),
  workload('DaemonSet', 'each', template('each')),
  workload('StatefulSet', 'db', template('db', alone, { volumeMounts: [{ name: 'data', mountPath: '/data' }] }), {
    replicas,
    serviceName: 'db',
    podManagementPolicy: 'Parallel',
    volumeClaimTemplates: [claim],
  }),
];
const rolling = ['deployment/web', 'daemonset/each', 'statefulset/db'];

/** Six pieces of work; a container that ends with its engine starts again in its pod. */
const job = (name: string): string =>
  JSON.stringify({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      completions: 6,
      parallelism: 3,
      completionMode: 'Indexed',
      template: {
        spec: {
          restartPolicy: 'OnFailure',
          containers: [{ name: 'main', image: toolbox, args: ['-c', 'sleep 0.5'] }],
        },
      },
    },
  });

interface JobPod {
  readonly metadata: { readonly annotations: Readonly<Record<string, string>>; readonly finalizers?: readonly string[] };
  readonly status: { readonly phase: string };
}

describe.skipIf(unavailable)('workloads under faults', () => {
  let cluster: OwnCluster;
  let bystanders: string;
  let rounds = 1;
  const rolledOut = async (): Promise<void> => {
    for (const name of rolling) await cluster.kubectl(['rollout', 'status', name, '--timeout=90s']);
  };
  const starts = (pod: string): Promise<string> => cluster.kubectl(['exec', pod, '--', 'cat', '/data/starts']);

  beforeAll(async () => {
    if (unavailable) return;
    cluster = new OwnCluster({ name: `w${process.pid}` });
    await cluster.up('--wait');
    await buildToolboxImage(cluster.home, cluster.name);
    await cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: workloads }));
    await rolledOut();
    bystanders = await cluster.containers('app=still');
    expect(bystanders).toMatch(/^(still-\S+ containerd:\/\/[0-9a-f]{64} 0\n){2}$/);
  });
  afterAll(() => cluster?.remove());

  test.each([
    { who: 'the control plane', victims: ['control-plane'] },
    { who: 'the agent', victims: ['agent-1'] },
    { who: 'everything', victims: ['control-plane', 'agent-1', 'containerd-1'] },
  ])(
    'kill -9 of $who in rollouts and a Job: no ordinal runs twice, no pod is counted twice or left over, claims keep their data',
    async ({ victims }) => {
      const name = `job-${rounds}`;
      const pids = await Promise.all(victims.map((each) => cluster.pid(each)));
      for (const each of rolling) await cluster.kubectl(['set', 'env', each, `ROUND=${rounds}`]);
      await cluster.kubectl(['apply', '-f', '-'], job(name));
      const running = ['get', 'pods', '-l', `job-name=${name}`, '-o', 'jsonpath={.items[*].status.phase}'];
      await expect.poll(() => cluster.kubectl(running), { timeout: 30_000 }).toMatch(/Running|Succeeded/);
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      rounds++;
      if (victims.length > 1) await cluster.up();
      await expect.poll(() => cluster.whole(), { timeout: 30_000 }).toBe(true);

      await rolledOut();
      await cluster.kubectl(['wait', `job/${name}`, '--for=condition=Complete', '--timeout=90s']);
      const status = ['get', 'job', name, '-o', 'jsonpath={.status.completedIndexes} {.status.succeeded} {.status.failed}'];
      expect(await cluster.kubectl(status)).toBe('0-5 6 ');
      const { items } = JSON.parse(await cluster.kubectl(['get', 'pods', '-l', `job-name=${name}`, '-o', 'json'])) as { items: JobPod[] };
      const ended = items.map(
        ({ metadata, status: { phase } }) => `${metadata.annotations['batch.kubernetes.io/job-completion-index']} ${phase}`,
      );
      expect(ended.toSorted()).toEqual(['0 Succeeded', '1 Succeeded', '2 Succeeded', '3 Succeeded', '4 Succeeded', '5 Succeeded']);
      expect(items.flatMap(({ metadata }) => metadata.finalizers ?? [])).toEqual([]);

      const pods = ['get', 'pods', '-l', 'app in (web,still,each,db)', '-o', 'jsonpath={.items[*].metadata.labels.app}'];
      await expect
        .poll(async () => (await cluster.kubectl(pods)).split(' ').toSorted().join(' '), { timeout: 30_000 })
        .toBe('db db each still still web web');
      expect(await cluster.containers('app=still')).toBe(bystanders);
      for (const pod of ['db-0', 'db-1']) {
        expect(await cluster.kubectl(['exec', pod, '--', 'ls', '/data'])).toBe('owner\nstarts\n');
        // Each round of updates starts it at least once more, upon what it wrote before.
        expect(await starts(pod)).toMatch(new RegExp(`^(${pod}\n){${rounds},}$`));
      }
    },
  );

  test('down and up bring everything back, and what was claimed', async () => {
    const before = await starts('db-1');
    await cluster.down();
    await cluster.up('--wait');
    await rolledOut();
    await expect.poll(() => starts('db-1').catch(() => ''), { timeout: 30_000 }).toBe(`${before}db-1\n`);
    expect(await cluster.kubectl(['exec', 'db-1', '--', 'ls', '/data'])).toBe('owner\nstarts\n');
  });
});
