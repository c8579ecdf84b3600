/**
 * What deletion means, kind by kind: which kinds end gracefully, which keep finalizers of the garbage collector, when an object
 * that is being deleted is done. Pure; the deletion loop stands in `deletion.ts`.
 * @source apiserver registry/rest/delete.go, registry/generic/registry/store.go; core registry/core/{pod,namespace}
 */
import type { corev1, Draft, KubeObject, ResourceDefinition } from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';
import type { DeleteOptions } from '../storage.ts';

const orphanFinalizer = 'orphan';
const foregroundFinalizer = 'foregroundDeletion';

/** Kinds whose objects never wait for the garbage collector. @source strategies with rest.Unsupported */
const notCollected = new Set(['events']);

/** Kinds that answer a DELETE with the object rather than with a Status. @source stores with ReturnDeletedObject */
const returnsDeleted = new Set([
  'pods',
  'services',
  'serviceaccounts',
  'persistentvolumeclaims',
  'persistentvolumes',
  'podtemplates',
  'resourcequotas',
]);

export function returnsDeletedObject(definition: ResourceDefinition): boolean {
  return definition.group === '' && returnsDeleted.has(definition.plural);
}

/** The grace that a kind gives, in seconds; undefined when it ends at once. */
export function gracePeriodOf(definition: ResourceDefinition, object: KubeObject, asked: number | undefined): number | undefined {
  if (definition.group !== '' || definition.plural !== 'pods') return undefined;
  // The table entry says which type it holds.
  const pod = object as corev1.Pod;
  const { phase } = pod.status ?? {};
  if (!pod.spec.nodeName || phase === 'Failed' || phase === 'Succeeded') return 0;
  const seconds = asked ?? pod.spec.terminationGracePeriodSeconds ?? 0;
  return seconds < 0 ? 1 : seconds;
}

/** The finalizers that a deletion leaves on the object for the garbage collector. */
export function finalizersFor(definition: ResourceDefinition, object: KubeObject, options: DeleteOptions): readonly string[] {
  const now = object.metadata.finalizers ?? [];
  const policy = notCollected.has(definition.plural)
    ? 'Background'
    : (options.propagationPolicy ?? policyOf(now) ?? defaultPolicyOf(definition));
  const others = now.filter((finalizer) => finalizer !== orphanFinalizer && finalizer !== foregroundFinalizer);
  if (policy === 'Orphan') return [...others, orphanFinalizer];
  if (policy === 'Foreground') return [...others, foregroundFinalizer];
  return others;
}

/** Finalizers that are there already say what an earlier deletion wanted. */
function policyOf(finalizers: readonly string[]): DeleteOptions['propagationPolicy'] {
  const finalizer = finalizers.find((one) => one === orphanFinalizer || one === foregroundFinalizer);
  return finalizer === orphanFinalizer ? 'Orphan' : finalizer === foregroundFinalizer ? 'Foreground' : undefined;
}

/** What nobody said. @source strategies with DefaultGarbageCollectionPolicy */
function defaultPolicyOf({ strategy }: ResourceDefinition): DeleteOptions['propagationPolicy'] {
  return strategy.orphansDependents ? 'Orphan' : 'Background';
}

export function sameFinalizers(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((finalizer) => b.includes(finalizer));
}

/** Marks an object that waits for finalizers only. */
export function markDeleting(draft: Draft<KubeObject>, nowMs: number): void {
  const { metadata } = draft;
  if (metadata.deletionTimestamp === undefined && (metadata.generation ?? 0) > 0) metadata.generation!++;
  if (metadata.deletionTimestamp === undefined || Date.parse(metadata.deletionTimestamp) > nowMs) {
    metadata.deletionTimestamp = formatTime(nowMs);
  }
  metadata.deletionGracePeriodSeconds = 0;
}

/** Marks an object that gets `graceSeconds` to end. */
export function markGraceful(draft: Draft<KubeObject>, graceSeconds: number, nowMs: number): void {
  const { metadata } = draft;
  if ((metadata.generation ?? 0) > 0) metadata.generation!++;
  metadata.deletionTimestamp = formatTime(nowMs + graceSeconds * 1_000);
  metadata.deletionGracePeriodSeconds = graceSeconds;
}

/** A second deletion may only shorten the grace. */
export function shortenGrace(draft: Draft<KubeObject>, graceSeconds: number): void {
  const { metadata } = draft;
  const begun = Date.parse(metadata.deletionTimestamp!) - metadata.deletionGracePeriodSeconds! * 1_000;
  metadata.deletionTimestamp = formatTime(begun + graceSeconds * 1_000);
  metadata.deletionGracePeriodSeconds = graceSeconds;
}

/** An update that takes away the last thing a deletion waited for deletes the object. */
export function isFinished(definition: ResourceDefinition, next: KubeObject, old: KubeObject): boolean {
  if (old.metadata.deletionTimestamp === undefined) return false;
  if ((next.metadata.finalizers ?? []).length > 0) return false;
  if ((old.metadata.deletionGracePeriodSeconds ?? 0) !== 0) return false;
  return !isNamespace(definition) || namespaceFinalizers(next).length === 0;
}

export function isNamespace(definition: ResourceDefinition): boolean {
  return definition.group === '' && definition.plural === 'namespaces';
}

/** A namespace waits in `spec.finalizers` until its content is gone. */
export function namespaceFinalizers(namespace: KubeObject): readonly string[] {
  return (namespace as corev1.Namespace).spec?.finalizers ?? [];
}
