/**
 * Which endpoint stands in which slot of a virtual port. nftables picks a slot; a map leads from the slot to the endpoint. Slots move as
 * little as they can, so a change of one endpoint is a change of one element. Pure.
 */

/**
 * The slots after a change: what stays keeps its slot, what is new fills the holes.
 * @param sticky clients remember slots (session affinity): the number of slots then never shrinks, and a slot whose endpoint is gone goes
 *   to another one that lives
 */
export function assignSlots(before: readonly string[], wanted: readonly string[], sticky: boolean): string[] {
  if (wanted.length === 0) return sticky ? [...before] : [];
  const alive = new Set(wanted);
  const seen = new Set<string>();
  const slots: (string | undefined)[] = before.map((backend) => {
    // A backend that filled in for others keeps its first slot only; the others are free again.
    if (!alive.has(backend) || seen.has(backend)) return undefined;
    seen.add(backend);
    return backend;
  });
  for (const backend of wanted) {
    if (seen.has(backend)) continue;
    const hole = slots.indexOf(undefined);
    if (hole < 0) slots.push(backend);
    else slots[hole] = backend;
  }
  if (sticky) return slots.map((backend, index) => backend ?? wanted[index % wanted.length]!);
  return compact(slots);
}

/** Fills holes from the end, so that slots are 0…n-1. */
function compact(slots: (string | undefined)[]): string[] {
  for (let index = 0; index < slots.length; index++) {
    while (slots.length > 0 && slots.at(-1) === undefined) slots.pop();
    if (index < slots.length && slots[index] === undefined) slots[index] = slots.pop();
  }
  return slots as string[];
}
