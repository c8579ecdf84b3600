import { describe, expect, it } from 'vitest';
import type { batchv1, corev1 } from '../../api/index.ts';
import { assess } from './assess.ts';
import { conclude } from './conclude.ts';
import { at, jobOf, podOf, startMs } from './job.suite.ts';
import { isTracked, trackingFinalizer } from './job-pods.ts';
import { planPods } from './plan.ts';
import { countReleased, endedStatus, track, type Tracking } from './tracking.ts';

const nowMs = startMs + 1_000_000;

/** One look at a Job whose planned deletions all succeed and that makes no pods. */
function look(job: batchv1.Job, pods: readonly corev1.Pod[], released: ReadonlySet<string> = new Set()): Tracking {
  const findings = assess({ job, pods, released, nowMs });
  const plan = planPods({ job, pods, findings, settled: true, nowMs });
  const removed = plan.type === 'end' || plan.type === 'remove' ? plan.remove.length : 0;
  const conclusion = conclude({ job, findings, plan, outcome: { created: 0, removed, removedReady: 0 }, settled: true, nowMs });
  return track({ job, pods, released, findings, conclusion, nowMs });
}

const done = (name: string, index?: number): corev1.Pod =>
  podOf(name, { phase: 'Succeeded', exitCode: 0, ...(index !== undefined && { index }) });
const failed = (name: string, index?: number): corev1.Pod =>
  podOf(name, { phase: 'Failed', exitCode: 1, ...(index !== undefined && { index }) });
const many = jobOf({ parallelism: 0, completions: 1_000, backoffLimit: 1_000 });
const released = ({ release }: Tracking): string => release.map(({ metadata }) => metadata.name).join(' ');

describe('counting a pod', () => {
  it('begins with its uid in the status, then its finalizer goes', () => {
    const tracking = look(many, [done('a'), failed('b'), podOf('c')]);
    expect(tracking.status.uncountedTerminatedPods).toEqual({ succeeded: ['a'], failed: ['b'] });
    expect(tracking.status).not.toHaveProperty('succeeded');
    expect(released(tracking)).toBe('a b');
  });

  it('ends with both in one write', () => {
    const status = { succeeded: 3, uncountedTerminatedPods: { succeeded: ['a', 'x'], failed: ['b'] } };
    expect(countReleased(status, new Set(['x']))).toEqual({ succeeded: 4, failed: 1, uncountedTerminatedPods: { succeeded: ['x'] } });
  });

  it('goes on after a crash at the finalizer: the uid is not written again', () => {
    const job = { ...many, status: { uncountedTerminatedPods: { succeeded: ['a'] } } };
    const tracking = look(job, [done('a')]);
    expect(tracking.status.uncountedTerminatedPods).toEqual({ succeeded: ['a'] });
    expect(released(tracking)).toBe('a');
  });

  it('goes on after a crash behind the finalizer: what has none is counted', () => {
    const job = { ...many, status: { succeeded: 1, uncountedTerminatedPods: { succeeded: ['a'], failed: ['gone'] } } };
    const { status } = look(job, [podOf('a', { phase: 'Succeeded', released: true })]);
    expect(status).toMatchObject({ succeeded: 2, failed: 1, uncountedTerminatedPods: {} });
  });

  it('does not begin again from a cache that still shows the finalizer', () => {
    const job = { ...many, status: { succeeded: 1 } };
    const tracking = look(job, [done('a')], new Set(['a']));
    expect([tracking.status.succeeded, tracking.status.uncountedTerminatedPods, released(tracking)]).toEqual([1, {}, '']);
  });

  it('has room for 500 at a time', () => {
    const tracking = look(
      many,
      Array.from({ length: 800 }, (_, i) => done(`p${i}`)),
    );
    expect([tracking.release.length, tracking.isCut]).toEqual([500, true]);
  });

  it('loses and doubles nothing, whichever write was the last', () => {
    for (let crashAfter = 0; crashAfter < 40; crashAfter++) {
      const world = new World(Array.from({ length: 12 }, (_, i) => (i % 3 === 2 ? failed(`p${i}`) : done(`p${i}`))));
      world.run(crashAfter);
      world.run(Number.POSITIVE_INFINITY);
      expect([world.status.succeeded, world.status.failed]).toEqual([8, 4]);
    }
  });
});

/** Pods and a status that are written one write at a time, until a crash. */
class World {
  status: batchv1.JobStatus = {};
  #pods: corev1.Pod[];

  constructor(pods: corev1.Pod[]) {
    this.#pods = pods;
  }

