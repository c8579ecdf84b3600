/** A profile of default plugins that decides about pods in memory: nothing is bound, nothing evicted. */
import { NodeFilter } from '../cycle/node-filter.ts';
import { type Profile, profileOfPlugins } from '../cycle/profile.ts';
import { type Decision, PodScheduler } from '../cycle/schedule-pod.ts';
import type { CycleRunner, Plugin } from '../framework/index.ts';
import { defaultPluginSet, inTreePlugins } from '../plugins/registry.ts';
import { NominatedPods } from '../queue/nominated-pods.ts';
import type { corev1 } from '../../api/index.ts';
import { seededRandom } from '../../base/index.ts';
import { type TestHandle, testHandle } from './handle.ts';

export interface Decider {
  readonly handle: TestHandle;
  readonly profile: Profile;
  readonly nominated: NominatedPods;
  /** One decision about the pod, as if it came out of the queue. */
  decide(pod: corev1.Pod): Decision;
}

/** What needs an API server or volumes stays out. */
const left = new Set(['DefaultPreemption', 'DefaultBinder', 'VolumeRestrictions', 'NodeVolumeLimits', 'VolumeBinding', 'VolumeZone']);

/** @param args by plugin name, over the defaults */
export function makeDecider(args: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {}): Decider {
  const nominated = new NominatedPods();
  const late: { runner?: CycleRunner } = {};
  const handle = testHandle({
    nominator: nominated,
    runner: {
      addPod: (...given) => late.runner!.addPod(...given),
      removePod: (...given) => late.runner!.removePod(...given),
      filterWithNominated: (...given) => late.runner!.filterWithNominated(...given),
      looksAtNodeOnly: (state) => late.runner!.looksAtNodeOnly(state),
    },
  });
  const made: Plugin[] = [];
  const weights: Record<string, number> = {};
  for (const { name, weight } of defaultPluginSet) {
    const factory = inTreePlugins.find((each) => each.name === name);
    if (!factory || left.has(name)) continue;
    made.push(factory.create(factory.defaultArgs?.(args[name] ?? {}), handle));
    weights[name] = weight;
  }
  const profile = profileOfPlugins('default-scheduler', made, weights);
  late.runner = new NodeFilter(profile, nominated);
  const pods = new PodScheduler({ profile, cluster: handle.cluster, nominated, position: { next: 0 }, random: seededRandom(1) });
  const decide = (pod: corev1.Pod): Decision => {
    const decision = pods.schedule(handle.cluster.podInfo(pod));
    // Only extenders make it wait, and there are none.
    return decision as Decision;
  };
  return { handle, profile, nominated, decide };
}
