/**
 * The places that a backend has for endpoints. The server is configured with some to spare, so that endpoints come and go by telling the
 * running server, and only a backend that outgrows its places needs a new configuration. An endpoint keeps its place while it is there.
 */

const minSlots = 4;

/** Endpoint (`address port`) by place; undefined: free. */
export type Slots = readonly (string | undefined)[];

/** How many places a backend with so many endpoints is given: the next power of two that leaves a quarter free. */
export function slotCount(endpoints: number): number {
  let count = minSlots;
  while (count < endpoints * 1.25) count *= 2;
  return count;
}

export function emptySlots(count: number): Slots {
  return Array.from({ length: count }, () => undefined);
}

/** Places of the same number with these endpoints; undefined when there are too few. Pure. */
export function assignSlots(before: Slots, endpoints: readonly string[]): Slots | undefined {
  const wanted = new Set(endpoints);
  const slots = before.map((endpoint) => (endpoint !== undefined && wanted.delete(endpoint) ? endpoint : undefined));
  const waiting = [...wanted];
  // A place that was free before first: what left just now may still have connections under way.
  for (const reuse of [false, true]) {
    for (let i = 0; i < slots.length && waiting.length > 0; i++)
      if (slots[i] === undefined && (reuse || before[i] === undefined)) slots[i] = waiting.shift();
  }
  return waiting.length > 0 ? undefined : slots;
}
