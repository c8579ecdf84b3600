/**
 * Makes one volume of a pod stand, by its kind. What follows objects of the API is rendered and written each time and costs nothing
 * when it did not change; everything else is made once.
 */
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { corev1 } from '../../api/index.ts';
import { type PreparedVolume, VolumeError } from '../seams.ts';
import { type Payload, writeAtomically } from './atomic-writer.ts';
import { memoryVolumeBytes } from './empty-dir.ts';
import { checkHostPath } from './host-path.ts';
import type { Mounter } from './mounter.ts';
import { setOwnership } from './ownership.ts';
import { configMapPayload, downwardPayload, type PayloadSources, projectedPayload, secretPayload } from './payload.ts';
import type { PodDirectories, VolumePlugin } from './pod-directories.ts';

export interface VolumeSetup {
  readonly directories: PodDirectories;
  readonly mounter: Mounter;
  readonly sources: PayloadSources;
  readonly nowMs: number;
}

/** @throws VolumeError, ApiError or the system's error; the message is the event's */
export async function setUpVolume(volume: corev1.Volume, setup: VolumeSetup): Promise<PreparedVolume> {
  const { sources } = setup;
  const { configMap, secret, downwardAPI, projected, emptyDir, hostPath, image } = volume;
  if (configMap) return live(volume.name, 'configmap', await configMapPayload(configMap, sources), setup);
  if (secret) return live(volume.name, 'secret', await secretPayload(secret, sources), setup);
  if (downwardAPI) return live(volume.name, 'downward-api', downwardPayload(downwardAPI, sources), setup);
  if (projected) return live(volume.name, 'projected', await projectedPayload(projected, sources), setup);
  if (hostPath) {
    checkHostPath(hostPath);
    return { hostPath: hostPath.path, readOnly: false };
  }
  if (image) {
    return { readOnly: true, image: { reference: image.reference ?? '', pullPolicy: pullPolicyOf(image) } };
  }
  if (emptyDir || isBare(volume)) return { hostPath: await setUpEmptyDir(volume.name, emptyDir ?? {}, setup), readOnly: false };
  // GAP(volume-sources): CSI and network volumes.
  const source = Object.keys(volume).find((key) => key !== 'name');
  throw new VolumeError(`volume source ${source} is not supported`);
}

/** True for volumes whose files follow the API and are kept up to date. */
export function isLive({ configMap, secret, downwardAPI, projected }: corev1.Volume): boolean {
  return Boolean(configMap ?? secret ?? downwardAPI ?? projected);
}

/** Without any source a volume is an emptyDir. */
function isBare(volume: corev1.Volume): boolean {
  return Object.keys(volume).every((key) => key === 'name');
}

function pullPolicyOf({ pullPolicy, reference = '' }: corev1.ImageVolumeSource): 'Always' | 'IfNotPresent' | 'Never' {
  if (pullPolicy === 'Always' || pullPolicy === 'IfNotPresent' || pullPolicy === 'Never') return pullPolicy;
  const lastPart = reference.slice(reference.lastIndexOf('/') + 1);
  return lastPart.includes('@') || (lastPart.includes(':') && !lastPart.endsWith(':latest')) ? 'IfNotPresent' : 'Always';
}

async function live(name: string, plugin: VolumePlugin, payload: Payload, setup: VolumeSetup): Promise<PreparedVolume> {
  // Only configMaps are no secret: everything else never touches a disk.
  const directory = await makeRoot(name, plugin, plugin === 'configmap' ? undefined : {}, setup);
  const fsGroup = fsGroupOf(setup);
  writeAtomically({
    directory,
    payload,
    nowMs: setup.nowMs,
    ...(fsGroup !== undefined && { prepare: (version: string) => setOwnership(version, { fsGroup, readOnly: true }) }),
  });
  return { hostPath: directory, readOnly: true };
}

function setUpEmptyDir(name: string, { medium = '', sizeLimit }: corev1.EmptyDirVolumeSource, setup: VolumeSetup): Promise<string> {
  if (medium === '') return makeRoot(name, 'empty-dir', undefined, setup);
  if (medium === 'Memory') return makeRoot(name, 'empty-dir', sizeLimit === undefined ? {} : { sizeLimit }, setup);
  // GAP(empty-dir-huge-pages)
  if (medium.startsWith('HugePages')) throw new VolumeError(`emptyDir medium ${medium} is not supported`);
  throw new VolumeError(`unknown storage medium ${JSON.stringify(medium)}`);
}

/**
 * Makes a volume's directory once; containers own its content from then on.
 * @param memory undefined: on disk
 */
async function makeRoot(
  name: string,
  plugin: VolumePlugin,
  memory: { readonly sizeLimit?: string } | undefined,
  { directories, mounter, sources }: VolumeSetup,
): Promise<string> {
  const directory = directories.volume(plugin, name);
  const mark = directories.readyMark(plugin, name);
  // After a restart of the machine the mark is there and the memory is not.
  if (existsSync(mark) && existsSync(directory) && (!memory || isMountPoint(directory))) return directory;
  mkdirSync(directory, { recursive: true, mode: 0o750 });
  if (memory && !isMountPoint(directory)) {
    const sizeBytes = memoryVolumeBytes(sources.pod, memory, sources.nodeAllocatable);
    await mounter.mountTmpfs(directory, { sizeBytes }, sources.signal);
  }
  if (!memory) chmodSync(directory, 0o777);
  const { fsGroup } = sources.pod.spec.securityContext ?? {};
  if (fsGroup !== undefined) setOwnership(directory, { fsGroup, readOnly: false });
  mkdirSync(dirname(mark), { recursive: true, mode: 0o750 });
  writeFileSync(mark, '');
  return directory;
}

function isMountPoint(directory: string): boolean {
  return statSync(directory).dev !== statSync(dirname(directory)).dev;
}

function fsGroupOf({ sources }: VolumeSetup): number | undefined {
  return sources.pod.spec.securityContext?.fsGroup;
}
