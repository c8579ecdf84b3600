/**
 * Numbers for the names of resources, so that amounts stand in arrays. The first four are upstream's own; every other name gets the next
 * number when it is first seen and keeps it as long as the process lives (a cluster has a handful).
 */

export const cpuIndex = 0;
export const memoryIndex = 1;
export const ephemeralStorageIndex = 2;
export const podsIndex = 3;

const names: string[] = ['cpu', 'memory', 'ephemeral-storage', 'pods'];
const numbers = new Map(names.map((name, index) => [name, index]));

export function resourceIndex(name: string): number {
  const known = numbers.get(name);
  if (known !== undefined) return known;
  const index = names.push(name) - 1;
  numbers.set(name, index);
  return index;
}

export function resourceName(index: number): string {
  return names[index]!;
}
