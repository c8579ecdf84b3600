/** Arguments of InterPodAffinity. @source kube-scheduler v1.35 apis/config, validation_pluginargs.go */
import type { ArgsError } from '../../framework/index.ts';

export interface InterPodAffinityArgs {
  /** What a placed pod's required affinity to the pod counts as a preference, 0…100. */
  readonly hardPodAffinityWeight: number;
  /** Pods without preferences of their own do not ask those of placed pods. */
  readonly ignorePreferredTermsOfExistingPods: boolean;
}

export function defaultAffinityArgs(given: Readonly<Record<string, unknown>>): InterPodAffinityArgs {
  return { hardPodAffinityWeight: 1, ignorePreferredTermsOfExistingPods: false, ...given };
}

export function affinityArgsErrors({ hardPodAffinityWeight: weight }: InterPodAffinityArgs): ArgsError[] {
  if (Number.isInteger(weight) && weight >= 0 && weight <= 100) return [];
  return [{ path: 'hardPodAffinityWeight', message: `Invalid value: ${weight}: not in valid range [0, 100]` }];
}
