/**
 * Taints and tolerations. @source staging/src/k8s.io/api/core/v1/toleration.go and component-helpers scheduling/corev1, v1.35
 */
import type { Taint, Toleration } from './gen/core-v1.ts';

export type TaintEffect = Taint['effect'];

export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator ?? '') {
    case '':
    case 'Equal':
      return (toleration.value ?? '') === (taint.value ?? '');
    case 'Exists':
      return true;
    // Numeric comparison is behind the gate TaintTolerationComparisonOperators, off in v1.35.
    default:
      return false;
  }
}

/** The first taint that no toleration covers, among those that `applies` to. */
export function findUntoleratedTaint(
  taints: readonly Taint[] | undefined,
  tolerations: readonly Toleration[] | undefined,
  applies: (taint: Taint) => boolean = () => true,
): Taint | undefined {
  return taints?.find((taint) => applies(taint) && !(tolerations ?? []).some((toleration) => tolerates(toleration, taint)));
}

/** `key=value:effect`, as messages and `kubectl describe` show it. */
export function formatTaint({ key, value, effect }: Pick<Taint, 'key' | 'value'> & { readonly effect?: string }): string {
  if (!effect) return value ? `${key}=${value}:` : key;
  return value ? `${key}=${value}:${effect}` : `${key}:${effect}`;
}

/** Two taints with the same key and effect are the same taint. */
export function isSameTaint(a: Taint, b: Taint): boolean {
  return a.key === b.key && a.effect === b.effect;
}
