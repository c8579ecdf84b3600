/**
 * The pod that a manifest on the node describes. It stands apart because it needs the defaults of pods, and with them the whole table of
 * kinds: loaded when there is a manifest, not before.
 * @source pkg/kubelet/config/common.go, v1.35
 */
import { createHash } from 'node:crypto';
import { load } from 'js-yaml';
import type { corev1, Draft } from '../../api/index.ts';
import { builtinResources } from '../../api/kinds/index.ts';
import { formatTime } from '../../base/index.ts';
import { configHash, type ManifestSourceOptions } from './manifest-source.ts';

/** The manifest is not a pod. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

/** The pod of a manifest, named after the node, with defaults and an identity that follows from its content. @throws ManifestError */
export function staticPod(text: string, path: string, { nodeName, clock }: Pick<ManifestSourceOptions, 'nodeName' | 'clock'>): corev1.Pod {
  const parsed = load(text) as Partial<corev1.Pod> | null;
  if (parsed?.kind !== 'Pod' || parsed.apiVersion !== 'v1' || !parsed.metadata?.name || !parsed.spec?.containers) {
    throw new ManifestError(`${path}: not a v1 Pod`);
  }
  const uid = parsed.metadata.uid || createHash('md5').update(`host:${nodeName}file:${path}${text}`).digest('hex');
  const now = formatTime(clock.now());
  const pod: Draft<corev1.Pod> = {
    ...(structuredClone(parsed) as Draft<corev1.Pod>),
    metadata: {
      ...(parsed.metadata as Draft<corev1.Pod['metadata']>),
      name: `${parsed.metadata.name}-${nodeName.toLowerCase()}`,
      namespace: parsed.metadata.namespace || 'default',
      uid,
      creationTimestamp: now,
      resourceVersion: '',
      annotations: {
        ...parsed.metadata.annotations,
        [configHash]: uid,
        'kubernetes.io/config.seen': now,
        'kubernetes.io/config.source': 'file',
      },
    },
    status: { phase: 'Pending' },
  };
  pod.spec.nodeName = nodeName;
  pod.spec.tolerations = [...(pod.spec.tolerations ?? []), { operator: 'Exists', effect: 'NoExecute' }];
  // The table's entry for pods holds the defaults; its type is lost in the table.
  const definition = builtinResources.find(({ plural, group }) => plural === 'pods' && group === '');
  (definition?.strategy.applyDefaults as ((draft: Draft<corev1.Pod>) => void) | undefined)?.(pod);
  return pod;
}
