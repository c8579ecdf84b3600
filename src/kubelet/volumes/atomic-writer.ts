/**
 * Replaces the files of a volume as one: a reader sees all of the old version or all of the new. The files lie in a directory with a
 * time in its name, `..data` is a link to it that is replaced by rename, and what the user sees are links through `..data`.
 * Not safe against itself: one writer a directory at a time.
 * @source pkg/volume/util/atomic_writer.go (v1.35)
 */
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, normalize } from 'node:path';

export interface FileContent {
  readonly data: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
  /** Owner; default: the kubelet's user. */
  readonly uid?: number;
}

/** File contents by their path relative to the volume. */
export type Payload = ReadonlyMap<string, FileContent>;

/** A path that the user chose cannot be written; the message is upstream's. */
export class PayloadPathError extends Error {
  override readonly name = 'PayloadPathError';
}

const dataLink = '..data';
const newDataLink = '..data_tmp';
const maxPathLength = 4096;
const maxNameLength = 255;

export interface AtomicWrite {
  /** An existing directory. */
  readonly directory: string;
  readonly payload: Payload;
  readonly nowMs: number;
  /** Sets owners and modes in the new version's directory before anybody sees it. */
  readonly prepare?: (versionDirectory: string) => void;
}

/**
 * Makes the volume hold exactly the payload.
 * @returns false when it did already
 * @throws PayloadPathError, or the system's error
 */
export function writeAtomically({ directory, payload, nowMs, prepare }: AtomicWrite): boolean {
  const files = cleanPayload(payload);
  const dataPath = join(directory, dataLink);
  const oldName = readLink(dataPath);
  const oldPath = oldName === undefined ? undefined : join(directory, basename(oldName));
  if (oldPath !== undefined && existsSync(oldPath) && isCurrent(files, oldPath)) {
    // A kill between the rename and the links leaves links missing.
    linkVisible(directory, files);
    return false;
  }
  const stale = oldPath === undefined ? [] : topLevel(oldPath).filter((name) => !topLevelOf(files).has(name));
  const version = newVersionDirectory(directory, nowMs);
  try {
    writeFiles(files, version);
    prepare?.(version);
    rmSync(join(directory, newDataLink), { force: true });
    symlinkSync(basename(version), join(directory, newDataLink));
    renameSync(join(directory, newDataLink), dataPath);
  } catch (error) {
    rmSync(version, { recursive: true, force: true });
    throw error;
  }
  linkVisible(directory, files);
  for (const name of stale) rmSync(join(directory, name), { force: true });
  removeOldVersions(directory, basename(version));
  return true;
}

function cleanPayload(payload: Payload): Payload {
  const files = new Map<string, FileContent>();
  for (const [path, content] of payload) {
    checkPath(path);
    files.set(normalize(path).replace(/\/$/, ''), content);
  }
  return files;
}

function checkPath(path: string): void {
  if (path === '') throw new PayloadPathError(`invalid path: must not be empty: ${JSON.stringify(path)}`);
  if (path.startsWith('/')) throw new PayloadPathError(`invalid path: must be relative path: ${path}`);
  if (Buffer.byteLength(path) > maxPathLength) {
    throw new PayloadPathError(`invalid path: must be less than or equal to ${maxPathLength} characters`);
  }
  const names = path.split('/');
  if (names.includes('..')) throw new PayloadPathError(`invalid path: must not contain '..': ${path}`);
  if (names.some((name) => Buffer.byteLength(name) > maxNameLength)) {
    throw new PayloadPathError(`invalid path: filenames must be less than or equal to ${maxNameLength} characters`);
  }
  if (names[0]!.startsWith('..')) throw new PayloadPathError(`invalid path: must not start with '..': ${path}`);
}

/** True when the version on disk has these files with these contents and modes, and no others. */
function isCurrent(files: Payload, version: string): boolean {
  const onDisk = filesBelow(version);
  if (onDisk.length !== files.size) return false;
  return onDisk.every((path) => {
    const wanted = files.get(path);
    const full = join(version, path);
    return wanted !== undefined && Buffer.compare(readFileSync(full), wanted.data) === 0 && hasMode(full, wanted);
  });
}

/** Ownership by group adds bits to the mode, so only missing ones say that it changed. */
function hasMode(path: string, { mode, uid }: FileContent): boolean {
  const found = statSync(path);
  return (found.mode & mode) === mode && (uid === undefined || found.uid === uid);
}

function filesBelow(directory: string, prefix = ''): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(join(directory, entry.name), `${prefix}${entry.name}/`) : [prefix + entry.name],
  );
}

function topLevel(version: string): string[] {
  return existsSync(version) ? readdirSync(version) : [];
}

function topLevelOf(files: Payload): ReadonlySet<string> {
  return new Set([...files.keys()].map((path) => path.split('/', 1)[0]!));
}

/** `..2026_01_02_03_04_05.XXXXXX`, readable by all whatever the umask. */
function newVersionDirectory(directory: string, nowMs: number): string {
  const time = new Date(nowMs).toISOString().replace(/\..*$/, '').replaceAll(/[-T:]/g, '_');
  const version = mkdtempSync(join(directory, `..${time}.`));
  chmodSync(version, 0o755);
  return version;
}

function writeFiles(files: Payload, version: string): void {
  for (const [path, { data, mode, uid }] of files) {
    makeParents(version, path);
    const full = join(version, path);
    writeFileSync(full, data, { mode: 0o600, flag: 'wx' });
    chmodSync(full, mode);
    if (uid !== undefined) chownSync(full, uid, -1);
  }
}

function makeParents(version: string, path: string): void {
  let directory = version;
  for (const name of path.split('/').slice(0, -1)) {
    directory = join(directory, name);
    if (existsSync(directory)) continue;
    mkdirSync(directory);
    chmodSync(directory, 0o755);
  }
}

function linkVisible(directory: string, files: Payload): void {
  for (const name of topLevelOf(files)) {
    const link = join(directory, name);
    if (!lstatSync(link, { throwIfNoEntry: false })) symlinkSync(join(dataLink, name), link);
  }
}

/** The version before, and what a kill in the middle of a write left. */
function removeOldVersions(directory: string, current: string): void {
  for (const name of readdirSync(directory)) {
    const isVersion = /^\.\.\d{4}_\d\d_\d\d_/.test(name);
    if (isVersion && name !== current) rmSync(join(directory, name), { recursive: true, force: true });
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
