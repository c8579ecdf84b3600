/** From watches to the scheduler's cache and queue: who is placed, who waits, and which changes may help a waiting pod. */
import { type corev1, corev1Resources, isPodTerminal } from '../api/index.ts';
import type { InformerFactory } from '../client/index.ts';
import type { ClusterCache } from './cluster-cache.ts';
import type { ClusterEvent } from './framework.ts';
import type { SchedulingQueue } from './scheduling-queue.ts';

export interface ClusterWatch {
  readonly informers: InformerFactory;
  readonly cache: ClusterCache;
  readonly queue: SchedulingQueue;
  /** Whether the pod names one of our profiles. */
  readonly isOurs: (pod: corev1.Pod) => boolean;
  /** Whether the pod may enter the queue. */
  readonly admit: (pod: corev1.Pod) => boolean;
}

export function watchCluster({ informers, cache, queue, isOurs, admit }: ClusterWatch): void {
  const isPlaced = (pod: corev1.Pod): boolean => Boolean(pod.spec.nodeName);
  const waits = (pod: corev1.Pod): boolean =>
    !isPlaced(pod) && !isPodTerminal(pod) && pod.metadata.deletionTimestamp === undefined && isOurs(pod);
  const leave = (pod: corev1.Pod): void => {
    cache.removePod(pod.metadata.uid);
    queue.clusterChanged({ event: 'assigned pod deleted', oldPod: pod });
  };
  const place = (pod: corev1.Pod): void => {
    // A pod that has ended holds nothing any more.
    if (isPodTerminal(pod)) leave(pod);
    else cache.setPod(pod);
  };

  informers.informer(corev1Resources.pods).addHandler({
    added: (pod) => {
      if (isPlaced(pod)) {
        place(pod);
        queue.clusterChanged({ event: 'assigned pod added', pod });
      } else if (waits(pod) && admit(pod)) queue.add(pod);
    },
    updated: (old, pod) => {
      if (isPlaced(pod)) {
        if (!isPlaced(old)) queue.remove(pod.metadata.uid);
        const ended = isPodTerminal(pod) && !isPodTerminal(old);
        if (!isPodTerminal(old)) place(pod);
        if (!ended) queue.clusterChanged({ event: 'assigned pod changed', pod, oldPod: old });
      } else if (!waits(pod)) queue.remove(pod.metadata.uid);
      else if (!admit(pod)) queue.remove(pod.metadata.uid);
      else queue.update(pod, old);
    },
    deleted: (pod) => {
      queue.remove(pod.metadata.uid);
      if (isPlaced(pod)) leave(pod);
      else cache.removePod(pod.metadata.uid);
    },
  });

  informers.informer(corev1Resources.nodes).addHandler({
    added: (node) => {
      cache.setNode(node);
      queue.clusterChanged({ event: 'node added', node });
    },
    updated: (old, node) => {
      cache.setNode(node);
      for (const event of nodeChanges(old, node)) queue.clusterChanged({ event, node, oldNode: old });
    },
    deleted: (node) => cache.removeNode(node.metadata.name),
  });
}

/** What of a node changed that a pod could care about; heartbeats change nothing. */
function nodeChanges(old: corev1.Node, node: corev1.Node): ClusterEvent[] {
  const differs = (a: unknown, b: unknown): boolean => a !== b && JSON.stringify(a) !== JSON.stringify(b);
  const changes: ClusterEvent[] = [];
  if (differs(old.status.allocatable, node.status.allocatable)) changes.push('node allocatable');
  if (differs(old.metadata.labels, node.metadata.labels)) changes.push('node labels');
  if (differs(old.spec.taints, node.spec.taints) || old.spec.unschedulable !== node.spec.unschedulable) changes.push('node taints');
  return changes;
}
