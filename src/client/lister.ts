/**
 * How components see the cluster: caches kept true by a list and a watch. Reads are synchronous and answer from memory; what they
 * return is shared and must not be changed.
 */
import type { corev1, KubeObject, ResourceRef } from '../api/index.ts';
import type { BackoffPolicy, Clock, Ctx, Random, Registry, TaskGroup } from '../base/index.ts';
import type { Client, ObjectKey } from './client.ts';

/** Reads of one resource's cache. */
export interface Lister<T extends KubeObject> {
  get(key: ObjectKey): T | undefined;
  /** All objects, or those of one namespace. */
  list(namespace?: string): readonly T[];
  /** Objects that an index function filed under `value`. */
  byIndex(index: string, value: string): readonly T[];
}

/** Called in the order of the watch; must not throw and must not await. */
export interface InformerHandler<T> {
  readonly added?: (object: T) => void;
  readonly updated?: (old: T, current: T) => void;
  /** The last state that was seen (a deletion missed during a broken watch is told after the next list). */
  readonly deleted?: (object: T) => void;
}

export interface Informer<T extends KubeObject> extends Lister<T> {
  readonly resource: ResourceRef<T>;
  /** Files every object under the values that `values` returns. Must be called before the informer starts. */
  addIndex(name: string, values: (object: T) => readonly string[]): void;
  /** Objects already in the cache are told to a late handler as added. */
  addHandler(handler: InformerHandler<T>): void;
  readonly synced: boolean;
  /** Resolves when the first list is in the cache and told to the handlers. */
  whenSynced(signal: AbortSignal): Promise<void>;
}

export interface InformerScope {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Only metadata is read: the objects may lack everything else. A whole-object informer of the same scope is used when there is one. */
  readonly metadataOnly?: boolean;
  /** What the cache keeps of each object, when it needs less than all; for factories whose users of this scope agree on it. */
  readonly slim?: (object: never) => KubeObject;
}

/** Hands out one shared informer for each resource and scope. */
export interface InformerFactory {
  informer<T extends KubeObject>(resource: ResourceRef<T>, scope?: InformerScope): Informer<T>;
  /** Starts every informer handed out so far that is not running; call again after handing out more. */
  start(): void;
  whenSynced(signal: AbortSignal): Promise<void>;
  /** Ends a running informer that nobody else was handed, and forgets it: for resources that are no longer served. */
  stop?(informer: Informer<KubeObject>): void;
}

/** `namespace/name`, or `name` for cluster-scoped objects: the key of queues and caches. */
export function keyOf(object: { readonly metadata: { readonly name: string; readonly namespace?: string } }): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

export function splitKey(key: string): ObjectKey {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** What a reconcile says: nothing more to do until something changes, or look again after a while. A thrown error is retried with back-off. */
export type Outcome = { readonly type: 'done' } | { readonly type: 'retryAfter'; readonly delayMs: number };

export const done: Outcome = { type: 'done' };

/** One event about an object, as `kubectl describe` shows it. Equal events are counted, not repeated. */
export interface EventRecorder {
  event(regarding: KubeObject | corev1.ObjectReference, event: RecordedEvent): void;
  /** A recorder with the same queue that speaks as another component, such as `deployment-controller`. */
  as?(component: string): EventRecorder;
}

export interface RecordedEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly action?: string;
  /** The part of the object that is meant, such as `spec.containers{web}`. */
  readonly fieldPath?: string;
  readonly related?: corev1.ObjectReference;
}

/** Somebody's rights: what they write and read with, and what they tell events with. */
export interface ControllerAccount {
  readonly client: Client;
  readonly recorder: EventRecorder;
}

/** What every controller is given. */
export interface ControllerContext {
  /** What the controller writes and reads with. The informers are those of the whole manager. */
  readonly client: Client;
  /** What a ServiceAccount in kube-system acts and speaks with; left out: every controller has the manager's rights. */
  readonly accountOf?: (name: string) => ControllerAccount;
  readonly informers: InformerFactory;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  /** Where the runtime's and the controllers' metrics are made; default: a registry that nobody reads. */
  readonly registry?: Registry;
}

/** A controller as the shared runtime runs it: it owns no loop and no timer. */
export interface Controller {
  readonly name: string;
  /** Brings the world of one key a step closer to what is wanted. Level-triggered: called again after any change or failure. */
  readonly reconcile: (key: string, ctx: Ctx) => Promise<Outcome>;
  /** Wires handlers that call `enqueue`; runs before the informers start. */
  readonly setup: (enqueue: (key: string, delayMs?: number) => void, group: TaskGroup) => void;
  /** Keys reconciled at once; default 4. */
  readonly workers?: number;
  /** Waits before a key that failed is tried again; default: the work queue's. */
  readonly backoff?: BackoffPolicy;
}
