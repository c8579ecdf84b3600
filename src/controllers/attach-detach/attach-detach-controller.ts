/**
 * Attaches volumes of CSI drivers to the nodes of the pods that use them and detaches them when the last one is gone and the node has
 * unmounted them. Keys are node names. What is attached is read from VolumeAttachments, whose names are made of volume and node: nothing is
 * remembered that matters, and doing it again does nothing.
 * @source pkg/controller/volume/attachdetach, pkg/volume/csi/csi_attacher.go (names), v1.35
 */
import { createHash } from 'node:crypto';
import {
  type corev1,
  corev1Resources,
  isApiError,
  isFullyBound,
  isPodTerminal,
  type storagev1,
  storagev1Resources,
} from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, type Outcome } from '../../client/index.ts';
import { claimsOf } from '../in-use-protection/users.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { type HeldVolume, planNode, type WantedVolume } from './plan.ts';

export interface AttachDetachOptions {
  /** How long a node that is not healthy may keep a volume mounted before it is detached by force; default 6 min. */
  readonly maxUnmountMs?: number;
}

const { pods, nodes, persistentvolumes, persistentvolumeclaims } = corev1Resources;
const { csidrivers, volumeattachments } = storagev1Resources;
const podByNode = 'node';
const podByClaim = 'claim';
const attachmentByNode = 'node';
const attachmentByVolume = 'volume';

