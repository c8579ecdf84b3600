/** The mounts that this process sees. Pure but for the one read. @source proc_pid_mountinfo(5) */
import { readFileSync } from 'node:fs';

export interface MountPoint {
  readonly path: string;
  readonly fsType: string;
}

/** In the order in which they were made: what lies on another comes after it. */
export function readMountTable(): MountPoint[] {
  return parseMountTable(readFileSync('/proc/self/mountinfo', 'utf8'));
}

export function parseMountTable(text: string): MountPoint[] {
  const mounts: MountPoint[] = [];
  for (const line of text.split('\n')) {
    const fields = line.split(' ');
    // Optional fields stand between the sixth and a lone dash.
    const dash = fields.indexOf('-', 6);
    if (dash < 0) continue;
    mounts.push({ path: unescapePath(fields[4]!), fsType: fields[dash + 1]! });
  }
  return mounts;
}

/** The mounts at or below a directory, the innermost first: the order in which they can be unmounted. */
export function mountsBelow(mounts: readonly MountPoint[], directory: string): string[] {
  return mounts
    .filter(({ path }) => path === directory || path.startsWith(`${directory}/`))
    .map(({ path }) => path)
    .reverse();
}

/** Space, tab, newline and backslash are written as three octal digits. */
function unescapePath(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_match, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
