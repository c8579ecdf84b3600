/** A process lives as long as something is open. Our timers do not count, so whoever is in the middle of something says so with this. */

const longMs = 2 ** 30;

/** Keeps the process alive until disposed. */
export function keepAlive(): Disposable {
  const handle = setInterval(() => {}, longMs);
  return { [Symbol.dispose]: () => clearInterval(handle) };
}
