/** Why a process of ours ended, in its own words: the last error in its log. */
import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

/** More of a log's end is not looked at. */
const maxBytes = 256 * 1024;

/** Where the log ends now, to look later at what was added. */
export function logEnd(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

/** The last error that was logged after `from`; undefined when there is none. */
export function lastErrorIn(path: string, from: number): string | undefined {
  if (!existsSync(path)) return undefined;
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const start = Math.max(from, size - maxBytes);
    const bytes = Buffer.alloc(Math.max(0, size - start));
    readSync(fd, bytes, 0, bytes.length, start);
    return lastError(bytes.toString('utf8'));
  } finally {
    closeSync(fd);
  }
}

/** The last error in a log's text: a logged one, one that the command or the engine printed, or one that ended Node. Pure. */
export function lastError(log: string): string | undefined {
  for (const line of log.split('\n').toReversed()) {
    const error = loggedError(line) ?? plainErrors.map((pattern) => pattern.exec(line)?.[1]).find(Boolean);
    if (error) return error.replaceAll('\\"', '"');
  }
  return undefined;
}

/** What the command prints, the engine logs, the engine prints when it ends, and Node prints when it ends. */
const plainErrors = [
  /^knarr: (.+)/,
  /failed to load plugin io\.containerd\.grpc\.v1\.cri" error="((?:[^"\\]|\\.)*)"/,
  /level=(?:error|fatal) msg="((?:[^"\\]|\\.)*)"/,
  /^containerd: (.+)/,
  /^(\w*Error\b.*: .+)/,
];

function loggedError(line: string): string | undefined {
  // A library may have written to the same line before.
  const json = line.indexOf('{"level":');
  if (json < 0) return undefined;
  let entry: { readonly level?: string; readonly msg?: string; readonly err?: { readonly message?: string } };
  try {
    entry = JSON.parse(line.slice(json)) as typeof entry;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // Cut off by the end of the process.
    throw error;
  }
  if (entry.level !== 'error' && entry.level !== 'fatal') return undefined;
  return [entry.msg === 'unexpected' ? undefined : entry.msg, entry.err?.message].filter(Boolean).join(': ');
}
