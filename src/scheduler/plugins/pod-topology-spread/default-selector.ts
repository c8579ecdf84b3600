/**
 * Which pods belong together with a pod that does not say: those of the Services that select it and of the workload that owns it.
 * @source kube-scheduler v1.35 plugins/helper/spread.go (DefaultSelector)
 */
import {
  controllerOf,
  type corev1,
  labelSelectorMatcher,
  LabelMatcher,
  LabelRequirement,
  labelsMatcher,
  type Labels,
} from '../../../api/index.ts';
import type { SchedulerListers } from '../../framework/index.ts';

const selectorIndex = 'firstSelectorLabel';

/** Files Services under one label that they select by, so that a pod's are found by its own labels. Before the caches start. */
export function indexServices({ services }: SchedulerListers): void {
  services.addIndex(selectorIndex, ({ metadata, spec }) => {
    const first = Object.entries(spec.selector ?? {})[0];
    return first ? [fileOf(metadata.namespace, first[0], first[1])] : [];
  });
}

function fileOf(namespace: string | undefined, key: string, value: string): string {
  return `${namespace}/${key}=${value}`;
}

/** Selects everything when nothing is known that the pod belongs to. */
export function defaultSelector(pod: corev1.Pod, listers: SchedulerListers): LabelMatcher {
  const { namespace, labels = {} } = pod.metadata;
  let merged: Labels = {};
  for (const [key, value] of Object.entries(labels)) {
    for (const { spec } of listers.services.byIndex(selectorIndex, fileOf(namespace, key, value))) {
      if (labelsMatcher(spec.selector ?? {}).matches(labels)) merged = { ...merged, ...spec.selector };
    }
  }
  const owner = controllerOf(pod);
  const key = { name: owner?.name ?? '', ...(namespace && { namespace }) };
  switch (owner && `${owner.apiVersion} ${owner.kind}`) {
    case 'v1 ReplicationController':
      return labelsMatcher({ ...merged, ...listers.replicationControllers.get(key)?.spec.selector });
    case 'apps/v1 ReplicaSet':
      return withRequirements(merged, listers.replicaSets.get(key)?.spec.selector);
    case 'apps/v1 StatefulSet':
      return withRequirements(merged, listers.statefulSets.get(key)?.spec.selector);
    default:
      return labelsMatcher(merged);
  }
}

function withRequirements(labels: Labels, selector: Parameters<typeof labelSelectorMatcher>[0]): LabelMatcher {
  const own = Object.entries(labels).map(([key, value]) => new LabelRequirement(key, '=', [value]));
  return new LabelMatcher(selector ? [...own, ...labelSelectorMatcher(selector).requirements] : own);
}
