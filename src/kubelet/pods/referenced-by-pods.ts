/** Objects that a pod's sandbox and images need from the API: pull secrets and the RuntimeClass. */
import { type corev1, corev1Resources, type nodev1 } from '../../api/index.ts';
import { type Ctx, isAbort } from '../../base/index.ts';
import type { Client, EventRecorder, Lister } from '../../client/index.ts';
import { StartError } from './pod-services.ts';

/** The pod's imagePullSecrets that can be read; the others are told of, and the pull is tried without them. */
export async function readPullSecrets(
  pod: corev1.Pod,
  { client, recorder }: { readonly client: Client; readonly recorder: EventRecorder },
  ctx: Ctx,
): Promise<readonly corev1.Secret[]> {
  const { namespace } = pod.metadata;
  const names = (pod.spec.imagePullSecrets ?? []).flatMap(({ name }) => name ?? []);
  const missing: string[] = [];
  const found = await Promise.all(
    names.map(async (name) => {
      try {
        return await client.get(corev1Resources.secrets, { namespace, name }, ctx);
      } catch (error) {
        if (isAbort(error, ctx.signal)) throw error;
        missing.push(name);
        return undefined;
      }
    }),
  );
  if (missing.length > 0) {
    const message = `Unable to retrieve some image pull secrets (${missing.join(', ')}); attempting to pull the image may not succeed.`;
    recorder.event(pod, { type: 'Warning', reason: 'FailedToRetrieveImagePullSecret', message });
  }
  return found.filter((secret) => secret !== undefined);
}

/**
 * The engine's handler for the pod, undefined for the default one.
 * @throws StartError when there is no such RuntimeClass, or for what no handler here can do; the event has been recorded
 */
export function runtimeHandler(
  pod: corev1.Pod,
  { classes, recorder }: { readonly classes: Lister<nodev1.RuntimeClass>; readonly recorder: EventRecorder },
): string | undefined {
  const refuse = (why: string): never => {
    recorder.event(pod, { type: 'Warning', reason: 'FailedCreatePodSandBox', message: `Failed to create pod sandbox: ${why}` });
    throw new StartError('ContainerCreating', why);
  };
  if (pod.spec.hostUsers === false) return refuse("can't set `spec.hostUsers: false`, runtime does not support user namespaces");
  const name = pod.spec.runtimeClassName;
  if (!name) return undefined;
  const found = classes.get({ name });
  if (found) return found.handler;
  return refuse(
    `failed to get sandbox runtime: unable to get OCI runtime handler from runtime class: runtimeclass.node.k8s.io "${name}" not found`,
  );
}
