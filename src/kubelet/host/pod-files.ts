/**
 * The pods' own files on a real machine. Directories that hold what containers write are named by uid and by random numbers, never by
 * what a container chose; a path that a container can write to is opened without following links.
 */
import { constants } from 'node:fs';
import { chmod, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Random } from '../../base/index.ts';
import { linkContainerLog, removeLinksInto } from '../logs/index.ts';
import { podLogDirectory } from '../pods/pod-names.ts';
import type { PodFiles } from './host.ts';

export interface PodFilesOptions {
  /** The kubelet's directory. */
  readonly rootDir: string;
  readonly podLogsDir: string;
  readonly random: Random;
}

export function createPodFiles({ rootDir, podLogsDir, random }: PodFilesOptions): PodFiles {
  const podDir = (uid: string): string => `${rootDir}/pods/${uid}`;
  const linksDir = `${dirname(podLogsDir)}/containers`;
  return {
    prepare: async (pod) => {
      const directory = podDir(pod.metadata.uid);
      await mkdir(`${directory}/volumes`, { recursive: true, mode: 0o750 });
      await mkdir(`${directory}/containers`, { recursive: true, mode: 0o750 });
      await makeReadable(podLogDirectory(podLogsDir, pod));
    },
    prepareLogs: (pod, containerName) => makeReadable(`${podLogDirectory(podLogsDir, pod)}/${containerName}`),
    linkLog: ({ metadata: { name, namespace = '', uid } }, container) => {
      const logPath = `${podLogsDir}/${namespace}_${name}_${uid}/${container.logPath}`;
      linkContainerLog(linksDir, { pod: { namespace, name, uid }, containerName: container.name, containerId: container.id, logPath });
      return Promise.resolve();
    },
    writeHosts: async (pod, text) => {
      const path = `${podDir(pod.metadata.uid)}/etc-hosts`;
      await writeFile(path, text, { mode: 0o644 });
      await chmod(path, 0o644);
      return path;
    },
    createTerminationMessage: async (pod, containerName) => {
      const directory = `${podDir(pod.metadata.uid)}/containers/${containerName}`;
      await mkdir(directory, { recursive: true, mode: 0o750 });
      const path = `${directory}/${random.bytes(4).toHex()}`;
      await writeFile(path, '', { flag: 'wx' });
      // The container's user, whoever it is, writes here.
      await chmod(path, 0o666);
      return path;
    },
    readTerminationMessage: readEnd,
    lastLogNumber: async (pod, containerName) => {
      const names = await list(`${podLogDirectory(podLogsDir, pod)}/${containerName}`);
      return Math.max(-1, ...names.map((name) => Number(/^(\d+)\.log/.exec(name)?.[1] ?? -1)));
    },
    remove: async (uid) => {
      await refuseMounted(podDir(uid));
      await rm(podDir(uid), { recursive: true, force: true });
    },
    removeLogs: async (uid) => {
      for (const name of await list(podLogsDir)) {
        if (!name.endsWith(`_${uid}`)) continue;
        removeLinksInto(linksDir, `${podLogsDir}/${name}`);
        await rm(`${podLogsDir}/${name}`, { recursive: true, force: true });
      }
    },
    knownPods: async () => {
      const logs = (await list(podLogsDir)).map((name) => name.slice(name.lastIndexOf('_') + 1));
      return new Set([...(await list(`${rootDir}/pods`)), ...logs]);
    },
    diskUsageBytes: async (uid) => {
      const logs = (await list(podLogsDir)).filter((name) => name.endsWith(`_${uid}`)).map((name) => `${podLogsDir}/${name}`);
      let sum = 0;
      for (const directory of [podDir(uid), ...logs]) sum += await usage(directory);
      return sum;
    },
  };
}

/** Deleting through a mount would delete what is mounted. @throws PodFilesError */
async function refuseMounted(directory: string): Promise<void> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  if (mounts.includes(` ${directory}/`)) throw new PodFilesError(`something is still mounted below ${directory}`);
}

/** A pod's directory is not in a state to be removed. */
export class PodFilesError extends Error {
  override readonly name = 'PodFilesError';
}

/** Log collectors of other users read here, whatever our umask. */
async function makeReadable(directory: string): Promise<void> {
  if ((await mkdir(directory, { recursive: true, mode: 0o755 })) !== undefined) await chmod(directory, 0o755);
}

async function readEnd(path: string, maxBytes: number): Promise<string> {
  let file;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return '';
    return `Error on reading termination log ${path}: ${(error as Error).message}`;
  }
  try {
    const { size } = await file.stat();
    const length = Math.min(size, maxBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function list(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Bytes of regular files on the directory's own file system; what disappears meanwhile counts nothing. */
async function usage(directory: string): Promise<number> {
  let sum = 0;
  let entries;
  let device: number;
  try {
    device = (await stat(directory)).dev;
    entries = await readdir(directory, { withFileTypes: true, recursive: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const found = await stat(`${entry.parentPath}/${entry.name}`).catch(() => undefined);
    if (found?.dev === device) sum += found.blocks * 512;
  }
  return sum;
}
