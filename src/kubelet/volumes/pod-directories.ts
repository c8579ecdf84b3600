/** Where a pod's volumes lie under the kubelet's directory, as upstream lays them out; nothing else knows these names. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The volume kinds that have a directory, by the name of upstream's plugin. */
export type VolumePlugin = 'configmap' | 'secret' | 'empty-dir' | 'projected' | 'downward-api' | 'local-volume';

export interface PodDirectories {
  readonly pod: string;
  readonly volumes: string;
  readonly subPaths: string;
  readonly plugins: string;
  volume(plugin: VolumePlugin, name: string): string;
  /** Stands when the volume was made whole once. */
  readyMark(plugin: VolumePlugin, name: string): string;
  subPath(volumeName: string, containerName: string, mountIndex: number): string;
}

/** @param rootDir the kubelet's own directory, absolute */
export function podDirectories(rootDir: string, podUid: string): PodDirectories {
  const pod = join(rootDir, 'pods', podUid);
  const volumes = join(pod, 'volumes');
  const subPaths = join(pod, 'volume-subpaths');
  const plugins = join(pod, 'plugins');
  return {
    pod,
    volumes,
    subPaths,
    plugins,
    volume: (plugin, name) => join(volumes, `kubernetes.io~${plugin}`, name),
    readyMark: (plugin, name) => join(plugins, `kubernetes.io~${plugin}`, name, 'ready'),
    subPath: (volumeName, containerName, mountIndex) => join(subPaths, volumeName, containerName, String(mountIndex)),
  };
}

/** Uids of the pods that have a directory. */
export function podUids(rootDir: string): string[] {
  return names(join(rootDir, 'pods'));
}

/** True when something of the pod's volumes is on disk. */
export function hasVolumeDirectories({ volumes, subPaths, plugins }: PodDirectories): boolean {
  return [volumes, subPaths, plugins].some((directory) => names(directory).length > 0);
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
