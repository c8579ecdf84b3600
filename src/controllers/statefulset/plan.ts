/**
 * What a StatefulSet does next. Pure; it neither reads caches nor writes.
 * `OrderedReady` goes through the ordinals upwards and stops at the first pod that is not as it should be; only when all are may one be
 * taken away, the highest first. `Parallel` does everything at once, and of it only an update keeps a bound.
 * Invariant: no step makes a pod of an ordinal whose pod is still there.
 * @source pkg/controller/statefulset/stateful_set_control.go (updateStatefulSet), v1.35
 */
import {
  type appsv1,
  type corev1,
  isPodAvailable,
  isPodReady,
  isPodTerminal,
  isPodTerminating,
  scaledValue,
  type Unsaved,
} from '../../api/index.ts';
import { assertNever } from '../../base/index.ts';
import { claimsOf, newPod, type PodVersion, revisionOf, withIdentity } from './identity.ts';
import { claimName, isInRange, ordinalOf, podName, replicasOf, startOrdinal } from './ordinals.ts';
import { type ClaimOwners, isConflicting, isStale, wantedOwners } from './retention.ts';

type StatefulSet = appsv1.StatefulSet;
type Pod = corev1.Pod;
type Claim = corev1.PersistentVolumeClaim;
type NewPod = ReturnType<typeof newPod>;

export type Step =
  | {
      readonly type: 'createClaim';
      readonly podName: string;
      readonly claim: Unsaved<Claim> & { readonly metadata: { readonly name: string } };
    }
  /** Its claim is on its way out: the pod cannot be made with it. */
  | { readonly type: 'claimIsGoing'; readonly podName: string; readonly claim: Claim }
  | { readonly type: 'claimHasOtherOwner'; readonly claim: Claim }
  | { readonly type: 'setClaimOwners'; readonly claim: Claim; readonly owners: ClaimOwners['ownerReferences'] }
  | { readonly type: 'createPod'; readonly pod: NewPod }
  /** `pod` is undefined when only its claims changed. */
  | { readonly type: 'updatePod'; readonly podName: string; readonly pod: Pod | undefined }
  | { readonly type: 'deletePod'; readonly pod: Pod; readonly why: 'ended' | 'scaled' | 'outdated' };

export interface StatefulSetPlan {
  /**
   * Done one after the other. Within a stage there is a list of steps a pod: ordered, or all pods at once when `atOnce` is set. The first
   * failure ends the stage and the plan.
   */
  readonly stages: readonly (readonly (readonly Step[])[])[];
  readonly atOnce: boolean;
  /** Why an ordered plan goes no further. */
  readonly waitsFor?: string;
  /** How many pods an update may take away, and how many are missing; undefined when it does not come to that. */
  readonly update?: { readonly maxUnavailable: number; readonly unavailable: number };
}

export interface StatefulSetView {
  readonly set: StatefulSet;
  readonly current: PodVersion;
  readonly update: PodVersion;
  /** Every pod that it controls. */
  readonly pods: readonly Pod[];
  readonly claim: (name: string) => Claim | undefined;
  readonly nowMs: number;
}

/** One ordinal that is wanted, with its pod when there is one. */
interface Slot {
  readonly ordinal: number;
  readonly name: string;
  readonly pod: Pod | undefined;
  /** The version that its pod has, or will be made of. */
  readonly version: string | undefined;
}

/** What looking at one pod comes to: its steps and, when nothing else may be done meanwhile, why. */
interface Verdict {
  readonly steps: readonly Step[];
  readonly waitsFor?: string;
}

export function planStatefulSet(view: StatefulSetView): StatefulSetPlan {
  const { set } = view;
  const atOnce = set.spec.podManagementPolicy === 'Parallel';
  if (isPodTerminating(set)) return { stages: [], atOnce };
  const slots = slotsOf(view);
  const surplus = surplusOf(view);
  const firstMissing =
    slots.find(({ pod }) => isMissing(view, pod))?.name ?? surplus.findLast((pod) => isMissing(view, pod))?.metadata.name;
  const stages: (readonly (readonly Step[])[])[] = [];
  const passes: (() => readonly Verdict[])[] = [
    () => slots.map((slot) => (slot.pod ? keep(view, slot, slot.pod) : create(view, slot))),
    () => surplus.map((pod) => ({ steps: claimOwnerSteps(view, pod) })),
    () => surplus.map((pod) => condemn(view, { pod, firstMissing, atOnce })),
  ];
  for (const pass of passes) {
    const verdicts = pass();
    const last = atOnce ? -1 : verdicts.findIndex(({ waitsFor }) => waitsFor !== undefined);
    stages.push((last < 0 ? verdicts : verdicts.slice(0, last + 1)).map(({ steps }) => steps));
    if (last >= 0) return { stages: tidied(stages), atOnce, waitsFor: verdicts[last]!.waitsFor! };
  }
  if (set.spec.updateStrategy?.type === 'OnDelete') return { stages: tidied(stages), atOnce };
  const { outdated, ...update } = planUpdate(view, slots, atOnce);
  stages.push(outdated.map((pod) => [{ type: 'deletePod', pod, why: 'outdated' }]));
  return { stages: tidied(stages), atOnce, update };
}

