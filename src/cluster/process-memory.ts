/** What a process takes of the machine's memory. */
import { readFileSync } from 'node:fs';

/** PSS of a process, so that pages shared between Node processes are not counted twice; 0 when it has ended. */
export function proportionalBytes(pid: number): number {
  try {
    const match = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
    return Number(match?.[1] ?? 0) * 1024;
  } catch {
    return 0; // It ended while we looked.
  }
}
