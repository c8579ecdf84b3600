/**
 * Which configMaps and secrets a pod names, anywhere in its spec. Pure.
 * @source pkg/api/v1/pod VisitPodConfigmapNames, VisitPodSecretNames (v1.35)
 */
import type { corev1 } from '../../api/index.ts';
import type { AnyContainer } from '../seams.ts';

export type ReferencedKind = 'configmap' | 'secret';

export interface ObjectReference {
  readonly kind: ReferencedKind;
  readonly namespace: string;
  readonly name: string;
}

/** Every reference once. */
export function podReferences(pod: corev1.Pod): ObjectReference[] {
  const configMaps = new Set<string | undefined>();
  const secrets = new Set<string | undefined>();
  for (const { name } of pod.spec.imagePullSecrets ?? []) secrets.add(name);
  const containers: readonly AnyContainer[] = [
    ...(pod.spec.initContainers ?? []),
    ...pod.spec.containers,
    ...(pod.spec.ephemeralContainers ?? []),
  ];
  for (const { env = [], envFrom = [] } of containers) {
    for (const { valueFrom } of env) {
      configMaps.add(valueFrom?.configMapKeyRef?.name);
      secrets.add(valueFrom?.secretKeyRef?.name);
    }
    for (const source of envFrom) {
      configMaps.add(source.configMapRef?.name);
      secrets.add(source.secretRef?.name);
    }
  }
  for (const volume of pod.spec.volumes ?? []) {
    configMaps.add(volume.configMap?.name);
    secrets.add(volume.secret?.secretName);
    for (const source of volume.projected?.sources ?? []) {
      configMaps.add(source.configMap?.name);
      secrets.add(source.secret?.name);
    }
  }
  const namespace = pod.metadata.namespace ?? '';
  const named = (kind: ReferencedKind, names: ReadonlySet<string | undefined>): ObjectReference[] =>
    [...names].filter((name) => name !== undefined && name !== '').map((name) => ({ kind, namespace, name: name! }));
  return [...named('configmap', configMaps), ...named('secret', secrets)];
}
