/** Jobs and CronJobs for the tests of simulated clusters, and what became of them as text that reads like an account of it. */
import {
  type batchv1,
  batchv1Resources,
  type corev1,
  corev1Resources,
  isPodTerminal,
  isPodTerminating,
  type Unsaved,
} from '../../src/api/index.ts';
import type { Change, Cluster } from '../../src/testing/index.ts';
import { get, namespace } from './objects.ts';

export type Job = batchv1.Job;

export interface JobOptions extends Omit<Partial<batchv1.JobSpec>, 'template'> {
  readonly pod?: Partial<corev1.PodSpec>;
}

export function jobSpec({ pod, ...spec }: JobOptions = {}): batchv1.JobSpec {
  return { ...spec, template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'app:1' }], ...pod } } };
}

export function jobManifest(name: string, options?: JobOptions): Unsaved<Job> {
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name, namespace }, spec: jobSpec(options) };
}

export const createJob = (cluster: Cluster, name: string, options?: JobOptions): Promise<Job> =>
  cluster.client.create(batchv1Resources.jobs, jobManifest(name, options), { signal: cluster.signal });

export const getJob = (cluster: Cluster, name: string): Promise<Job> => get(cluster, batchv1Resources.jobs, name);

export async function podsOfJob(cluster: Cluster, name: string): Promise<readonly corev1.Pod[]> {
  const { items } = await cluster.client.list(corev1Resources.pods, {
    namespace,
    labelSelector: `job-name=${name}`,
    signal: cluster.signal,
  });
  return items;
}

/** `Complete: CompletionsReached` or the like; undefined while it runs. */
export function endOf({ status }: Job): string | undefined {
  const end = status.conditions?.find(({ type, status: value }) => (type === 'Complete' || type === 'Failed') && value === 'True');
  return end && `${end.type}: ${end.reason}`;
}

export const untilEnded = (cluster: Cluster, name: string, limitMs = 24 * 3_600_000): Promise<void> =>
  cluster.until(`job ${name} has ended`, async () => endOf(await getJob(cluster, name)) !== undefined, limitMs);

/** Numbers and conditions of a Job's status in one line. */
export function describeStatus({ status }: Job): string {
  const { active, ready, terminating, succeeded, failed, completedIndexes, failedIndexes, uncountedTerminatedPods: uncounted } = status;
  const numbers = Object.entries({ active, ready, terminating, succeeded, failed }).filter(([, count]) => count);
  const conditions = (status.conditions ?? []).map(
    ({ type, status: value, reason }) => `${value === 'True' ? '' : 'not '}${type} (${reason})`,
  );
  return [
    ...numbers.map(([name, count]) => `${count} ${name}`),
    ...(completedIndexes ? [`done ${completedIndexes}`] : []),
    ...(failedIndexes ? [`failed indexes ${failedIndexes}`] : []),
    ...(uncounted?.succeeded || uncounted?.failed
      ? [`${(uncounted.succeeded ?? []).length + (uncounted.failed ?? []).length} uncounted`]
      : []),
    ...conditions,
  ].join(', ');
}

/** Follows every write: statuses of Jobs as lines, pods as they were last seen. */
export class JobStory {
  /** `SECONDS NAME STATUS`, each status once. */
  readonly lines: string[] = [];
  /** By name, those that are gone too, as they were last. */
  readonly pods = new Map<string, corev1.Pod>();
  /** When pods were made, in seconds since the first Job. */
  readonly births: number[] = [];
  /** Most pods of all Jobs that were neither ended nor gone at one moment, those on their way out among them. */
  mostAlive = 0;
  readonly #last = new Map<string, string>();
  readonly #alive = new Set<string>();
  #startMs: number | undefined;

  readonly record = ({ key, value, timeMs }: Change): void => {
    const [plural, , name = ''] = key.split('/').slice(-3);
    if (plural === 'jobs' && value) this.#recordJob(name, read(value) as Job, timeMs);
    if (plural === 'pods') this.#recordPod(name, value && (read(value) as corev1.Pod), timeMs);
  };

  #recordJob(name: string, job: Job, timeMs: number): void {
    this.#startMs ??= timeMs;
    const status = describeStatus(job);
    if (this.#last.get(name) === status) return;
    this.#last.set(name, status);
    this.lines.push(`${this.#seconds(timeMs)} ${name}: ${status}`);
  }

  #recordPod(name: string, pod: corev1.Pod | undefined, timeMs: number): void {
    if (pod && !this.pods.has(name)) this.births.push(this.#seconds(timeMs));
    if (pod) this.pods.set(name, pod);
    if (pod && !isPodTerminal(pod)) this.#alive.add(name);
    else this.#alive.delete(name);
    this.mostAlive = Math.max(this.mostAlive, this.#alive.size);
  }

  #seconds(timeMs: number): number {
    return Math.round((timeMs - (this.#startMs ?? timeMs)) / 1000);
  }
}

function read(value: Uint8Array): unknown {
  return JSON.parse(Buffer.from(value).toString());
}

/** Pods by how they ended; one that was deleted before it ended is `Deleted`. */
export function tallyOf(pods: Iterable<corev1.Pod>): Record<string, number> {
  const tally: Record<string, number> = {};
  for (const pod of pods) {
    const phase = isPodTerminal(pod) ? (pod.status.phase ?? '') : isPodTerminating(pod) ? 'Deleted' : 'Alive';
    tally[phase] = (tally[phase] ?? 0) + 1;
  }
  return tally;
}
