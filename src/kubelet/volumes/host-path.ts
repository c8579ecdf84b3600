/** The check of a hostPath volume's type, making the path where the type says so. @source pkg/volume/hostpath (v1.35) */
import { chmodSync, closeSync, mkdirSync, openSync, type Stats, statSync } from 'node:fs';
import type { corev1 } from '../../api/index.ts';
import { VolumeError } from '../seams.ts';

/** @throws VolumeError when the path is not what the type asks for */
export function checkHostPath({ path, type = '' }: corev1.HostPathVolumeSource): void {
  if (type === '') return;
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found && type === 'DirectoryOrCreate') return makeDirectory(path);
  if (!found && type === 'FileOrCreate') return makeFile(path);
  const check = checks[type];
  if (!check) throw new VolumeError(`${type} is an invalid volume type`);
  if (!found || !check.is(found)) throw new VolumeError(`hostPath type check failed: ${path} is not ${check.text}`);
}

const directory = { is: (stats: Stats) => stats.isDirectory(), text: 'a directory' };
const file = { is: (stats: Stats) => !stats.isDirectory(), text: 'a file' };

const checks: Readonly<Record<string, { readonly is: (stats: Stats) => boolean; readonly text: string } | undefined>> = {
  Directory: directory,
  DirectoryOrCreate: directory,
  File: file,
  FileOrCreate: file,
  Socket: { is: (stats) => stats.isSocket(), text: 'a socket file' },
  CharDevice: { is: (stats) => stats.isCharacterDevice(), text: 'a character device' },
  BlockDevice: { is: (stats) => stats.isBlockDevice(), text: 'a block device' },
};

function makeDirectory(path: string): void {
  const first = mkdirSync(path, { recursive: true, mode: 0o755 });
  // The umask of this process is meant for its own files.
  if (first !== undefined) chmodSync(path, 0o755);
}

function makeFile(path: string): void {
  closeSync(openSync(path, 'ax', 0o644));
  chmodSync(path, 0o644);
}
