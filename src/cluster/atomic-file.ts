/** Files that are whole or absent: written beside their place, synced, then renamed over it. */
import { closeSync, fchownSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';

export interface AtomicWriteOptions {
  /** Default 0600. */
  readonly mode?: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
}

export function writeFileAtomically(path: string, content: string | Uint8Array, options: AtomicWriteOptions = {}): void {
  const temporary = `${path}.${process.pid}.tmp`;
  const fd = openSync(temporary, 'w', options.mode ?? 0o600);
  try {
    if (typeof content === 'string') writeSync(fd, content);
    else writeSync(fd, content);
    if (options.owner) fchownSync(fd, options.owner.uid, options.owner.gid);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
}
