/**
 * `subPath` mounts. The containers of a pod can write to its volumes while another of its containers is made, so the place that a
 * subPath names is opened without following links, checked, and pinned by a bind mount of the open descriptor: what is mounted into
 * the container is what was checked.
 * @source pkg/volume/util/subpath (v1.35)
 */
import { closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { makeDirectoriesBeneath, O_PATH, openBeneath, safeComponents, UnsafePathError, withDescriptor } from './beneath.ts';
import type { Mounter } from './mounter.ts';

export interface SubPathRequest {
  /** The volume's root. */
  readonly volumePath: string;
  readonly subPath: string;
  /** Where it is bound. */
  readonly target: string;
}

/**
 * Makes the directories of a subPath that are missing, with the mode of the volume's root.
 * @throws UnsafePathError when the path leads out of the volume
 */
export function makeSubPath({ volumePath, subPath }: Pick<SubPathRequest, 'volumePath' | 'subPath'>): void {
  const base = realpathSync(volumePath);
  const components = safeComponents(subPath);
  // Links inside of the volume are allowed as far as they exist.
  let depth = components.length;
  while (depth > 0 && !exists(join(base, ...components.slice(0, depth)))) depth -= 1;
  if (depth === components.length) return;
  const inside = pathInside(base, realpathSync(join(base, ...components.slice(0, depth))));
  makeDirectoriesBeneath(base, join(inside, ...components.slice(depth)), statSync(base).mode & 0o7777);
}

/**
 * Binds the subPath at the target, once.
 * @returns the target
 * @throws UnsafePathError, the system's error, or ProcessError of mount
 */
export async function bindSubPath({ volumePath, subPath, target }: SubPathRequest, mounter: Mounter, signal: AbortSignal): Promise<string> {
  const base = realpathSync(volumePath);
  const inside = pathInside(base, realpathSync(join(base, ...safeComponents(subPath))));
  const descriptor = openBeneath(base, inside, O_PATH);
  try {
    const wanted = fstatSync(descriptor);
    const isMounted = mounter.mountsBelow(target).includes(target);
    if (isMounted) {
      const current = statSync(target);
      if (current.dev === wanted.dev && current.ino === wanted.ino) return target;
      await mounter.unmountAll(target, signal);
    }
    makeTarget(target, wanted.isDirectory());
    await mounter.bindDescriptor(descriptor, target, signal);
    return target;
  } finally {
    closeSync(descriptor);
  }
}

/** The path relative to the base. @throws UnsafePathError when it is outside */
function pathInside(base: string, real: string): string {
  const inside = relative(base, real);
  if (inside === '..' || inside.startsWith('../')) throw new UnsafePathError('subPath leads out of its volume');
  return inside;
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** A bind needs a directory for a directory and a file for anything else. */
function makeTarget(target: string, isDirectory: boolean): void {
  mkdirSync(dirname(target), { recursive: true, mode: 0o750 });
  const found = lstatSync(target, { throwIfNoEntry: false });
  if (isDirectory) {
    if (!found) mkdirSync(target, { mode: 0o750 });
  } else if (!found) {
    withDescriptor(openSync(target, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o640), () => {});
  }
}
