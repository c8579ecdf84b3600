/**
 * Deletes objects: at once, or by a mark that finalizers, the kubelet or the namespace controller bring to an end.
 * @source apiserver registry/generic/registry/store.go Delete, core/namespace/storage
 */
import { conflict, type corev1, type Draft, fieldErrors, invalid, type KubeObject, notFound } from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';
import { deepCopy } from '../../api/json/index.ts';
import type { StoredObject } from '../cache/stored-object.ts';
import type { ResourceView } from '../rendering/view.ts';
import type { DeleteOptions, Operation, StorageKey } from '../storage.ts';
import {
  finalizersFor,
  gracePeriodOf,
  isNamespace,
  markDeleting,
  markGraceful,
  namespaceFinalizers,
  sameFinalizers,
  shortenGrace,
} from './deletion-rules.ts';
import { admissionRequest, collectionKey, type StorageDeps } from './storage-deps.ts';

export interface Deletion {
  /** As it was at the end, or as it stands now with its mark. */
  readonly object: StoredObject;
  /** False while it waits for something. */
  readonly gone: boolean;
}

type Plan =
  /** It is being deleted already and this request changes nothing. */
  | { readonly type: 'wait' }
  | { readonly type: 'remove' }
  | { readonly type: 'mark'; readonly draft: Draft<KubeObject>; readonly thenRemove: boolean };

/** @throws ApiError NotFound, Conflict (preconditions), and whatever admission refuses with */
export async function deleteObject(
  deps: StorageDeps,
  view: ResourceView,
  request: { readonly key: StorageKey; readonly options: DeleteOptions },
  op: Operation,
): Promise<Deletion> {
  const { key, options } = request;
  const { collection } = view;
  checkOptions(options);
  const cacheKey = collectionKey(view, key);
  await deps.cache.fresh();
  let live = collection.get(cacheKey);
  for (;;) {
    if (!live) throw notFound({ group: view.definition.group, resource: view.definition.plural, name: key.name });
    checkPreconditions(view, live.object, options);
    await admit(deps, view, { key, options, live }, op);
    const plan = isNamespace(view.definition)
      ? planNamespace(live.object, options, deps.clock.now())
      : planObject(view, live.object, options, deps.clock.now());
    if (plan.type === 'wait') return { object: live, gone: false };
    if (options.dryRun) {
      const object = plan.type === 'mark' ? deps.writer.preview(collection, cacheKey, plan.draft) : live;
      return { object, gone: plan.type === 'remove' };
    }
    if (plan.type === 'mark') {
      const marked = await deps.writer.put(collection, cacheKey, { expectRevision: live.revision, object: plan.draft, fence: op.fence });
      if (marked.type === 'conflict') {
        live = marked.current;
        continue;
      }
      if (!plan.thenRemove) return { object: marked.object, gone: false };
      live = marked.object;
    }
    const removed = await deps.writer.remove(collection, live, op.fence);
    if (removed.type === 'written') {
      await deps.hooks(view.definition)?.afterDelete?.(live.object);
      return { object: removed.object, gone: true };
    }
    // Somebody else deleted what we had marked: that is what was asked for.
    if (!removed.current && plan.type === 'mark') return { object: live, gone: true };
    live = removed.current;
  }
}

function admit(
  deps: StorageDeps,
  view: ResourceView,
  { key, options, live }: { readonly key: StorageKey; readonly options: DeleteOptions; readonly live: StoredObject },
  op: Operation,
): void | Promise<void> {
  const { namespace, name } = key;
  const oldObject = view.objectOf(live);
  const request = admissionRequest(view, 'DELETE', { subresource: '', namespace, name, object: undefined, oldObject, options }, op);
  const mutating = deps.admission.mutate(request, deps.admissionContext);
  if (mutating) return mutating.then(() => deps.admission.validate(request, deps.admissionContext));
  return deps.admission.validate(request, deps.admissionContext);
}

