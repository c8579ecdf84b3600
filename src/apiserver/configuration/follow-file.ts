/** Tells when the text of a file changed, so that a configuration can be read again. A file that is replaced, not written, counts as well. */
import { readFileSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../../base/index.ts';

/** Changes that nobody announces, as on some network file systems, are seen after this long. */
const pollMs = 60_000;

/** Calls back with each new text until the signal aborts. A file that cannot be read is as it was. */
export function followFile(
  path: string,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  changed: (text: string) => void,
): void {
  let known = readText(path);
  const look = (): void => {
    const text = readText(path);
    if (text === undefined || text === known) return;
    known = text;
    changed(text);
  };
  const watcher = watch(dirname(path), { persistent: false }, look);
  // Without announcements there is still the clock.
  watcher.on('error', () => watcher.close());
  const poll = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(pollMs, signal);
      look();
    }
  };
  // It ends with the signal only.
  poll().catch(() => watcher.close());
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It may be just being replaced.
    return undefined;
  }
}
