/**
 * Which volumes of CSI drivers are to be attached to a node and which to be let go, and what the node's status says of them. Pure.
 * @source pkg/controller/volume/attachdetach (reconciler, actual and desired state of world), v1.35
 */
import type { corev1, storagev1 } from '../../api/index.ts';
import type { RecordedEvent } from '../../client/index.ts';

/** A volume that pods of the node need attached. */
export interface WantedVolume {
  readonly volume: corev1.PersistentVolume;
  /** Name of the attachment of this volume to this node. */
  readonly attachment: string;
  readonly pods: readonly corev1.Pod[];
}

/** An attachment of a volume to the node that this controller made. */
export interface HeldVolume {
  readonly attachment: storagev1.VolumeAttachment;
  /** As `node.status` names it. */
  readonly uniqueName: string;
}

export interface NodeWorld {
  readonly node: corev1.Node | undefined;
  readonly wanted: readonly WantedVolume[];
  readonly held: readonly HeldVolume[];
  /** Nodes that a volume is attached to other than this one, with the pods there that use it. */
  readonly elsewhere: (volume: corev1.PersistentVolume) => { readonly attached: boolean; readonly pods: readonly string[] };
  /** Since when each held volume is not wanted any more, by attachment. */
  readonly unwantedSinceMs: ReadonlyMap<string, number>;
  readonly nowMs: number;
  /** How long a node that is not healthy may keep a volume mounted. */
  readonly maxUnmountMs: number;
}

export interface Telling {
  readonly pod: corev1.Pod;
  readonly event: RecordedEvent;
}

export interface NodePlan {
  readonly attach: readonly WantedVolume[];
  readonly detach: readonly HeldVolume[];
  readonly tell: readonly Telling[];
  /** What `status.volumesAttached` is to be, sorted. */
  readonly volumesAttached: readonly corev1.AttachedVolume[];
  /** Look again after so long; undefined: when something changes. */
  readonly againMs: number | undefined;
}

const outOfService = 'node.kubernetes.io/out-of-service';

export function planNode(world: NodeWorld): NodePlan {
  const { node, wanted, held } = world;
  const heldByName = new Map(held.map((one) => [one.attachment.metadata.name, one]));
  const wantedNames = new Set(wanted.map(({ attachment }) => attachment));
  const attach: WantedVolume[] = [];
  const tell: Telling[] = [];
  let againMs: number | undefined;
  for (const one of wanted) {
    const there = heldByName.get(one.attachment)?.attachment;
    if (there) {
      const failure = there.status?.attached ? undefined : there.status?.attachError?.message;
      if (failure !== undefined)
        tell.push(...told(one, `AttachVolume.Attach failed for volume "${one.volume.metadata.name}" : ${failure}`));
      continue;
    }
    const conflict = multiAttachConflict(one.volume, world);
    if (conflict === undefined) attach.push(one);
    else tell.push(...told(one, conflict));
  }
  const detach: HeldVolume[] = [];
  for (const one of held) {
    const { name } = one.attachment.metadata;
    if (wantedNames.has(name) || one.attachment.metadata.deletionTimestamp !== undefined) continue;
    const waitMs = unmountWaitMs(one, world);
    if (waitMs === 0) detach.push(one);
    else if (waitMs !== undefined) againMs = Math.min(againMs ?? waitMs, waitMs);
  }
  const going = new Set(detach.map(({ uniqueName }) => uniqueName));
  const volumesAttached = held
    .filter(({ attachment, uniqueName }) => attachment.status?.attached && !attachment.metadata.deletionTimestamp && !going.has(uniqueName))
    .map(({ uniqueName }) => ({ name: uniqueName, devicePath: '' }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return { attach, detach, tell, volumesAttached: node ? volumesAttached : [], againMs };
}

/** How long the volume must stay attached yet; 0: it may go; undefined: until the node says that it is not in use. */
function unmountWaitMs({ attachment, uniqueName }: HeldVolume, world: NodeWorld): number | undefined {
  const { node, unwantedSinceMs, nowMs, maxUnmountMs } = world;
  if (!node || !node.status?.volumesInUse?.includes(uniqueName)) return 0;
  if (node.spec.taints?.some(({ key }) => key === outOfService)) return 0;
  // A node that works will unmount it; one that does not is given this long.
  if (node.status.conditions?.find(({ type }) => type === 'Ready')?.status === 'True') return undefined;
  const sinceMs = unwantedSinceMs.get(attachment.metadata.name) ?? nowMs;
  return Math.max(0, sinceMs + maxUnmountMs - nowMs);
}

function multiAttachConflict(volume: corev1.PersistentVolume, { elsewhere }: NodeWorld): string | undefined {
  const modes = volume.spec.accessModes ?? [];
  if (modes.length === 0 || modes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany')) return undefined;
  const { attached, pods } = elsewhere(volume);
  if (!attached) return undefined;
  const where =
    pods.length > 0
      ? `Volume is already used by pod(s) ${pods.join(', ')}`
      : "Volume is already exclusively attached to one node and can't be attached to another";
  return `Multi-Attach error for volume "${volume.metadata.name}" ${where}`;
}

function told({ pods }: WantedVolume, message: string): Telling[] {
  return pods.map((pod) => ({ pod, event: { type: 'Warning', reason: 'FailedAttachVolume', message } }));
}
