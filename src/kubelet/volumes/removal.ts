/**
 * Removing what a pod left on disk. Its containers wrote there whatever they liked, so nothing is removed before every mount is
 * gone, and what removes neither follows links nor enters another file system.
 */
import { existsSync, rmdirSync } from 'node:fs';
import { run } from '../../base/index.ts';
import { VolumeError } from '../seams.ts';
import type { Mounter } from './mounter.ts';
import type { PodDirectories } from './pod-directories.ts';

/** Unmounts and removes a pod's volumes; idempotent. @throws VolumeError or ProcessError when something is held */
export async function removePodVolumes(directories: PodDirectories, mounter: Mounter, signal: AbortSignal): Promise<void> {
  const { pod, volumes, subPaths, plugins } = directories;
  // SubPaths are bound from volumes.
  for (const directory of [subPaths, volumes]) await mounter.unmountAll(directory, signal);
  const left = [subPaths, volumes, plugins].flatMap((directory) => mounter.mountsBelow(directory));
  if (left.length > 0) throw new VolumeError(`volume paths are still mounted: ${left.join(', ')}`);
  const present = [subPaths, volumes, plugins].filter((directory) => existsSync(directory));
  if (present.length > 0) await run(['rm', '-rf', '--one-file-system', '--', ...present], { signal });
  removeIfEmpty(pod);
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    // Others keep files there too.
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
