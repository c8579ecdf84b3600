/**
 * Which endpoint stands in which slot of a virtual port. nftables picks a slot; a map leads from the slot to the endpoint. Slots move as
 * little as they can, so a change of one endpoint is a change of one element, however many there are. Pure.
 */

/** The slots after a change, 0…n-1 without holes: what stays keeps its slot, what is new fills the holes, the last fill what is left. */
export function assignSlots(before: readonly string[], wanted: readonly string[]): string[] {
  const alive = new Set(wanted);
  const kept = new Set<string>();
  const slots: (string | undefined)[] = before.map((backend) => {
    if (!alive.has(backend) || kept.has(backend)) return undefined;
    kept.add(backend);
    return backend;
  });
  let hole = 0;
  for (const backend of alive) {
    if (kept.has(backend)) continue;
    while (hole < slots.length && slots[hole] !== undefined) hole++;
    slots[hole] = backend;
  }
  return compact(slots);
}

/** Fills holes from the end. */
function compact(slots: (string | undefined)[]): string[] {
  for (let index = 0; index < slots.length; index++) {
    while (slots.length > 0 && slots.at(-1) === undefined) slots.pop();
    if (index < slots.length && slots[index] === undefined) slots[index] = slots.pop();
  }
  return slots as string[];
}

const idBits = 0x3fff_ffff;

/**
 * A number for each endpoint by which clients with session affinity are remembered (1…2³⁰). It is made of the endpoint's text alone, so that
 * what the kernel remembers stays true when slots move and when the proxy starts anew.
 */
export function stickyIds(backends: readonly string[]): Map<string, number> {
  const ids = new Map<string, number>();
  const taken = new Set<number>();
  for (const backend of backends.toSorted()) {
    let id = fnv1a(backend) & idBits;
    while (taken.has(id)) id = (id + 1) & idBits;
    taken.add(id);
    ids.set(backend, id + 1);
  }
  return ids;
}

/** @source FNV-1a, 32 bits */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
