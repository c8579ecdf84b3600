/** Files that are whole or absent after a crash at any moment: written beside their place, synced, renamed over it, and the name synced too. */
import { closeSync, fchownSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export interface AtomicWriteOptions {
  /** Default 0600: most of what we write is a secret. */
  readonly mode?: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** Writes the file; its directory is made (0700) when it is missing. */
export function writeFileAtomically(path: string, content: string | Uint8Array, options: AtomicWriteOptions = {}): void {
  const directory = dirname(path);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeSynced(temporary, content, options);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  const opened = openSync(directory, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

function writeSynced(path: string, content: string | Uint8Array, { mode, owner }: AtomicWriteOptions): void {
  const file = openSync(path, 'w', mode ?? 0o600);
  try {
    writeSync(file, typeof content === 'string' ? Buffer.from(content) : content);
    if (owner) fchownSync(file, owner.uid, owner.gid);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