function planObject(view: ResourceView, live: KubeObject, options: DeleteOptions, nowMs: number): Plan {
  const { definition } = view;
  const { deletionTimestamp, deletionGracePeriodSeconds: left } = live.metadata;
  const asked = options.gracePeriodSeconds === undefined ? undefined : options.gracePeriodSeconds < 0 ? 1 : options.gracePeriodSeconds;
  const before = live.metadata.finalizers ?? [];
  const finalizers = finalizersFor(definition, live, options);
  const grace = gracePeriodOf(definition, live, asked);
  if (grace === undefined && finalizers.length === 0) return { type: 'remove' };
  // Only metadata is marked: the rest is shared, and nobody changes it.
  const draft = { ...live, metadata: { ...live.metadata } } as Draft<KubeObject>;
  let graceful = false;
  let graceSeconds = 0;
  if (grace !== undefined) {
    if (deletionTimestamp !== undefined && left) {
      if (asked === undefined || asked >= left) return { type: 'wait' };
      shortenGrace(draft, asked);
      graceSeconds = asked;
      graceful = true;
    } else if (deletionTimestamp === undefined) {
      markGraceful(draft, grace, nowMs);
      graceSeconds = grace;
      graceful = true;
    }
  }
  setFinalizers(draft, finalizers);
  if (finalizers.length > 0) {
    if (!graceful) {
      if (deletionTimestamp !== undefined && left === 0 && sameFinalizers(before, finalizers)) return { type: 'wait' };
      markDeleting(draft, nowMs);
    }
    return { type: 'mark', draft, thenRemove: false };
  }
  if (graceful) return graceSeconds > 0 ? { type: 'mark', draft, thenRemove: false } : { type: 'mark', draft, thenRemove: true };
  return { type: 'remove' };
}

/** A namespace is marked Terminating; its controller empties it and takes the finalizers away. */
function planNamespace(live: KubeObject, options: DeleteOptions, nowMs: number): Plan {
  const finalizersLeft = namespaceFinalizers(live).length > 0 || (live.metadata.finalizers ?? []).length > 0;
  if (live.metadata.deletionTimestamp !== undefined) return finalizersLeft ? { type: 'wait' } : { type: 'remove' };
  // The table entry says which type it holds.
  const draft = deepCopy(live) as Draft<corev1.Namespace>;
  draft.metadata.deletionTimestamp = formatTime(nowMs);
  draft.status = { ...draft.status, phase: 'Terminating' };
  const finalizers = new Set(draft.metadata.finalizers ?? []);
  if (options.propagationPolicy === 'Orphan') finalizers.add('orphan');
  else finalizers.delete('orphan');
  setFinalizers(draft, [...finalizers]);
  return { type: 'mark', draft, thenRemove: namespaceFinalizers(live).length === 0 && finalizers.size === 0 };
}

function setFinalizers(draft: Draft<KubeObject>, finalizers: readonly string[]): void {
  if (finalizers.length > 0) draft.metadata.finalizers = [...finalizers];
  else delete draft.metadata.finalizers;
}

/** @source apimachinery meta/v1/validation ValidateDeleteOptions */
function checkOptions({ propagationPolicy }: DeleteOptions): void {
  const known = ['Foreground', 'Background', 'Orphan'];
  if (propagationPolicy === undefined || known.includes(propagationPolicy)) return;
  throw invalid({ group: 'meta.k8s.io', resource: 'DeleteOptions' }, [
    fieldErrors.notSupported('propagationPolicy', propagationPolicy, [...known, 'nil']),
  ]);
}

function checkPreconditions(view: ResourceView, live: KubeObject, { preconditions }: DeleteOptions): void {
  if (!preconditions) return;
  const { uid, resourceVersion } = preconditions;
  const { metadata } = live;
  const subject = { group: view.definition.group, resource: view.definition.plural, name: metadata.name };
  if (uid !== undefined && uid !== metadata.uid) {
    throw conflict(
      subject,
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw conflict(
      subject,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
  }
}
