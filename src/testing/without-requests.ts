/**
 * Holds a run to what virtual time allows: promises settled by microtasks and the clock alone. Whatever waits for the operating system
 * or another thread (files, sockets, the thread pool, real timers) is answered at a moment that no seed decides.
 */
import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { TestClusterError } from './errors.ts';

/** What is queued within this thread and served in order. `Immediate` is the virtual clock's own breath. */
const harmless: ReadonlySet<string> = new Set(['Immediate', 'TickObject', 'Microtask', 'PROMISE']);

/**
 * Runs `run` and everything it sets off. What is done synchronously (keys, hashes) counts nothing: only an answer that comes later does.
 * @throws TestClusterError naming the kinds of requests that were answered; what `run` itself throws comes first
 */
export async function withoutRequests<T>(run: () => Promise<T>): Promise<T> {
  const inside = new AsyncLocalStorage<true>();
  const asked = new Map<number, string>();
  const answered = new Set<string>();
  const hook = createHook({
    init: (id, type) => {
      if (!harmless.has(type) && inside.getStore()) asked.set(id, type);
    },
    before: (id) => {
      const type = asked.get(id);
      if (type !== undefined) answered.add(type);
    },
    trackPromises: false,
  });
  hook.enable();
  try {
    const result = await inside.run(true, run);
    if (answered.size > 0) throw new TestClusterError(`the run depends on more than its clock: ${[...answered].sort().join(', ')}`);
    return result;
  } finally {
    hook.disable();
  }
}
