/**
 * The directories of local-path volumes on this node: which names are allowed, and how they go. Containers wrote into them whatever they
 * liked, so what removes follows no links and enters no other file system.
 */
import { lstatSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { run } from '../../base/index.ts';
import { VolumeError } from '../seams.ts';
import { mountsBelow, readMountTable } from './mount-table.ts';

/**
 * The name of a volume's directory, right below `base`.
 * @throws VolumeError when the path is another one: objects of the API do not lead this node to its other files
 */
export function localPathName(base: string, path: string): string {
  const name = basename(path);
  if (dirname(path) !== base || !/^pvc-[0-9A-Za-z][-0-9A-Za-z._]*$/.test(name)) {
    throw new VolumeError(`${path} is no directory of the local-path provisioner on this node`);
  }
  return name;
}

/** Removes a volume's directory with all that is in it; one that is gone is fine. @throws VolumeError while it is mounted */
export async function removeLocalPath(base: string, path: string, signal: AbortSignal): Promise<void> {
  const directory = `${base}/${localPathName(base, path)}`;
  if (!lstatSync(directory, { throwIfNoEntry: false })) return;
  if (mountsBelow(readMountTable(), directory).length > 0) throw new VolumeError(`${directory} has mounts below it`);
  await run(['rm', '-rf', '--one-file-system', '--', directory], { signal });
}
