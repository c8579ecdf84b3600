/**
 * Makes a PersistentVolume stand for a pod: a path of the node as it is, or a local volume bound into the pod's directory. What was
 * provisioned as a local path is made here when the first pod comes.
 * @source pkg/volume/local, pkg/volume/hostpath, v1.35
 */
import { chmodSync, closeSync, fstatSync, lstatSync, mkdirSync, mkdtempSync, openSync, renameSync, statSync } from 'node:fs';
import { type corev1, isVolumeReachable, localPath, volumeAnnotations } from '../../api/index.ts';
import { type PreparedVolume, VolumeError } from '../seams.ts';
import { O_PATH, openBeneath } from './beneath.ts';
import type { ClaimedVolume } from './claims.ts';
import { checkHostPath } from './host-path.ts';
import { localPathName } from './local-path-directory.ts';
import type { Mounter } from './mounter.ts';
import { setOwnership } from './ownership.ts';
import type { PodDirectories } from './pod-directories.ts';

export interface PersistentSetup {
  readonly pod: corev1.Pod;
  readonly directories: PodDirectories;
  readonly mounter: Mounter;
  /** The node as last read; undefined while that has not happened. */
  readonly node: corev1.Node | undefined;
  /** Where this node makes the directories of the local-path provisioner; undefined: it makes none. */
  readonly localPathDir: string | undefined;
  readonly signal: AbortSignal;
}

/** @throws VolumeError, or the system's error */
export async function setUpPersistentVolume({ volume, readOnly }: ClaimedVolume, setup: PersistentSetup): Promise<PreparedVolume> {
  const { spec } = volume;
  const { name } = volume.metadata;
  if (setup.node && !isVolumeReachable(volume, setup.node)) {
    throw new VolumeError(`MountVolume.NodeAffinity check failed for volume "${name}" : no matching NodeSelectorTerms`);
  }
  // GAP(block-volumes)
  if (spec.volumeMode === 'Block') throw new VolumeError('volumeMode Block is not supported');
  if (spec.hostPath) {
    if (spec.mountOptions?.length) throw new VolumeError('Mount options are not supported for volume type');
    checkHostPath(spec.hostPath);
    return { hostPath: spec.hostPath.path, readOnly };
  }
  if (spec.local) return { hostPath: await setUpLocal(volume, spec.local, setup), readOnly };
  const known = new Set(['capacity', 'accessModes', 'claimRef', 'persistentVolumeReclaimPolicy', 'storageClassName', 'mountOptions']);
  const other = new Set(['volumeMode', 'nodeAffinity', 'volumeAttributesClassName']);
  // GAP(volume-sources): CSI and network volumes.
  const source = Object.keys(spec).find((key) => !known.has(key) && !other.has(key)) ?? 'unknown';
  throw new VolumeError(`volume source ${source} is not supported`);
}

async function setUpLocal(volume: corev1.PersistentVolume, local: corev1.LocalVolumeSource, setup: PersistentSetup): Promise<string> {
  const { directories, mounter, signal, pod } = setup;
  const target = directories.volume('local-volume', volume.metadata.name);
  if (mounter.mountsBelow(target).includes(target)) return target;
  const descriptor = openLocal(volume, local.path, setup.localPathDir);
  try {
    // GAP(block-volumes): upstream would make a file system on a device.
    if (!fstatSync(descriptor).isDirectory()) throw new VolumeError(`local volume ${local.path} is not a directory`);
    mkdirSync(target, { recursive: true, mode: 0o750 });
    await mounter.bindDescriptor(descriptor, target, signal, volume.spec.mountOptions);
  } finally {
    closeSync(descriptor);
  }
  const { fsGroup, fsGroupChangePolicy = 'Always' } = pod.spec.securityContext ?? {};
  if (fsGroup !== undefined) setOwnership(target, { fsGroup, readOnly: false, changePolicy: fsGroupChangePolicy });
  return target;
}

/** Opens the place itself, so that what is bound is what was looked at. */
function openLocal(volume: corev1.PersistentVolume, path: string, localPathDir: string | undefined): number {
  const own = volume.metadata.annotations?.[volumeAnnotations.provisionedBy] === localPath.provisioner;
  if (own && localPathDir !== undefined) return openLocalPath(localPathDir, localPathName(localPathDir, path));
  if (!statSync(path, { throwIfNoEntry: false })) {
    throw new VolumeError(
      `MountVolume.NewMounter initialization failed for volume "${volume.metadata.name}" : path "${path}" does not exist`,
    );
  }
  return openSync(path, O_PATH);
}

/** Makes the directory when it is not there: any user of the pod may write to it, nobody else can reach it. */
function openLocalPath(base: string, name: string): number {
  const directory = `${base}/${name}`;
  if (!lstatSync(directory, { throwIfNoEntry: false })) {
    mkdirSync(base, { recursive: true, mode: 0o700 });
    const making = mkdtempSync(`${base}/.making-`);
    // The umask of this process is meant for its own files.
    chmodSync(making, 0o777);
    renameSync(making, directory);
  }
  return openBeneath(base, name, O_PATH);
}
