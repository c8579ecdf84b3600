/** What every function that awaits I/O or time is handed: when to stop, and where to say things. */
import type { Logger } from './logger.ts';

export interface Ctx {
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** True for the error that an aborted signal throws, or for anything thrown because `signal` aborted. */
export function isAbort(error: unknown, signal?: AbortSignal): boolean {
  if (signal?.aborted && error === signal.reason) return true;
  return error instanceof Error && (error.name === 'AbortError' || (error as { code?: unknown }).code === 'ABORT_ERR');
}
