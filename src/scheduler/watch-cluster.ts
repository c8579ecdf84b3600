/**
 * From watches to the scheduler's cache and queue: who is placed, who waits, and which changes may help a waiting pod.
 * @source kube-scheduler eventhandlers.go, framework/events.go, v1.35
 */
import { type corev1, isPodTerminal, type KubeObject } from '../api/index.ts';
import type { Informer } from '../client/index.ts';
import type { ClusterCache } from './cluster/cluster-cache.ts';
import { Action, type ClusterEvent, type EventResource, type SchedulerListers, type WaitingPods } from './framework/index.ts';
import { podChanges } from './queue/queue-events.ts';
import type { SchedulingQueue } from './queue/scheduling-queue.ts';

export interface ClusterWatch {
  readonly pods: Informer<corev1.Pod>;
  readonly nodes: Informer<corev1.Node>;
  readonly listers: SchedulerListers;
  readonly cache: ClusterCache;
  readonly queue: SchedulingQueue;
  readonly waitingPods: WaitingPods;
  /** Whether the pod names one of our profiles. */
  readonly isOurs: (pod: corev1.Pod) => boolean;
}

export const clusterEvents = {
  assignedPodAdd: { resource: 'Pod', actions: Action.Add, label: 'AssignedPodAdd' },
  assignedPodDelete: { resource: 'Pod', actions: Action.Delete, label: 'AssignedPodDelete' },
  nodeAdd: { resource: 'Node', actions: Action.Add, label: 'NodeAdd' },
  nodeDelete: { resource: 'Node', actions: Action.Delete, label: 'NodeDelete' },
} as const satisfies Readonly<Record<string, ClusterEvent>>;

export function watchCluster(watch: ClusterWatch): void {
  watchPods(watch);
  watchNodes(watch);
  const { listers, queue } = watch;
  watchOthers(queue, 'PersistentVolume', listers.persistentVolumes);
  watchOthers(queue, 'PersistentVolumeClaim', listers.persistentVolumeClaims);
  watchOthers(queue, 'storage.k8s.io/StorageClass', listers.storageClasses);
  watchOthers(queue, 'storage.k8s.io/CSINode', listers.csiNodes);
  watchOthers(queue, 'storage.k8s.io/CSIDriver', listers.csiDrivers);
  watchOthers(queue, 'storage.k8s.io/CSIStorageCapacity', listers.csiStorageCapacities);
  watchOthers(queue, 'storage.k8s.io/VolumeAttachment', listers.volumeAttachments);
}

function watchPods({ pods, cache, queue, waitingPods, isOurs }: ClusterWatch): void {
  /** Counts on a node: placed, and not ended. */
  const counts = (pod: corev1.Pod): boolean => Boolean(pod.spec.nodeName) && !isPodTerminal(pod);
  const waits = (pod: corev1.Pod): boolean => !pod.spec.nodeName && !isPodTerminal(pod) && isOurs(pod);

  const arrive = (pod: corev1.Pod): void => {
    cache.setPod(pod);
    queue.delete(pod.metadata.uid);
    queue.move(clusterEvents.assignedPodAdd, { current: pod });
  };
  const leave = (pod: corev1.Pod): void => {
    cache.removePod(pod.metadata.uid);
    queue.move(clusterEvents.assignedPodDelete, { old: pod });
  };
  const stopWaiting = (pod: corev1.Pod): void => {
    const { uid } = pod.metadata;
    const wasPromised = queue.nominated.nodeOf(uid) !== undefined;
    queue.delete(uid);
    const wasHeld = waitingPods.reject(uid, '', 'removed');
    // It held room, though it never ran.
    if (wasPromised || wasHeld) queue.move(clusterEvents.assignedPodDelete, { old: pod });
  };

  pods.addHandler({
    added: (pod) => {
      if (counts(pod)) arrive(pod);
      else if (waits(pod)) queue.add(cache.podInfo(pod));
    },
    updated: (old, pod) => {
      if (counts(pod)) {
        if (!counts(old)) arrive(pod);
        else {
          cache.setPod(pod);
          for (const event of podChanges(old, pod)) queue.move(event, { old, current: pod });
        }
      } else if (counts(old)) leave(pod);
      else if (waits(pod)) {
        if (cache.isAssumed(pod.metadata.uid)) return;
        if (waits(old)) queue.update(old, cache.podInfo(pod));
        else queue.add(cache.podInfo(pod));
      } else if (waits(old)) stopWaiting(old);
    },
    deleted: (pod) => {
      if (counts(pod)) {
        queue.delete(pod.metadata.uid);
        leave(pod);
      } else {
        stopWaiting(pod);
        cache.removePod(pod.metadata.uid);
      }
    },
  });
}

function watchNodes({ nodes, cache, queue }: ClusterWatch): void {
  nodes.addHandler({
    added: (node) => {
      cache.setNode(node);
      queue.move(clusterEvents.nodeAdd, { current: node });
    },
    updated: (old, node) => {
      cache.setNode(node);
      for (const event of nodeChanges(old, node)) queue.move(event, { old, current: node });
    },
    deleted: (node) => {
      cache.removeNode(node.metadata.name);
      queue.move(clusterEvents.nodeDelete, { old: node });
    },
  });
}

function watchOthers<T extends KubeObject>(queue: SchedulingQueue, resource: EventResource, informer: Informer<T>): void {
  const name = resource.slice(resource.indexOf('/') + 1);
  const event = (actions: number, label: string): ClusterEvent => ({ resource, actions, label: `${name}${label}` });
  const [added, updated, deleted] = [event(Action.Add, 'Add'), event(Action.Update, 'Update'), event(Action.Delete, 'Delete')];
  informer.addHandler({
    added: (current) => queue.move(added, { current }),
    updated: (old, current) => queue.move(updated, { old, current }),
    deleted: (old) => queue.move(deleted, { old }),
  });
}

/** What of a node changed that a pod could care about; heartbeats change nothing. */
export function nodeChanges(old: corev1.Node, node: corev1.Node): ClusterEvent[] {
  const differ = (a: unknown, b: unknown): boolean => a !== b && JSON.stringify(a) !== JSON.stringify(b);
  const states = ({ status }: corev1.Node): unknown => status.conditions?.map(({ type, status: state }) => [type, state]);
  const changes: ClusterEvent[] = [];
  const add = (actions: number, label: string): void => void changes.push({ resource: 'Node', actions, label: `Node${label}` });
  if (Boolean(old.spec.unschedulable) !== Boolean(node.spec.unschedulable) || differ(old.spec.taints, node.spec.taints))
    add(Action.UpdateNodeTaint, 'UpdateNodeTaint');
  if (differ(old.status.allocatable, node.status.allocatable)) add(Action.UpdateNodeAllocatable, 'UpdateNodeAllocatable');
  if (differ(old.metadata.labels, node.metadata.labels)) add(Action.UpdateNodeLabel, 'UpdateNodeLabel');
  if (differ(states(old), states(node))) add(Action.UpdateNodeCondition, 'UpdateNodeCondition');
  if (differ(old.metadata.annotations, node.metadata.annotations)) add(Action.UpdateNodeAnnotation, 'UpdateNodeAnnotation');
  return changes;
}
