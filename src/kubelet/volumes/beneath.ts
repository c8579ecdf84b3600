/**
 * Opening paths that a container can change: component by component, never through a symbolic link, so that nothing a container
 * plants leads the kubelet out of the directory it meant. Node has no openat; `/proc/self/fd/N/name` is one.
 * Everything here is synchronous on purpose: between two of these calls nothing else of this process runs.
 */
import { closeSync, constants, fchmodSync, fstatSync, mkdirSync, openSync } from 'node:fs';

/** Names a place in the file system without opening what is there (fcntl.h, all Linux architectures that Node runs on). */
export const O_PATH = 0o10000000;

const openDirectory = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** A path goes through a link, or out of its base. */
export class UnsafePathError extends Error {
  override readonly name = 'UnsafePathError';
}

/** The components of a relative path without empty ones and `.`. @throws UnsafePathError for absolute paths and `..` */
export function safeComponents(relative: string): string[] {
  if (relative.startsWith('/') || relative.includes('\0')) throw new UnsafePathError(`${JSON.stringify(relative)} is not a relative path`);
  const components = relative.split('/').filter((one) => one !== '' && one !== '.');
  if (components.includes('..')) throw new UnsafePathError(`${JSON.stringify(relative)} must not contain '..'`);
  return components;
}

/**
 * Opens `relative` under `base` (which is trusted and may be a link itself) and returns the descriptor, which the caller closes.
 * @param flags of `open`; O_NOFOLLOW and O_NONBLOCK are added, so that neither a link nor a pipe can catch the kubelet
 * @throws UnsafePathError when a component is a link, or the system's error (ENOENT, EACCES…)
 */
export function openBeneath(base: string, relative: string, flags: number, mode = 0): number {
  const components = safeComponents(relative);
  const last = components.pop();
  let directory = openSync(base, O_PATH | constants.O_DIRECTORY);
  try {
    for (const name of components) directory = step(directory, name);
    if (last === undefined) return openSync(`/proc/self/fd/${directory}`, flags & ~constants.O_NOFOLLOW);
    return openLast(directory, last, flags, mode);
  } finally {
    closeSync(directory);
  }
}

/** Makes the directories of `relative` that are missing, each with exactly `mode` whatever the umask; links are not followed. */
export function makeDirectoriesBeneath(base: string, relative: string, mode: number): void {
  let directory = openSync(base, O_PATH | constants.O_DIRECTORY);
  try {
    for (const name of safeComponents(relative)) {
      const made = makeDirectory(directory, name);
      directory = step(directory, name);
      if (made) chmodDescriptor(directory, mode);
    }
  } finally {
    closeSync(directory);
  }
}

/** Runs `use` with a descriptor and closes it. */
export function withDescriptor<T>(descriptor: number, use: (descriptor: number) => T): T {
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Opens `name` in the directory behind `from` and closes `from`. */
function step(from: number, name: string): number {
  const next = openOrExplain(`/proc/self/fd/${from}/${name}`, name, openDirectory, 0);
  closeSync(from);
  return next;
}

function openLast(directory: number, name: string, flags: number, mode: number): number {
  const nonBlocking = (flags & O_PATH) === 0 ? constants.O_NONBLOCK : 0;
  const descriptor = openOrExplain(`/proc/self/fd/${directory}/${name}`, name, flags | constants.O_NOFOLLOW | nonBlocking, mode);
  // With O_PATH the kernel opens the link itself.
  if ((flags & O_PATH) !== 0 && fstatSync(descriptor).isSymbolicLink()) {
    closeSync(descriptor);
    throw new UnsafePathError(`${JSON.stringify(name)} is a symbolic link`);
  }
  return descriptor;
}

function openOrExplain(path: string, name: string, flags: number, mode: number): number {
  try {
    return openSync(path, flags, mode);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ELOOP') throw new UnsafePathError(`${JSON.stringify(name)} is a symbolic link`, { cause: error });
    if (code === 'ENOTDIR') throw new UnsafePathError(`${JSON.stringify(name)} is a link or not a directory`, { cause: error });
    throw error;
  }
}

/** @returns false when it was there */
function makeDirectory(directory: number, name: string): boolean {
  try {
    mkdirSync(`/proc/self/fd/${directory}/${name}`, 0o700);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** chmod of what an O_PATH descriptor names; fchmod refuses those. */
function chmodDescriptor(descriptor: number, mode: number): void {
  withDescriptor(openSync(`/proc/self/fd/${descriptor}`, constants.O_RDONLY | constants.O_DIRECTORY), (opened) => fchmodSync(opened, mode));
}
