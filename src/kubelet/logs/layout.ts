/**
 * Where logs of pods lie, and the flat directory of links beside it that log collectors read.
 * @source pkg/kubelet/kuberuntime/helpers.go, legacy.go
 */
import { lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface LoggedPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** The log directory of a pod, as its sandbox's configuration names it. */
export function podLogDirectory(root: string, { namespace, name, uid }: LoggedPod): string {
  return join(root, `${namespace}_${name}_${uid}`);
}

/** The log of a container's n-th instance, relative to its pod's log directory, as its configuration names it. */
export function containerLogPath(containerName: string, attempt: number): string {
  return join(containerName, `${attempt}.log`);
}

/** The name of a container's link; cut to what a file name may be long. */
function linkName(pod: LoggedPod, containerName: string, containerId: string): string {
  const suffix = '.log';
  const name = `${pod.name}_${pod.namespace}_${containerName}-${containerId}`;
  return name.slice(0, 255 - suffix.length) + suffix;
}

/** Links a started container's log into the flat directory; an old link of that name is replaced. */
export function linkContainerLog(
  linksDirectory: string,
  target: { readonly pod: LoggedPod; readonly containerName: string; readonly containerId: string; readonly logPath: string },
): void {
  mkdirSync(linksDirectory, { recursive: true, mode: 0o755 });
  const link = join(linksDirectory, linkName(target.pod, target.containerName, target.containerId));
  rmSync(link, { force: true });
  symlinkSync(target.logPath, link);
}

/** Removes links of containers whose log is gone. @returns how many */
export function removeDeadLinks(linksDirectory: string): number {
  let removed = 0;
  for (const name of listDirectory(linksDirectory)) {
    const link = join(linksDirectory, name);
    if (!name.endsWith('.log') || !lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink()) continue;
    if (statSync(link, { throwIfNoEntry: false })) continue;
    rmSync(link, { force: true });
    removed += 1;
  }
  return removed;
}

/** Removes the links that lead into a directory, such as that of a pod which is being removed. */
export function removeLinksInto(linksDirectory: string, directory: string): void {
  for (const name of listDirectory(linksDirectory)) {
    const link = join(linksDirectory, name);
    if (!lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink()) continue;
    const target = readlinkSync(link);
    if (target.startsWith(`${directory}/`)) rmSync(link, { force: true });
  }
}

/** Names in a directory; none when it is not there. */
export function listDirectory(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The flat directory that belongs to a log under `ROOT/pods/…`, as in `/var/log/containers` beside `/var/log/pods`. */
export function linksDirectoryOf(logPath: string): string {
  const root = dirname(dirname(dirname(logPath)));
  return join(dirname(root), 'containers');
}