  run(writes: number): void {
    let left = writes;
    const write = (change: () => void): boolean => {
      if (left-- <= 0) return false;
      change();
      return true;
    };
    for (let i = 0; i < 3; i++) {
      const tracking = look({ ...many, status: this.status }, this.#pods);
      if (!write(() => (this.status = tracking.status))) return;
      for (const pod of tracking.release) if (!write(() => this.#release(pod))) return;
      const held = new Set(this.#pods.filter(isTracked).map(({ metadata }) => metadata.uid));
      if (!write(() => (this.status = countReleased(this.status, held)))) return;
    }
  }

  #release(pod: corev1.Pod): void {
    const without = (one: corev1.Pod): corev1.Pod => ({
      ...one,
      metadata: { ...one.metadata, finalizers: one.metadata.finalizers!.filter((finalizer) => finalizer !== trackingFinalizer) },
    });
    this.#pods = this.#pods.map((one) => (one.metadata.uid === pod.metadata.uid ? without(one) : one));
  }
}

describe('counting in an Indexed Job', () => {
  const indexed = (more: Partial<batchv1.JobSpec> = {}, status: batchv1.JobStatus = {}): batchv1.Job =>
    jobOf({ completionMode: 'Indexed', completions: 4, parallelism: 0, ...more }, status);

  it('names indexes that succeeded, and uids of failures', () => {
    const { status } = look(indexed({}, { completedIndexes: '2' }), [done('a', 0), done('b', 3), failed('c', 1)]);
    expect(status).toMatchObject({ completedIndexes: '0,2,3', succeeded: 3, uncountedTerminatedPods: { failed: ['c'] } });
  });

  it('passes over pods of no index of its own', () => {
    const tracking = look(indexed(), [done('a', 4), failed('b', 9), done('c'), failed('d')]);
    expect(tracking.status).toEqual({ ready: 0, terminating: 0, startTime: at(0), uncountedTerminatedPods: {} });
    expect(released(tracking)).toBe('c d a b');
  });

  it('keeps a failed pod until the next of its index has taken its count over', () => {
    const job = indexed({ backoffLimitPerIndex: 1 });
    expect(released(look(job, [failed('a', 0)]))).toBe('');
    expect(released(look(job, [failed('a', 0), podOf('b', { index: 0, failures: 1 })]))).toBe('a');
    expect(look(job, [failed('a', 0), podOf('b', { index: 0, failures: 1, phase: 'Failed' })]).status.failedIndexes).toBe('0');
  });
});

describe('the end of a Job', () => {
  const conditions = (status: batchv1.JobStatus | undefined): string[] =>
    (status?.conditions ?? []).map(({ type, reason, message }) => `${type} ${reason}: ${message}`);

  it('is told before the finalizers go, and again after', () => {
    const tracking = look(jobOf(), [done('a')]);
    const why = 'CompletionsReached: Reached expected number of succeeded pods';
    expect(conditions(tracking.status)).toEqual([`SuccessCriteriaMet ${why}`]);
    expect(endedStatus(tracking.status, tracking)).toBeUndefined();
    const ended = endedStatus(countReleased(tracking.status, new Set()), tracking);
    expect(conditions(ended)).toEqual([`SuccessCriteriaMet ${why}`, `Complete ${why}`]);
    expect(ended).toMatchObject({ succeeded: 1, completionTime: at(1_000), uncountedTerminatedPods: {} });
  });

  it('waits for pods on their way out, which fail with it', () => {
    const job = jobOf({ parallelism: 3, completions: 3, backoffLimit: 0 });
    const tracking = look(job, [failed('a'), podOf('b'), podOf('c')]);
    expect(tracking.status).toMatchObject({ terminating: 2, uncountedTerminatedPods: { failed: ['a', 'b', 'c'] } });
    expect(conditions(tracking.status)).toEqual(['FailureTarget BackoffLimitExceeded: Job has reached the specified backoff limit']);
    expect(endedStatus(countReleased(tracking.status, new Set()), tracking)).toBeUndefined();
    const later = { ...job, status: countReleased(tracking.status, new Set()) };
    const last = look(later, []);
    expect(conditions(endedStatus(last.status, last))).toEqual([
      'FailureTarget BackoffLimitExceeded: Job has reached the specified backoff limit',
      'Failed BackoffLimitExceeded: Job has reached the specified backoff limit',
    ]);
  });

  it('leaves pods uncounted that a success policy made needless', () => {
    const job = jobOf({ completionMode: 'Indexed', completions: 3, parallelism: 3, successPolicy: { rules: [{ succeededIndexes: '1' }] } });
    const tracking = look(job, [podOf('a', { index: 0 }), done('b', 1), podOf('c', { index: 2 })]);
    expect(conditions(tracking.status)).toEqual(['SuccessCriteriaMet SuccessPolicy: Matched rules at index 0']);
    expect([tracking.status.uncountedTerminatedPods, released(tracking)]).toEqual([{}, 'a b c']);
  });
});
