/**
 * What the API server writes into a pod by itself, on creation and on each kind of update.
 * @source pkg/registry/core/pod/strategy.go, v1.35
 */
import type { Container, Pod, PodAffinityTerm, PodSpec } from '../../../gen/core-v1.ts';
import type { Draft } from '../../../object.ts';
import { computePodQos } from '../../../qos.ts';
import type { StrategyContext } from '../../../resource-definition.ts';
import { assignOrDelete, keepMetadata } from '../../keep.ts';
import { dropDisabledPodFields } from './drop-disabled-fields.ts';

type DraftPod = Draft<Pod>;

/** A new pod is pending, and of the class that its resources give. */
export function preparePodForCreate(pod: DraftPod, ctx: StrategyContext): void {
  pod.status = { phase: 'Pending', qosClass: computePodQos(pod.spec) };
  dropDisabledPodFields(pod.spec, undefined, ctx.featureEnabled);
  if (pod.spec.schedulingGates?.length) {
    pod.status.conditions = [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'SchedulingGated',
        message: 'Scheduling is blocked due to non-empty scheduling gates',
      },
    ];
  }
  fillLabelKeys(pod);
}

export function preparePodForUpdate(pod: DraftPod, old: Pod, ctx: StrategyContext): void {
  pod.status = old.status as DraftPod['status'];
  dropDisabledPodFields(pod.spec, old.spec, ctx.featureEnabled);
}

/** Terms that name label keys are completed with the pod's own values. */
function fillLabelKeys({ metadata: { labels = {} }, spec }: DraftPod): void {
  for (const affinity of [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity]) {
    for (const term of affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) fillTerm(term, labels);
    for (const { podAffinityTerm } of affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
      fillTerm(podAffinityTerm ?? {}, labels);
  }
  for (const constraint of spec.topologySpreadConstraints ?? []) fillTerm(constraint, labels);
}

function fillTerm(
  {
    labelSelector,
    matchLabelKeys = [],
    mismatchLabelKeys = [],
  }: Draft<Pick<PodAffinityTerm, 'labelSelector' | 'matchLabelKeys' | 'mismatchLabelKeys'>>,
  labels: Readonly<Record<string, string>>,
): void {
  if (!labelSelector) return;
  const add = (key: string, operator: string): void => {
    if (Object.hasOwn(labels, key)) (labelSelector.matchExpressions ??= []).push({ key, operator, values: [labels[key]!] });
  };
  for (const key of matchLabelKeys) add(key, 'In');
  for (const key of mismatchLabelKeys) add(key, 'NotIn');
}

/** A status write leaves spec, owners and quality of service alone, and does not forget observed generations. */
export function preparePodStatus(pod: DraftPod, old: Pod): void {
  pod.spec = old.spec as DraftPod['spec'];
  assignOrDelete(pod.metadata, 'ownerReferences', old.metadata.ownerReferences as DraftPod['metadata']['ownerReferences']);
  if (!pod.status.qosClass && old.status.qosClass) pod.status.qosClass = old.status.qosClass;
  if (!pod.status.observedGeneration && old.status.observedGeneration) pod.status.observedGeneration = old.status.observedGeneration;
  const before = [...(old.status.conditions ?? [])];
  for (const condition of pod.status.conditions ?? []) {
    const i = before.findIndex(({ type }) => type === condition.type);
    const [same] = i < 0 ? [] : before.splice(i, 1);
    if (!condition.observedGeneration && same?.observedGeneration) condition.observedGeneration = same.observedGeneration;
  }
}

/** Only ephemeral containers change. */
export function prepareEphemeralContainers(pod: DraftPod, old: Pod): void {
  const { ephemeralContainers } = pod.spec;
  pod.spec = { ...(old.spec as DraftPod['spec']) };
  assignOrDelete(pod.spec, 'ephemeralContainers', ephemeralContainers);
  pod.status = old.status as DraftPod['status'];
  keepMetadata(pod.metadata, old.metadata);
}

/** Only resources and resize policies of the same containers change; anything else is left for validation to refuse. */
export function prepareResize(pod: DraftPod, old: Pod): void {
  const [containers, initContainers] = [resized(pod.spec, old.spec, 'containers'), resized(pod.spec, old.spec, 'initContainers')];
  if (!containers || !initContainers) return;
  pod.spec = { ...(old.spec as DraftPod['spec']), containers };
  if (initContainers.length > 0) pod.spec.initContainers = initContainers;
  pod.status = old.status as DraftPod['status'];
  keepMetadata(pod.metadata, old.metadata);
}

/** The old containers with new resources; undefined when containers came, went or changed places. */
function resized(spec: Draft<PodSpec>, old: PodSpec, list: 'containers' | 'initContainers'): Draft<Container>[] | undefined {
  const [now, then] = [spec[list] ?? [], (old[list] ?? []) as Draft<Container>[]];
  if (now.length !== then.length || now.some(({ name }, i) => name !== then[i]!.name)) return undefined;
  return now.map(({ resources, resizePolicy }, i) => {
    const container = { ...then[i]! };
    assignOrDelete(container, 'resources', resources);
    assignOrDelete(container, 'resizePolicy', resizePolicy);
    return container;
  });
}
