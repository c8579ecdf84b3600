/**
 * Labels and annotations that the kubelet puts on sandboxes and containers. They are all that is needed to take over running pods
 * after a restart, and other tools (crictl, log collectors) know them by these names.
 * @source pkg/kubelet/kuberuntime/labels.go, v1.35
 */
import { createHash } from 'node:crypto';
import type { corev1 } from '../../api/index.ts';
import type { StringMap } from '../runtime/runtime.ts';
import type { AnyContainer } from '../seams.ts';

export const podLabels = {
  name: 'io.kubernetes.pod.name',
  namespace: 'io.kubernetes.pod.namespace',
  uid: 'io.kubernetes.pod.uid',
} as const;

const containerName = 'io.kubernetes.container.name';
const annotations = {
  hash: 'io.kubernetes.container.hash',
  restartCount: 'io.kubernetes.container.restartCount',
  terminationMessagePath: 'io.kubernetes.container.terminationMessagePath',
  terminationMessagePolicy: 'io.kubernetes.container.terminationMessagePolicy',
  preStopHandler: 'io.kubernetes.container.preStopHandler',
  ports: 'io.kubernetes.container.ports',
  deletionGracePeriod: 'io.kubernetes.pod.deletionGracePeriod',
  terminationGracePeriod: 'io.kubernetes.pod.terminationGracePeriod',
} as const;

export function sandboxLabels(pod: corev1.Pod): StringMap {
  return { ...pod.metadata.labels, ...podOnlyLabels(pod) };
}

function podOnlyLabels(pod: corev1.Pod): StringMap {
  const { name, namespace = '', uid } = pod.metadata;
  return { [podLabels.name]: name, [podLabels.namespace]: namespace, [podLabels.uid]: uid };
}

export function containerLabels(pod: corev1.Pod, container: AnyContainer): StringMap {
  return { ...podOnlyLabels(pod), [containerName]: container.name };
}

export function containerAnnotations(pod: corev1.Pod, container: AnyContainer, restartCount: number): StringMap {
  const { deletionGracePeriodSeconds } = pod.metadata;
  const { terminationGracePeriodSeconds } = pod.spec;
  const preStop = container.lifecycle?.preStop;
  return {
    [annotations.hash]: containerHash(container),
    [annotations.restartCount]: String(restartCount),
    [annotations.terminationMessagePath]: container.terminationMessagePath ?? '',
    [annotations.terminationMessagePolicy]: container.terminationMessagePolicy ?? 'File',
    ...(deletionGracePeriodSeconds !== undefined && { [annotations.deletionGracePeriod]: String(deletionGracePeriodSeconds) }),
    ...(terminationGracePeriodSeconds !== undefined && { [annotations.terminationGracePeriod]: String(terminationGracePeriodSeconds) }),
    ...(preStop && { [annotations.preStopHandler]: JSON.stringify(preStop) }),
    ...(container.ports && container.ports.length > 0 && { [annotations.ports]: JSON.stringify(container.ports) }),
  };
}

/** Of the fields whose change restarts a container: its name and image. */
export function containerHash(container: AnyContainer): string {
  const text = JSON.stringify({ name: container.name, image: container.image ?? '' });
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

export interface ContainerFacts {
  readonly name: string;
  readonly hash: string;
  readonly restartCount: number;
  readonly terminationMessagePath: string;
  readonly terminationMessagePolicy: string;
  /** Grace that the container was made with, for stopping a pod whose object is gone. */
  readonly graceSeconds: number | undefined;
}

/** What a container's labels and annotations say; missing ones are empty or zero. */
export function containerFacts(labels: StringMap, notes: StringMap): ContainerFacts {
  const grace = notes[annotations.deletionGracePeriod] ?? notes[annotations.terminationGracePeriod];
  return {
    name: labels[containerName] ?? '',
    hash: notes[annotations.hash] ?? '',
    restartCount: Number(notes[annotations.restartCount] ?? 0),
    terminationMessagePath: notes[annotations.terminationMessagePath] ?? '',
    terminationMessagePolicy: notes[annotations.terminationMessagePolicy] ?? 'File',
    graceSeconds: grace === undefined ? undefined : Number(grace),
  };
}

/** The pod that labels name, or undefined when they are not a kubelet's. */
export function podOfLabels(labels: StringMap): { readonly uid: string; readonly name: string; readonly namespace: string } | undefined {
  const uid = labels[podLabels.uid];
  if (uid === undefined) return undefined;
  return { uid, name: labels[podLabels.name] ?? '', namespace: labels[podLabels.namespace] ?? '' };
}
