/**
 * Empties a namespace that is being deleted: pods first, then everything else that is served, then the namespace lets go.
 * @source pkg/controller/namespace, v1.35
 */
import { ApiError, type corev1, corev1Resources, isApiError, isPodTerminal, type KubeObject, type ResourceRef } from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import {
  type Controller,
  type ControllerContext,
  discover,
  done,
  keyOf,
  type Outcome,
  type ServedResource,
  splitKey,
} from '../../client/index.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { type DeletionFindings, deletionConditions } from './conditions.ts';

type Namespace = corev1.Namespace;

export interface NamespaceOptions {
  /** Wait after the deletion, for every API server to refuse new content; default 5 s. */
  readonly deletionGraceMs?: number;
}

const ownFinalizer = 'kubernetes';
/** When to look again at content that finalizers hold. */
const finalizerEstimateSeconds = 15;
const byNamespace = (ref: ResourceRef): string => `${ref.plural}.${ref.group}`;

/** One attempt in progress. */
interface Attempt {
  readonly discoveryFailures: DeletionFindings['discoveryFailures'];
  readonly contentErrors: string[];
  readonly remaining: Map<string, number>;
  readonly finalizers: Map<string, number>;
  estimateSeconds: number;
}

export function createNamespaceController(context: ControllerContext, options: NamespaceOptions = {}): Controller {
  const { client, informers, clock } = context;
  const namespaces = informers.informer(corev1Resources.namespaces);
  const pods = informers.informer(corev1Resources.pods);
  const graceMs = options.deletionGraceMs ?? 5_000;

  const setup = (enqueue: (key: string, delayMs?: number) => void): void => {
    const wake = ({ metadata }: Namespace): void => {
      if (metadata.deletionTimestamp !== undefined) enqueue(metadata.name, graceMs);
    };
    namespaces.addHandler({ added: wake, updated: (old, namespace) => old.metadata.deletionTimestamp === undefined && wake(namespace) });
    // The rest waits for the last pod: no need to wait for the estimate as well.
    pods.addHandler({
      deleted: ({ metadata }) => {
        const namespace = namespaces.get({ name: metadata.namespace ?? '' });
        if (namespace?.status.phase === 'Terminating' && pods.list(metadata.namespace).length === 0) enqueue(keyOf(namespace));
      },
    });
  };

  const reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    const cached = namespaces.get(splitKey(key));
    if (cached?.metadata.deletionTimestamp === undefined) return done;
    const namespace = await readNamespace(key, signal);
    if (namespace?.metadata.deletionTimestamp === undefined) return done;
    if (!(namespace.spec.finalizers ?? []).includes(ownFinalizer)) return done;
    const attempt = await emptyOut(namespace, signal);
    const written = await writeConditions(namespace, attempt, signal);
    if (attempt.contentErrors.length > 0 || attempt.discoveryFailures.length > 0) {
      throw new ApiError({
        code: 409,
        reason: 'Conflict',
        message: `namespace "${key}" still has content: ${attempt.contentErrors.join('; ')}`,
      });
    }
    if (attempt.estimateSeconds > 0 || attempt.remaining.size > 0) {
      return { type: 'retryAfter', delayMs: (Math.floor(attempt.estimateSeconds / 2) + 1) * 1000 };
    }
    await finalize(written, signal);
    return done;
  };

  const readNamespace = async (name: string, signal: AbortSignal): Promise<Namespace | undefined> => {
    try {
      return await client.get(corev1Resources.namespaces, { name }, { signal });
    } catch (error) {
      if (isApiError(error, 'NotFound')) return undefined;
      throw error;
    }
  };

  const emptyOut = async (namespace: Namespace, signal: AbortSignal): Promise<Attempt> => {
    const { resources, failures } = await discover(client.transport, { signal });
    const attempt: Attempt = {
      discoveryFailures: failures,
      contentErrors: [],
      remaining: new Map(),
      finalizers: new Map(),
      estimateSeconds: 0,
    };
    const deletable = resources.filter(({ ref, verbs, preferred }) => ref.namespaced && preferred && verbs.includes('delete'));
    const isPods = ({ ref }: ServedResource): boolean => ref.group === '' && ref.plural === 'pods';
    for (const resource of deletable.filter(isPods)) await deleteAll(resource, { namespace, attempt }, signal);
    // Pods that still run may need their secrets, volumes and network policies to the end.
    if (attempt.remaining.size > 0) return attempt;
    for (const resource of deletable) if (!isPods(resource)) await deleteAll(resource, { namespace, attempt }, signal);
    return attempt;
  };

  const deleteAll = async (
    { ref, verbs }: ServedResource,
    { namespace, attempt }: { readonly namespace: Namespace; readonly attempt: Attempt },
    signal: AbortSignal,
  ): Promise<void> => {
    const name = namespace.metadata.name;
    const isPods = ref.group === '' && ref.plural === 'pods';
    let estimate = isPods ? graceOfPods(namespace) : 0;
    try {
      const body = { propagationPolicy: 'Background' };
      if (verbs.includes('deletecollection')) await client.deleteCollection(ref, { namespace: name, body, signal });
      else await deleteEach(ref, { namespace: name, signal });
      if (!verbs.includes('list')) return;
      const { items } = await client.list(ref, { namespace: name, as: 'metadata', signal });
      if (items.length === 0) return;
      note(attempt, ref, items);
      if (estimate === 0) {
        if (items.some(({ metadata }) => (metadata.finalizers ?? []).length > 0)) estimate = finalizerEstimateSeconds;
        else attempt.contentErrors.push(unexpected(name, ref));
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // Gone from discovery meanwhile.
      if (error.reason !== 'NotFound' && error.reason !== 'MethodNotAllowed') attempt.contentErrors.push(error.message);
    } finally {
      attempt.estimateSeconds = Math.max(attempt.estimateSeconds, attempt.remaining.has(byNamespace(ref)) ? estimate : 0);
    }
  };

  const deleteEach = async (
    ref: ResourceRef,
    { namespace, signal }: { readonly namespace: string; readonly signal: AbortSignal },
  ): Promise<void> => {
    const { items } = await client.list(ref, { namespace, as: 'metadata', signal });
    for (const { metadata } of items) {
      try {
        await client.delete(ref, metadata, { signal, body: { propagationPolicy: 'Background' } });
      } catch (error) {
        if (!isApiError(error, 'NotFound')) throw error;
      }
    }
  };

  /** How long pods may still take to stop; 0 when they have had that long. */
  const graceOfPods = ({ metadata }: Namespace): number => {
    const running = pods.list(metadata.name).filter((pod) => !isPodTerminal(pod));
    const grace = Math.max(0, ...running.map(({ spec }) => spec.terminationGracePeriodSeconds ?? 0));
    return clock.now() - Date.parse(metadata.deletionTimestamp ?? '') >= grace * 1000 ? 0 : grace;
  };

  const writeConditions = async (namespace: Namespace, findings: DeletionFindings, signal: AbortSignal): Promise<Namespace> => {
    const conditions = deletionConditions(namespace.status.conditions ?? [], findings, clock.now());
    if (semanticEqual(conditions, namespace.status.conditions)) return namespace;
    return client.updateStatus(corev1Resources.namespaces, { ...namespace, status: { ...namespace.status, conditions } }, { signal });
  };

  const finalize = async (namespace: Namespace, signal: AbortSignal): Promise<void> => {
    const finalizers = (namespace.spec.finalizers ?? []).filter((finalizer) => finalizer !== ownFinalizer);
    const body = { ...namespace, spec: { ...namespace.spec, finalizers } };
    try {
      // A namespace is plain JSON.
      await client.subresource(
        corev1Resources.namespaces,
        namespace.metadata,
        { name: 'finalize', verb: 'update', body: body as never },
        { signal },
      );
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  };

  return { name: 'namespace-controller', reconcile, setup, workers: 10 };
}

function note({ remaining, finalizers }: Attempt, ref: ResourceRef, items: readonly KubeObject[]): void {
  remaining.set(byNamespace(ref), items.length);
  for (const { metadata } of items) {
    for (const finalizer of metadata.finalizers ?? []) finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1);
  }
}

function unexpected(namespace: string, { group, version, plural }: ResourceRef): string {
  return `unexpected items still remain in namespace: ${namespace} for gvr: ${group}/${version}, Resource=${plural}`;
}
