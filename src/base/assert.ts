/** Bugs, told apart from operating errors: a failed assertion fails the request or the reconcile it happens in, and is counted. */

export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** @throws AssertionError when `condition` does not hold; `message` says what was believed. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Ends a `switch` over a union; the compiler proves it is never reached. */
export function assertNever(value: never): never {
  throw new AssertionError(`unexpected value ${JSON.stringify(value)}`);
}
