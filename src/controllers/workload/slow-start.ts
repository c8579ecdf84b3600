/** Making many things without asking a thousand times what was refused once. */

export interface SlowStartResult {
  readonly successes: number;
  /** The first failure; what came after its batch was not tried. */
  readonly error?: unknown;
}

/**
 * Calls `make` `count` times in batches of 1, 2, 4, …; stops after a batch in which one failed.
 * @source pkg/controller/replicaset/replica_set.go slowStartBatch
 */
export async function slowStart(count: number, make: () => Promise<void>): Promise<SlowStartResult> {
  let successes = 0;
  for (let left = count, batch = 1; left > 0; left -= batch, batch *= 2) {
    batch = Math.min(batch, left);
    const results = await Promise.allSettled(Array.from({ length: batch }, make));
    const failure = results.find((result) => result.status === 'rejected');
    successes += results.filter(({ status }) => status === 'fulfilled').length;
    if (failure) return { successes, error: failure.reason };
  }
  return { successes };
}