export function createAttachDetachController(context: ControllerContext, options: AttachDetachOptions = {}): Controller {
  const { client, informers, recorder, clock } = context;
  const podInformer = informers.informer(pods);
  const nodeInformer = informers.informer(nodes);
  const volumes = informers.informer(persistentvolumes);
  const claims = informers.informer(persistentvolumeclaims);
  const drivers = informers.informer(csidrivers);
  const attachments = informers.informer(volumeattachments);
  podInformer.addIndex(podByNode, (pod) => (pod.spec.nodeName && claimsOf(pod).length > 0 ? [pod.spec.nodeName] : []));
  podInformer.addIndex(podByClaim, claimsOf);
  attachments.addIndex(attachmentByNode, ({ spec }) => [spec.nodeName]);
  attachments.addIndex(attachmentByVolume, ({ spec }) => (spec.source.persistentVolumeName ? [spec.source.persistentVolumeName] : []));
  const unwantedSinceMs = new Map<string, number>();
  /** Attachments whose success was told. */
  const told = new Set<string>();

  const setup = (enqueue: (key: string) => void): void => {
    const wakePod = (pod: corev1.Pod): void => {
      if (pod.spec.nodeName && claimsOf(pod).length > 0) enqueue(pod.spec.nodeName);
    };
    podInformer.addHandler({ added: wakePod, updated: (_, pod) => wakePod(pod), deleted: wakePod });
    const wakeAttachment = ({ spec }: storagev1.VolumeAttachment): void => {
      enqueue(spec.nodeName);
      // Others may wait for it to go.
      const claim = volumes.get({ name: spec.source.persistentVolumeName ?? '' })?.spec.claimRef;
      if (claim) for (const pod of podInformer.byIndex(podByClaim, `${claim.namespace ?? ''}/${claim.name ?? ''}`)) wakePod(pod);
    };
    attachments.addHandler({ added: wakeAttachment, updated: (_, one) => wakeAttachment(one), deleted: wakeAttachment });
    const wakeNode = (node: corev1.Node): void => {
      if (attachments.byIndex(attachmentByNode, node.metadata.name).length > 0) enqueue(node.metadata.name);
    };
    nodeInformer.addHandler({ updated: (_, node) => wakeNode(node), deleted: wakeNode });
    claims.addHandler({
      updated: (old, { metadata, ...claim }) => {
        if (old.spec.volumeName === claim.spec.volumeName && old.status.phase === claim.status.phase) return;
        for (const pod of podInformer.byIndex(podByClaim, `${metadata.namespace}/${metadata.name}`)) wakePod(pod);
      },
    });
  };

  /** The volume behind a claim when it has to be attached. */
  const attachable = (claimKey: string): corev1.PersistentVolume | undefined => {
    const slash = claimKey.indexOf('/');
    const claim = claims.get({ namespace: claimKey.slice(0, slash), name: claimKey.slice(slash + 1) });
    if (!claim || !isFullyBound(claim)) return undefined;
    const volume = volumes.get({ name: claim.spec.volumeName ?? '' });
    if (!volume?.spec.csi || volume.spec.claimRef?.uid !== claim.metadata.uid) return undefined;
    // A driver that says nothing is taken to need it.
    return drivers.get({ name: volume.spec.csi.driver })?.spec.attachRequired === false ? undefined : volume;
  };

  const wantedOn = (nodeName: string): WantedVolume[] => {
    const wanted = new Map<string, { volume: corev1.PersistentVolume; attachment: string; pods: corev1.Pod[] }>();
    for (const pod of podInformer.byIndex(podByNode, nodeName)) {
      if (isPodTerminal(pod)) continue;
      for (const key of claimsOf(pod)) {
        const volume = attachable(key);
        if (!volume) continue;
        const attachment = attachmentName(volume, nodeName);
        const known = wanted.get(attachment);
        if (known) known.pods.push(pod);
        else wanted.set(attachment, { volume, attachment, pods: [pod] });
      }
    }
    return [...wanted.values()];
  };

  /** Attachments that others made by hand are theirs. */
  const heldBy = (nodeName: string): HeldVolume[] =>
    attachments.byIndex(attachmentByNode, nodeName).flatMap((attachment) => {
      const volume = volumes.get({ name: attachment.spec.source.persistentVolumeName ?? '' });
      if (!volume?.spec.csi || attachmentName(volume, nodeName) !== attachment.metadata.name) return [];
      return [{ attachment, uniqueName: uniqueNameOf(volume.spec.csi) }];
    });

  const elsewhere = (nodeName: string, { metadata, spec }: corev1.PersistentVolume): { attached: boolean; pods: string[] } => {
    const others = attachments.byIndex(attachmentByVolume, metadata.name).filter((one) => one.spec.nodeName !== nodeName);
    const claimKey = `${spec.claimRef?.namespace ?? ''}/${spec.claimRef?.name ?? ''}`;
    const there = podInformer.byIndex(podByClaim, claimKey).filter((pod) => others.some((one) => one.spec.nodeName === pod.spec.nodeName));
    return { attached: others.length > 0, pods: there.map((pod) => pod.metadata.name) };
  };

  const reconcile = async (nodeName: string, { signal }: Ctx): Promise<Outcome> => {
    const wanted = wantedOn(nodeName);
    const held = heldBy(nodeName);
    noteUnwanted(wanted, held);
    const node = nodeInformer.get({ name: nodeName });
    const plan = planNode({
      node,
      wanted: node ? wanted : [],
      held,
      elsewhere: (volume) => elsewhere(nodeName, volume),
      unwantedSinceMs,
      nowMs: clock.monotonic(),
      maxUnmountMs: options.maxUnmountMs ?? 360_000,
    });
    for (const { pod, event } of plan.tell) recorder.event(pod, event);
    // The kubelet must know that a volume goes before it goes.
    if (node) await reportAttached(node, plan.volumesAttached, signal);
    for (const { attachment } of plan.detach) await detach(attachment, signal);
    for (const one of plan.attach) await attach(one, nodeName, signal);
    tellAttached(wanted, held);
    return plan.againMs === undefined ? done : { type: 'retryAfter', delayMs: plan.againMs };
  };

  const noteUnwanted = (wanted: readonly WantedVolume[], held: readonly HeldVolume[]): void => {
    const names = new Set(wanted.map(({ attachment }) => attachment));
    for (const { attachment } of held) {
      const { name } = attachment.metadata;
      if (names.has(name)) unwantedSinceMs.delete(name);
      else if (!unwantedSinceMs.has(name)) unwantedSinceMs.set(name, clock.monotonic());
    }
  };

  const tellAttached = (wanted: readonly WantedVolume[], held: readonly HeldVolume[]): void => {
    for (const { attachment } of held) {
      const { name } = attachment.metadata;
      if (!attachment.status?.attached || told.has(attachment.metadata.uid)) continue;
      const one = wanted.find((each) => each.attachment === name);
      if (!one) continue;
      told.add(attachment.metadata.uid);
      const message = `AttachVolume.Attach succeeded for volume "${one.volume.metadata.name}" `;
      for (const pod of one.pods) recorder.event(pod, { type: 'Normal', reason: 'SuccessfulAttachVolume', message });
    }
  };

  const reportAttached = async (node: corev1.Node, attached: readonly corev1.AttachedVolume[], signal: AbortSignal): Promise<void> => {
    if (semanticEqual(node.status?.volumesAttached, attached)) return;
    const body = { metadata: { uid: node.metadata.uid }, status: { volumesAttached: attached.length > 0 ? attached : null } };
    await client.patch(
      nodes,
      { name: node.metadata.name },
      { type: 'application/merge-patch+json', body, subresource: 'status' },
      { signal },
    );
  };

  const attach = async ({ volume, attachment }: WantedVolume, nodeName: string, signal: AbortSignal): Promise<void> => {
    const { name } = volume.metadata;
    const object = {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'VolumeAttachment',
      metadata: { name: attachment },
      spec: { attacher: volume.spec.csi?.driver ?? '', nodeName, source: { persistentVolumeName: name } },
    } as const;
    await client.create(volumeattachments, object, { signal }).catch((error: unknown) => {
      if (!isApiError(error, 'AlreadyExists')) throw error;
    });
  };

  const detach = async ({ metadata }: storagev1.VolumeAttachment, signal: AbortSignal): Promise<void> => {
    const { name, uid } = metadata;
    unwantedSinceMs.delete(name);
    told.delete(uid);
    await client.delete(volumeattachments, { name }, { signal, body: { preconditions: { uid } } }).catch((error: unknown) => {
      if (!isApiError(error, 'NotFound')) throw error;
    });
  };

  return { name: 'persistentvolume-attach-detach-controller', reconcile, setup };
}

/** The name under which upstream's attacher looks for the attachment of a volume to a node. */
export function attachmentName({ spec }: corev1.PersistentVolume, nodeName: string): string {
  const { volumeHandle = '', driver = '' } = spec.csi ?? {};
  return `csi-${createHash('sha256').update(`${volumeHandle}${driver}${nodeName}`).digest('hex')}`;
}

/** As `node.status.volumesAttached` and `volumesInUse` name it. */
export function uniqueNameOf({ driver, volumeHandle }: corev1.CSIPersistentVolumeSource): string {
  return `kubernetes.io/csi/${driver}^${volumeHandle}`;
}
