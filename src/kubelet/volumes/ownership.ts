/**
 * Gives a volume to the pod's fsGroup: group ownership, group permissions, and the setgid bit on directories so that new files get
 * the group too. Runs before any container can write to the volume, or on files that only the kubelet writes; links are changed
 * themselves, never followed.
 * @source pkg/volume/volume_linux.go (v1.35)
 */
import { chmodSync, lchownSync, lstatSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';

const groupReadWrite = 0o660;
const groupRead = 0o440;
const groupExecute = 0o110;
const setGid = 0o2000;

export interface OwnershipOptions {
  readonly fsGroup: number;
  /** For volumes that containers only read. */
  readonly readOnly: boolean;
  /** `OnRootMismatch`: nothing is done when the volume's root has the group and the bits already. */
  readonly changePolicy?: 'Always' | 'OnRootMismatch';
}

export function setOwnership(directory: string, options: OwnershipOptions): void {
  if (options.changePolicy === 'OnRootMismatch' && hasOwnership(lstatSync(directory), options)) return;
  // The root last: it tells whether all the rest was done.
  setBelow(directory, options);
  setOne(directory, options);
}

function setBelow(directory: string, options: OwnershipOptions): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) setBelow(path, options);
    setOne(path, options);
  }
}

function setOne(path: string, options: OwnershipOptions): void {
  lchownSync(path, -1, options.fsGroup);
  const stats = lstatSync(path);
  if (!stats.isSymbolicLink()) chmodSync(path, (stats.mode & 0o7777) | wantedBits(stats, options));
}

function wantedBits(stats: Stats, { readOnly }: OwnershipOptions): number {
  return (readOnly ? groupRead : groupReadWrite) | (stats.isDirectory() ? setGid | groupExecute : 0);
}

function hasOwnership(root: Stats, options: OwnershipOptions): boolean {
  const wanted = wantedBits(root, options);
  return root.gid === options.fsGroup && (root.mode & wanted) === wanted;
}
