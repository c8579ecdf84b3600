/** Carries bytes from one stream to another at the pace of the slower, and ends the second when the first ends. */
import type { Readable, Writable } from 'node:stream';

/**
 * Resolves when all was carried, or when either stream is gone. The other halves of two-way streams are left alone.
 * @param onBytes called for each piece
 */
export async function pump(from: Readable, to: Writable, onBytes: () => void): Promise<void> {
  try {
    for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      onBytes();
      if (to.destroyed) return;
      if (!to.write(chunk)) await writable(to);
    }
  } catch (error) {
    // The source went before its end; whoever owns it knows.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    return;
  }
  if (!to.destroyed) to.end();
}

function writable(to: Writable): Promise<void> {
  return new Promise((resolve) => {
    const onReady = (): void => {
      to.off('drain', onReady);
      to.off('close', onReady);
      resolve();
    };
    to.on('drain', onReady);
    to.on('close', onReady);
    if (to.destroyed) onReady();
  });
}
