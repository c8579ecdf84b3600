/**
 * Eviction: a deletion that asks the pod's disruption budget first.
 * @source kubernetes pkg/registry/core/pod/storage/eviction.go EvictionREST
 */
import {
  ApiError,
  badRequest,
  conflict,
  type corev1,
  corev1Resources,
  type Draft,
  isApiError,
  isPodTerminal,
  type policyv1,
  policyv1Resources,
  setCondition,
} from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';
import type { ApiServerHost, SubresourceHandler } from '../extension.ts';
import type { DeleteOptions, Operation, StorageKey } from '../storage.ts';
import { budgetsOf, isFreeToGo, mayGoUnready, notComputed, takeDisruption } from './disruption-budget.ts';
import { findPod } from './pod-container.ts';

/** Rounds against other writers of the pod or its budget. */
const maxAttempts = 20;
const success = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } as const;

export function podEvictionHandler(host: ApiServerHost): SubresourceHandler {
  return async (_, target) => {
    // The decoder has checked the kind.
    const eviction = (await target.decodeBody()) as Draft<policyv1.Eviction>;
    if (eviction.metadata.name !== target.name) throw badRequest('name in URL does not match name in Eviction object');
    await host.admit({ operation: 'CREATE', subresource: 'eviction', object: eviction, ...target });
    const asked = deleteOptionsOf(eviction);
    const options: DeleteOptions = { ...asked, ...((target.options.dryRun || asked.dryRun) && { dryRun: true }) };
    await evict(host, { namespace: target.namespace, name: target.name }, options, target.op);
    return { type: 'object', status: 201, object: success };
  };
}

async function evict(host: ApiServerHost, key: StorageKey, options: DeleteOptions, op: Operation): Promise<void> {
  const storage = host.registry.storage(corev1Resources.pods);
  const isPinned = options.preconditions?.resourceVersion !== undefined;
  for (let attempt = 1; ; attempt++) {
    const pod = findPod(host.registry, key);
    const { options: checked, budget } = await checkBudget(host, pod, options, op);
    try {
      await storage.delete(key, await markDisrupted(host, key, checked, op), op);
      return;
    } catch (error) {
      // Whoever named a version wants that one. Otherwise the pod changed since it was looked at: look again.
      if (!isApiError(error, 'Conflict') || isPinned || checked === options) throw error;
      if (budget !== undefined) throw notComputed(budget);
      if (attempt === maxAttempts) throw error;
    }
  }
}

/**
 * Says on the pod why it goes. That makes a new version of it, which is the one to delete when a version was named.
 * @source eviction.go addConditionAndDeletePod
 */
async function markDisrupted(host: ApiServerHost, key: StorageKey, options: DeleteOptions, op: Operation): Promise<DeleteOptions> {
  if (options.dryRun) return options;
  const { uid, resourceVersion } = options.preconditions ?? {};
  const now = formatTime(host.clock.now());
  const marked = await host.registry.storage(corev1Resources.pods).guaranteedUpdate(
    key,
    (draft) => {
      const { metadata } = draft;
      const subject = { group: '', resource: 'Pod', name: metadata.name };
      if (uid && uid !== metadata.uid) {
        const why = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`;
        throw conflict(subject, why);
      }
      if (resourceVersion && resourceVersion !== metadata.resourceVersion) {
        const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`;
        throw conflict(subject, why);
      }
      (draft.status ??= {}).conditions = setCondition(draft.status.conditions, disruptionTarget(metadata.generation, now));
    },
    {},
    op,
  );
  if (resourceVersion === undefined) return options;
  return { ...options, preconditions: { ...options.preconditions, resourceVersion: marked.metadata.resourceVersion } };
}

function disruptionTarget(generation: number | undefined, now: string): Draft<corev1.PodCondition> {
  return {
    type: 'DisruptionTarget',
    ...(generation !== undefined && { observedGeneration: generation }),
    status: 'True',
    lastTransitionTime: now,
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
  };
}

/** With what options the pod may go, and the budget that let it go for being unready. @throws ApiError TooManyRequests */
async function checkBudget(
  host: ApiServerHost,
  pod: corev1.Pod,
  options: DeleteOptions,
  op: Operation,
): Promise<{ readonly options: DeleteOptions; readonly budget?: string }> {
  const asSeen = (): DeleteOptions => ({
    ...options,
    preconditions: { resourceVersion: pod.metadata.resourceVersion, ...options.preconditions },
  });
  if (isFreeToGo(pod)) {
    const isOver = isPodTerminal(pod) || pod.metadata.deletionTimestamp !== undefined;
    return { options: isOver ? options : asSeen() };
  }
  const [budget, ...more] = budgetsOf(pod, allBudgets(host, pod.metadata.namespace ?? ''));
  if (more.length > 0) {
    const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    throw new ApiError({ code: 500, reason: '', message });
  }
  if (!budget) return { options };
  if (mayGoUnready(pod, budget)) return { options: asSeen(), budget: budget.metadata.name };
  const now = formatTime(host.clock.now());
  await host.registry
    .storage(policyv1Resources.poddisruptionbudgets)
    .guaranteedUpdate(
      { namespace: budget.metadata.namespace ?? '', name: budget.metadata.name },
      (draft) => takeDisruption(draft, pod.metadata.name, now),
      { ...(options.dryRun && { dryRun: true }), subresource: 'status' },
      op,
    );
  return { options };
}

/** None when budgets are not served. */
function allBudgets({ registry }: ApiServerHost, namespace: string): readonly policyv1.PodDisruptionBudget[] {
  const { poddisruptionbudgets } = policyv1Resources;
  const isServed = registry.definition('policy', 'v1', poddisruptionbudgets.plural) !== undefined;
  return isServed ? registry.cachedList(poddisruptionbudgets, namespace) : [];
}

function deleteOptionsOf({ deleteOptions }: Draft<policyv1.Eviction>): DeleteOptions {
  if (!deleteOptions) return {};
  const { gracePeriodSeconds, propagationPolicy, preconditions, dryRun } = deleteOptions;
  return {
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    // Checked by the deletion itself.
    ...(propagationPolicy !== undefined && { propagationPolicy: propagationPolicy as NonNullable<DeleteOptions['propagationPolicy']> }),
    ...(preconditions && { preconditions }),
    ...(dryRun && dryRun.length > 0 && { dryRun: true }),
  };
}