function tidied(stages: StatefulSetPlan['stages']): StatefulSetPlan['stages'] {
  return stages.map((stage) => stage.filter((steps) => steps.length > 0)).filter((stage) => stage.length > 0);
}

function slotsOf({ set, pods, current, update }: StatefulSetView): Slot[] {
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod), pod]));
  return Array.from({ length: replicasOf(set) }, (_, i) => {
    const ordinal = startOrdinal(set) + i;
    const pod = byOrdinal.get(ordinal);
    const version = pod ? revisionOf(pod) : (isMadeOld(set, i) ? current : update).name;
    return { ordinal, name: podName(set, ordinal), pod, version };
  });
}

/** Pods beyond the range, the highest first. */
function surplusOf({ set, pods }: StatefulSetView): Pod[] {
  const ordinal = (pod: Pod): number => ordinalOf(set, pod) ?? -1;
  return pods.filter((pod) => ordinal(pod) >= 0 && !isInRange(set, ordinal(pod))).sort((a, b) => ordinal(b) - ordinal(a));
}

/** Whether the pod at this place of the range is made of the current version while an update is on. */
function isMadeOld({ spec, status }: StatefulSet, place: number): boolean {
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  if (rollingUpdate) return place < (rollingUpdate.partition ?? 0);
  return type === 'RollingUpdate' && place < (status?.currentReplicas ?? 0);
}

function create(view: StatefulSetView, { ordinal, name, version }: Slot): Verdict {
  const { set } = view;
  const podOf = { metadata: { name, uid: '', resourceVersion: '', creationTimestamp: '' } };
  const claims = claimsFound(view, ordinal);
  if (claims.some((claim) => isStale(set, podOf, claim))) return { steps: [], waitsFor: `the claims of an earlier ${name} to go` };
  const pod = newPod(set, version === view.update.name ? view.update : view.current, ordinal);
  const steps: Step[] = [...claimSteps(view, ordinal), { type: 'createPod', pod }, ...claimOwnerSteps(view, podOf)];
  return { steps, waitsFor: `${name} to be made` };
}

function keep(view: StatefulSetView, { ordinal, name }: Slot, pod: Pod): Verdict {
  const { set, nowMs } = view;
  const going = isPodTerminating(pod);
  if (isPodTerminal(pod)) return { steps: going ? [] : [{ type: 'deletePod', pod, why: 'ended' }], waitsFor: `${name} to go` };
  const steps: Step[] = [];
  if (pod.status?.phase === 'Pending') steps.push(...claimSteps(view, ordinal), ...claimOwnerSteps(view, pod));
  const parallel = set.spec.podManagementPolicy === 'Parallel';
  if (!parallel) {
    if (going) return { steps, waitsFor: `${name} to go` };
    if (!isRunningAndReady(pod)) return { steps, waitsFor: `${name} to be ready` };
    if (!isPodAvailable(pod, { minReadySeconds: set.spec.minReadySeconds ?? 0, nowMs }))
      return { steps, waitsFor: `${name} to be available` };
  }
  const wanted = withIdentity(set, pod, ordinal);
  const owners = pod.status?.phase === 'Pending' ? [] : claimOwnerSteps(view, pod);
  if (wanted.spec !== pod.spec && pod.status?.phase !== 'Pending') steps.push(...claimSteps(view, ordinal));
  if (wanted !== pod || owners.length > 0) {
    steps.push(...owners, { type: 'updatePod', podName: name, pod: wanted === pod ? undefined : wanted });
  }
  return { steps };
}

function condemn(
  view: StatefulSetView,
  { pod, firstMissing, atOnce }: { readonly pod: Pod; readonly firstMissing: string | undefined; readonly atOnce: boolean },
): Verdict {
  const { set, nowMs } = view;
  const { name } = pod.metadata;
  if (isPodTerminating(pod)) return { steps: [], waitsFor: `${name} to go` };
  if (!atOnce && name !== firstMissing) {
    if (!isRunningAndReady(pod)) return { steps: [], waitsFor: `${firstMissing} to be ready` };
    if (!isPodAvailable(pod, { minReadySeconds: set.spec.minReadySeconds ?? 0, nowMs })) {
      return { steps: [], waitsFor: `${firstMissing} to be available` };
    }
  }
  return { steps: [{ type: 'deletePod', pod, why: 'scaled' }], waitsFor: `${name} to go` };
}

