/** The end of a `switch` over a union: a bug when it is reached. This room stands beside `base` and has its own. */

/** @throws Error always; the compiler proves that it is never reached */
export function assertNever(value: never): never {
  throw new Error(`unexpected value ${JSON.stringify(value)}`);
}
