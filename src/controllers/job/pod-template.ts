/**
 * The pod that a Job makes: its template with the tracking finalizer and, in an Indexed Job, the index as annotation, label, hostname,
 * name and environment. Pure.
 * @source pkg/controller/job/indexed_job_utils.go, v1.35
 */
import type { batchv1, corev1, Unsaved } from '../../api/index.ts';
import { podFromTemplate } from '../workload/pod-control.ts';
import { failureCountKey, failuresBefore, ignoredFailureCountKey, ignoredFailuresBefore, indexKey, trackingFinalizer } from './job-pods.ts';
import { isPerIndex } from './job-state.ts';
import { matchFailurePolicy } from './pod-failure-policy.ts';

type Pod = corev1.Pod;
type Job = batchv1.Job;

const indexVariable = 'JOB_COMPLETION_INDEX';
/** Of a name before its generated end. */
const maxPrefixLength = 58;

/** @param replaced the failed pod that it comes after, whose failures it carries on */
export function podOf(job: Job, index?: number, replaced?: Pod): Unsaved<Pod> {
  const pod = podFromTemplate(job.spec.template, job);
  const finalizers = pod.metadata.finalizers ?? [];
  const metadata = {
    ...pod.metadata,
    finalizers: finalizers.includes(trackingFinalizer) ? finalizers : [...finalizers, trackingFinalizer],
  };
  if (index === undefined) return { ...pod, metadata };
  const { labels, annotations } = metadata;
  return {
    ...pod,
    metadata: {
      ...metadata,
      generateName: namePrefix(job.metadata.name, index),
      labels: { ...labels, [indexKey]: `${index}` },
      annotations: { ...annotations, [indexKey]: `${index}`, ...(isPerIndex(job) && failureCounts(job, replaced)) },
    },
    spec: {
      ...pod.spec,
      hostname: `${job.metadata.name}-${index}`,
      containers: pod.spec.containers.map(withIndex),
      ...(pod.spec.initContainers && { initContainers: pod.spec.initContainers.map(withIndex) }),
    },
  };
}

function namePrefix(name: string, index: number): string {
  const end = `-${index}-`;
  return `${name.slice(0, maxPrefixLength - end.length)}${end}`;
}

function withIndex(container: corev1.Container): corev1.Container {
  if (container.env?.some(({ name }) => name === indexVariable)) return container;
  const variable = { name: indexVariable, valueFrom: { fieldRef: { fieldPath: `metadata.labels['${indexKey}']` } } };
  return { ...container, env: [...(container.env ?? []), variable] };
}

function failureCounts(job: Job, replaced: Pod | undefined): Record<string, string> {
  if (!replaced) return { [failureCountKey]: '0' };
  const { counts } = matchFailurePolicy(job.spec.podFailurePolicy, replaced);
  const ignored = ignoredFailuresBefore(replaced) + (counts ? 0 : 1);
  return {
    [failureCountKey]: `${failuresBefore(replaced) + (counts ? 1 : 0)}`,
    ...(ignored > 0 && { [ignoredFailureCountKey]: `${ignored}` }),
  };
}
