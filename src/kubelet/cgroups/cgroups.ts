/**
 * The kubelet's part of the cgroup tree: `ROOT/kubepods[/burstable|/besteffort]/podUID`. It makes a pod's group with its limits before
 * the sandbox, and removes it afterwards; the containers' own groups below are the engine's.
 */
import type { corev1 } from '../../api/index.ts';
import { podQosClass, podRequests } from '../../api/index.ts';
import { cpuShares, type PodCgroupLimits } from '../containers/container-resources.ts';

/** What is written into one group; undefined fields are left alone. */
export interface GroupLimits {
  readonly cpuShares?: number | undefined;
  /** -1: no limit. */
  readonly cpuQuotaMicros?: number | undefined;
  readonly cpuPeriodMicros?: number | undefined;
  /** -1: no limit. */
  readonly memoryBytes?: number | undefined;
  readonly pids?: number | undefined;
}

/** One cgroup file system, v1 or v2. Paths are absolute within it, such as `/knarr/kubepods`. */
export interface CgroupTree {
  readonly version: 1 | 2;
  /** Makes the group and what is missing above it. */
  create(path: string): void;
  set(path: string, limits: GroupLimits): void;
  /** Kills what still runs in it and removes it with everything below, in every hierarchy; idempotent. */
  remove(path: string): Promise<void>;
  /** Names of the groups directly below, in any hierarchy. */
  children(path: string): readonly string[];
  /** Whether the kernel counts swap; asked of a group that exists. */
  limitsSwap(path: string): boolean;
  /** Memory that cannot be taken back at once, in bytes; undefined when the group is not there. */
  workingSetBytes(path: string): number | undefined;
}

export interface PodCgroups {
  readonly version: 1 | 2;
  /** Whether the kernel counts swap; known once the groups are prepared. */
  limitsSwap(): boolean;
  /** Makes the three classes' groups and holds all pods to what the node gives away. */
  prepare(limits: { readonly cpuMillis: number; readonly memoryBytes: number }): void;
  /** The parent for a pod's containers; the same for the pod's whole life. */
  path(pod: corev1.Pod): string;
  ensure(pod: corev1.Pod, limits: PodCgroupLimits & { readonly pids: number | undefined }): void;
  /** Weighs the burstable class by what its pods ask for together. */
  balance(pods: readonly corev1.Pod[]): void;
  /** By uid, because the pod's object may be gone. */
  release(podUid: string): Promise<void>;
  /** Uids that have a group. */
  knownPods(): ReadonlySet<string>;
  podWorkingSetBytes(pod: corev1.Pod): number | undefined;
}

const classes = { Guaranteed: '', Burstable: '/burstable', BestEffort: '/besteffort' } as const;

/** @param root absolute, such as `/knarr-dev/n1`, or empty for the top */
export function createPodCgroups(tree: CgroupTree, root: string): PodCgroups {
  const top = `${root === '/' ? '' : root}/kubepods`;
  const pathOf = (pod: corev1.Pod): string => `${top}${classes[podQosClass(pod)]}/pod${pod.metadata.uid}`;
  const parents = Object.values(classes).map((suffix) => `${top}${suffix}`);
  return {
    version: tree.version,
    limitsSwap: () => tree.limitsSwap(top),
    prepare: ({ cpuMillis, memoryBytes }) => {
      for (const parent of parents) tree.create(parent);
      tree.set(top, { cpuShares: cpuShares(cpuMillis), memoryBytes });
      // Best effort gets what nobody else wants.
      tree.set(`${top}${classes.BestEffort}`, { cpuShares: 2 });
    },
    path: pathOf,
    ensure: (pod, limits) => {
      const path = pathOf(pod);
      tree.create(path);
      tree.set(path, limits);
    },
    balance: (pods) => {
      const burstable = pods.filter((pod) => podQosClass(pod) === 'Burstable');
      const millis = burstable.reduce((sum, pod) => sum + (podRequests(pod).get('cpu')?.milliValue() ?? 0), 0);
      tree.set(`${top}${classes.Burstable}`, { cpuShares: cpuShares(millis) });
    },
    release: async (podUid) => {
      await Promise.all(parents.map((parent) => tree.remove(`${parent}/pod${podUid}`)));
    },
    knownPods: () =>
      new Set(
        parents.flatMap((parent) =>
          tree
            .children(parent)
            .filter((name) => name.startsWith('pod'))
            .map((name) => name.slice('pod'.length)),
        ),
      ),
    podWorkingSetBytes: (pod) => tree.workingSetBytes(pathOf(pod)),
  };
}
