/**
 * Hearing of an abort, for many at a time. An AbortSignal looks through all of its listeners whenever one comes or goes, and the signal of a
 * whole manager has hundreds of idle workers and waiting requests on it. Here each signal has one listener, which tells a set.
 */

interface Heard {
  readonly acts: Set<() => void>;
  readonly tell: () => void;
}

const heard = new WeakMap<AbortSignal, Heard>();

/**
 * Calls `act` when the signal aborts. Like an event listener, it is not called when that was before, and counts once however often it is
 * given. It must not throw.
 */
export function onAbort(signal: AbortSignal, act: () => void): void {
  if (signal.aborted) return;
  const known = heard.get(signal);
  if (known) {
    known.acts.add(act);
    return;
  }
  const acts = new Set([act]);
  const tell = (): void => acts.forEach((each) => each());
  heard.set(signal, { acts, tell });
  signal.addEventListener('abort', tell, { once: true });
}

/** Takes `act` back; harmless when it was called or never given. */
export function offAbort(signal: AbortSignal, act: () => void): void {
  const known = heard.get(signal);
  if (!known || !known.acts.delete(act) || known.acts.size > 0) return;
  // A signal made of others is kept alive by its listeners.
  heard.delete(signal);
  signal.removeEventListener('abort', known.tell);
}

/** Resolves when the signal aborts, at once when it has. */
export function aborted(signal: AbortSignal): Promise<void> {
  return signal.aborted ? Promise.resolve() : new Promise((resolve) => onAbort(signal, resolve));
}