/**
 * The pods that an update takes away now: of those at the partition or above it, the highest first, as many as may be missing. With
 * `Parallel`, pods that are missing anyhow do not count: nothing gets better by waiting for an old pod that never becomes ready.
 */
function planUpdate(
  view: StatefulSetView,
  slots: readonly Slot[],
  atOnce: boolean,
): { readonly outdated: readonly Pod[]; readonly maxUnavailable: number; readonly unavailable: number } {
  const { set, update } = view;
  const { partition = 0, maxUnavailable: bound = 1 } = set.spec.updateStrategy?.rollingUpdate ?? {};
  const maxUnavailable = Math.max(1, scaledValue(bound, { total: replicasOf(set), round: 'down' }));
  const unavailable = slots.filter(({ pod }) => isMissing(view, pod)).length;
  const old = slots
    .slice(partition)
    .flatMap(({ pod, version }) => (pod && version !== update.name && !isPodTerminating(pod) && !isPodTerminal(pod) ? [pod] : []))
    .reverse();
  const budget = Math.max(0, maxUnavailable - unavailable);
  const broken = atOnce ? old.filter((pod) => isMissing(view, pod)) : [];
  const outdated = [...broken, ...old.filter((pod) => !broken.includes(pod)).slice(0, budget)];
  return { outdated, maxUnavailable, unavailable };
}

function claimsFound({ set, claim }: StatefulSetView, ordinal: number): Claim[] {
  return (set.spec.volumeClaimTemplates ?? []).flatMap(({ metadata }) => claim(claimName(set, metadata.name, ordinal)) ?? []);
}

/** Makes the claims that are not there. */
function claimSteps({ set, claim }: StatefulSetView, ordinal: number): Step[] {
  const name = podName(set, ordinal);
  return claimsOf(set, ordinal).flatMap((wanted): Step[] => {
    const found = claim(wanted.metadata.name);
    if (!found) return [{ type: 'createClaim', podName: name, claim: wanted }];
    return found.metadata.deletionTimestamp === undefined ? [] : [{ type: 'claimIsGoing', podName: name, claim: found }];
  });
}

/** Says by owner references when the claims of a pod go. */
function claimOwnerSteps(view: StatefulSetView, pod: Pick<Pod, 'metadata'>): Step[] {
  const { set } = view;
  const ordinal = ordinalOf(set, pod);
  if (ordinal === undefined) return [];
  return claimsFound(view, ordinal).flatMap((claim): Step[] => {
    const wanted = wantedOwners(set, pod, claim);
    return [
      ...(wanted && isConflicting(set, pod, claim) ? [{ type: 'claimHasOtherOwner', claim } as const] : []),
      ...(wanted ? [{ type: 'setClaimOwners', claim, owners: wanted.ownerReferences } as const] : []),
    ];
  });
}

/** Not there, not ready for long enough, ended (whatever its last conditions say), or on its way out. */
function isMissing({ set, nowMs }: StatefulSetView, pod: Pod | undefined): boolean {
  if (!pod || isPodTerminating(pod) || isPodTerminal(pod)) return true;
  return !isPodAvailable(pod, { minReadySeconds: set.spec.minReadySeconds ?? 0, nowMs });
}

function isRunningAndReady(pod: Pod): boolean {
  return pod.status?.phase === 'Running' && isPodReady(pod);
}

/** The plan as text: a line a step, in order. */
export function formatPlan({ stages, atOnce, waitsFor }: StatefulSetPlan): string {
  const lines = stages.flat().map((steps) => steps.map(formatStep).join(', '));
  if (waitsFor !== undefined && !atOnce) lines.push(`wait for ${waitsFor}`);
  return lines.join('\n') || 'nothing';
}

function formatStep(step: Step): string {
  switch (step.type) {
    case 'createClaim':
      return `create claim ${step.claim.metadata.name}`;
    case 'claimIsGoing':
      return `refuse ${step.claim.metadata.name}, which is going`;
    case 'claimHasOtherOwner':
      return `warn of ${step.claim.metadata.name}`;
    case 'setClaimOwners':
      return `own ${step.claim.metadata.name} by ${step.owners.map(({ kind, name }) => `${kind} ${name}`).join(' and ') || 'nobody'}`;
    case 'createPod':
      return `create ${step.pod.metadata.name} at ${revisionOf(step.pod as Pod)}`;
    case 'updatePod':
      return `update ${step.podName}`;
    case 'deletePod':
      return `delete ${step.pod.metadata.name} (${step.why})`;
    default:
      return assertNever(step);
  }
}
