/** Which configMaps and secrets of its namespace a pod names, each once. Pure. */
import { configMapNamesOf, type corev1, secretNamesOf } from '../../api/index.ts';

export type ReferencedKind = 'configmap' | 'secret';

export interface ObjectReference {
  readonly kind: ReferencedKind;
  readonly namespace: string;
  readonly name: string;
}

export function podReferences(pod: corev1.Pod): ObjectReference[] {
  const namespace = pod.metadata.namespace ?? '';
  const named = (kind: ReferencedKind, names: readonly string[]): ObjectReference[] =>
    [...new Set(names)].map((name) => ({ kind, namespace, name }));
  return [...named('configmap', configMapNamesOf(pod)), ...named('secret', secretNamesOf(pod))];
}
