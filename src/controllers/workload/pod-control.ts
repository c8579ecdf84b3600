/** How every workload controller makes and deletes its pods, and says so. @source pkg/controller/controller_utils.go RealPodControl */
import {
  ApiError,
  type corev1,
  corev1Resources,
  type KubeObject,
  newControllerRef,
  nameIsDnsSubdomain,
  type Unsaved,
} from '../../api/index.ts';
import type { ControllerContext } from '../../client/index.ts';

type Means = Pick<ControllerContext, 'client' | 'recorder'>;

/** The pod that a template makes for its owner. */
export function podFromTemplate(template: corev1.PodTemplateSpec, owner: KubeObject): Unsaved<corev1.Pod> {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const { namespace, name } = owner.metadata;
  // A name too long for a suffix that starts with a dash goes without the dash, as upstream's does.
  const prefix = nameIsDnsSubdomain(`${name}-`, true).length === 0 ? `${name}-` : name;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: prefix,
      ...(namespace !== undefined && { namespace }),
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(finalizers && { finalizers }),
      ownerReferences: [newControllerRef(owner)],
    },
    // Validation has seen to it that a template has a spec.
    spec: template.spec!,
  };
}

/** @throws ApiError, after an event that says so */
export async function createPod(means: Means, pod: Unsaved<corev1.Pod>, owner: KubeObject, signal: AbortSignal): Promise<corev1.Pod> {
  try {
    const created = await means.client.create(corev1Resources.pods, pod, { signal });
    means.recorder.event(owner, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${created.metadata.name}` });
    return created;
  } catch (error) {
    if (error instanceof ApiError && !isNamespaceTerminating(error)) {
      means.recorder.event(owner, { type: 'Warning', reason: 'FailedCreate', message: `Error creating: ${error.message}` });
    }
    throw error;
  }
}

/** @throws ApiError; NotFound without an event */
export async function deletePod(means: Means, pod: corev1.Pod, owner: KubeObject, signal: AbortSignal): Promise<void> {
  const { name, uid } = pod.metadata;
  try {
    await means.client.delete(corev1Resources.pods, pod.metadata, { signal, body: { preconditions: { uid } } });
  } catch (error) {
    if (error instanceof ApiError && error.reason !== 'NotFound') {
      means.recorder.event(owner, { type: 'Warning', reason: 'FailedDelete', message: `Error deleting: ${error.message}` });
    }
    throw error;
  }
  means.recorder.event(owner, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${name}` });
}

/** The namespace is being deleted: nothing can be created in it, and nothing needs to be. */
export function isNamespaceTerminating(error: unknown): boolean {
  return error instanceof ApiError && (error.details?.causes ?? []).some(({ reason }) => reason === 'NamespaceTerminating');
}
