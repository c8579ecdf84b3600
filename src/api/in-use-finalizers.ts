/** Finalizers that keep objects of storage while they are used: admission gives them, controllers take them away. */

export const inUseFinalizers = {
  claim: 'kubernetes.io/pvc-protection',
  volume: 'kubernetes.io/pv-protection',
  attributesClass: 'kubernetes.io/vac-protection',
} as const;
