/**
 * Rotation of one container's log: the file is moved aside under a name with the time, the engine opens a new one, older files are
 * compressed and the oldest removed. A failure leaves the log where the engine writes it.
 * @source pkg/kubelet/logs/container_log_manager.go (v1.35)
 */
import { closeSync, constants, createReadStream, createWriteStream, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { listDirectory } from './layout.ts';
import { openLog } from './log-reader.ts';

const compressedSuffix = '.gz';
const unfinishedSuffix = '.tmp';

export interface RotationOptions {
  readonly logPath: string;
  /** Files kept in all, the current one included; at least 2. */
  readonly maxFiles: number;
  readonly nowMs: number;
  /** The engine opens the log's path anew. */
  readonly reopen: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** Bytes in the log; 0 when it is not there. */
export function logSize(logPath: string): number {
  return statSync(logPath, { throwIfNoEntry: false })?.size ?? 0;
}

/** Names of a log's rotated files that are of use, oldest first; what a broken rotation left behind is removed. */
export function rotatedLogs(logPath: string): string[] {
  const prefix = `${basename(logPath)}.`;
  const names = listDirectory(dirname(logPath)).filter((name) => name.startsWith(prefix));
  const all = new Set(names);
  const kept: string[] = [];
  for (const name of names.sort()) {
    // An uncompressed file beside its compressed one is what a kill left between the two steps.
    const isUnused = name.endsWith(unfinishedSuffix) || all.has(name + compressedSuffix);
    if (isUnused) rmSync(join(dirname(logPath), name), { force: true });
    else kept.push(join(dirname(logPath), name));
  }
  return kept;
}

/** Rotates whatever the log's size is. @throws the engine's error when it does not reopen the log, which then is moved back */
export async function rotateLog(options: RotationOptions): Promise<void> {
  const { logPath, maxFiles, nowMs, reopen, signal } = options;
  const rotated = rotatedLogs(logPath);
  // Room for the current file and the one that it becomes now.
  const surplus = Math.max(0, rotated.length - (maxFiles - 2));
  for (const path of rotated.splice(0, surplus)) rmSync(path, { force: true });
  for (const path of rotated) {
    if (!path.endsWith(compressedSuffix)) await compress(path, signal);
  }
  const movedTo = `${logPath}.${timeSuffix(nowMs)}`;
  renameSync(logPath, movedTo);
  try {
    await reopen();
  } catch (error) {
    renameSync(movedTo, logPath);
    throw error;
  }
}

/** Removes a container's log and its rotated files. */
export function removeLog(logPath: string): void {
  for (const path of rotatedLogs(logPath)) rmSync(path, { force: true });
  rmSync(logPath, { force: true });
}

async function compress(path: string, signal: AbortSignal): Promise<void> {
  const unfinished = path + unfinishedSuffix;
  rmSync(unfinished, { force: true });
  const source = openLog(path);
  let target: number;
  try {
    target = openLog(unfinished, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o640);
  } catch (error) {
    closeSync(source);
    throw error;
  }
  // The streams close their descriptors.
  await pipeline(createReadStream('', { fd: source }), createGzip(), createWriteStream('', { fd: target }), { signal });
  renameSync(unfinished, path + compressedSuffix);
  rmSync(path, { force: true });
}

/** `20260102-030405`, in UTC. */
function timeSuffix(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/\..*$/, '').replaceAll(/[-:]/g, '').replace('T', '-');
}
