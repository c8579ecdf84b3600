/** Jobs and pods for the tests of this room, in few words. */
import type { batchv1, corev1 } from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';
import { trackingFinalizer } from './job-pods.ts';

export const startMs = Date.UTC(2026, 0, 1);
export const at = (seconds: number): string => formatTime(startMs + seconds * 1000);

export function jobOf(spec: Partial<batchv1.JobSpec> = {}, status: batchv1.JobStatus = {}, metadata: object = {}): batchv1.Job {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'work', namespace: 'default', uid: 'job', resourceVersion: '1', creationTimestamp: at(0), ...metadata },
    spec: {
      parallelism: 1,
      ...(spec.parallelism === undefined && { completions: 1 }),
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'app' }] } },
      ...spec,
    },
    status: { startTime: at(0), ...status },
  };
}

export interface PodFacts {
  readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  readonly ready?: boolean;
  readonly index?: number;
  /** Failures of the index before it. */
  readonly failures?: number;
  readonly exitCode?: number;
  /** Seconds after the start at which its container ended. */
  readonly endedAt?: number;
  readonly deleting?: boolean;
  /** Its finalizer is gone. */
  readonly released?: boolean;
  readonly conditions?: readonly corev1.PodCondition[];
  readonly restarts?: number;
}

export function podOf(name: string, facts: PodFacts = {}): corev1.Pod {
  const { phase = 'Running', ready, index, failures, exitCode, endedAt, deleting, released, conditions = [], restarts = 0 } = facts;
  const ended = exitCode !== undefined || endedAt !== undefined;
  const annotations = {
    ...(index !== undefined && { 'batch.kubernetes.io/job-completion-index': `${index}` }),
    ...(failures !== undefined && { 'batch.kubernetes.io/job-index-failure-count': `${failures}` }),
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      uid: name,
      resourceVersion: '1',
      creationTimestamp: at(0),
      annotations,
      ...(!released && { finalizers: [trackingFinalizer] }),
      ...(deleting && { deletionTimestamp: at(100) }),
    },
    spec: { containers: [{ name: 'main', image: 'app' }] },
    status: {
      phase,
      conditions: [...(ready === undefined ? [] : [{ type: 'Ready', status: ready ? 'True' : 'False' }]), ...conditions],
      containerStatuses: [
        {
          name: 'main',
          image: 'app',
          imageID: '',
          ready: ready === true,
          restartCount: restarts,
          ...(ended && { state: { terminated: { exitCode: exitCode ?? 0, finishedAt: at(endedAt ?? 0) } } }),
        },
      ],
    },
  } as unknown as corev1.Pod;
}
