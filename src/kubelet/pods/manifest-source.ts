/**
 * Static pods: manifests in a directory on the node, run whatever the API says. Each gets a mirror in the API so that people can see
 * it; deleting the mirror only makes a new one.
 * @source pkg/kubelet/config/{file,common}.go, pkg/kubelet/pod/mirror_client.go, v1.35
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { type corev1, corev1Resources, isApiError, type Unsaved } from '../../api/index.ts';
import { type Clock, type Ctx, isAbort } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';

export interface ManifestSourceOptions {
  readonly directory: string;
  readonly nodeName: string;
  readonly clock: Clock;
  /** Between two looks at the directory. */
  readonly checkMs: number;
  readonly apply: (pod: corev1.Pod) => void;
  readonly remove: (uid: string) => void;
}

/** Annotation that names the manifest which a pod was made of. */
export const configHash = 'kubernetes.io/config.hash';
const configMirror = 'kubernetes.io/config.mirror';

/** Looks at the directory until the signal aborts; a manifest that cannot be read is told of and left out. */
export async function runManifestSource(options: ManifestSourceOptions, ctx: Ctx): Promise<void> {
  let known = new Map<string, corev1.Pod>();
  for (;;) {
    const found = new Map((await readManifests(options, ctx)).map((pod) => [pod.metadata.uid, pod]));
    for (const [uid, pod] of found) if (!known.has(uid)) options.apply(pod);
    for (const uid of known.keys()) if (!found.has(uid)) options.remove(uid);
    known = found;
    await options.clock.sleep(options.checkMs, ctx.signal);
  }
}

async function readManifests(options: ManifestSourceOptions, ctx: Ctx): Promise<corev1.Pod[]> {
  const pods: corev1.Pod[] = [];
  for (const name of await listFiles(options.directory)) {
    const path = `${options.directory}/${name}`;
    try {
      const { staticPod } = await import('./static-pod.ts');
      pods.push(staticPod(await readFile(path, 'utf8'), path, options));
    } catch (err) {
      if (isAbort(err, ctx.signal)) throw err;
      ctx.log.warn('a manifest cannot be used', { path, err });
    }
  }
  return pods;
}

async function listFiles(directory: string): Promise<string[]> {
  try {
    const names = (await readdir(directory)).filter((name) => !name.startsWith('.')).sort();
    const kinds = await Promise.all(names.map((name) => stat(`${directory}/${name}`)));
    return names.filter((_, i) => kinds[i]!.isFile());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** True when `mirror` stands for the static pod. */
export function isMirrorOf(mirror: corev1.Pod, pod: corev1.Pod): boolean {
  return mirror.metadata.annotations?.[configMirror] === pod.metadata.annotations?.[configHash];
}

/** Makes sure that the API shows the static pod: no mirror, or one of an older manifest, is replaced. */
export async function ensureMirror(
  pod: corev1.Pod,
  mirror: corev1.Pod | undefined,
  { client, node }: { readonly client: Client; readonly node: corev1.Node | undefined },
  ctx: Ctx,
): Promise<void> {
  const { name, namespace = '', annotations = {}, labels } = pod.metadata;
  if (mirror && isMirrorOf(mirror, pod) && mirror.metadata.deletionTimestamp === undefined) return;
  try {
    if (mirror) {
      const body = { gracePeriodSeconds: 0, preconditions: { uid: mirror.metadata.uid } };
      await client.delete(corev1Resources.pods, { namespace, name }, { signal: ctx.signal, body });
    }
    if (!node) return;
    const copy: Unsaved<corev1.Pod> = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace,
        ...(labels && { labels }),
        annotations: { ...annotations, [configMirror]: annotations[configHash] ?? '' },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: node.metadata.name, uid: node.metadata.uid, controller: true }],
      },
      spec: pod.spec,
    };
    await client.create(corev1Resources.pods, copy, ctx);
  } catch (error) {
    if (!isApiError(error, 'AlreadyExists') && !isApiError(error, 'NotFound')) throw error;
  }
}
