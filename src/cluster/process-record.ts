/**
 * Knowing our own processes again. A pid alone may belong to someone else by now, so a record holds the start time and the boot
 * id too, and nothing is signalled unless all three match.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { writeFileAtomically } from './atomic-file.ts';

export interface ProcessRecord {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  readonly startTime: string;
  readonly bootId: string;
}

export function currentBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** The record of a running process; undefined when there is none (a zombie counts as ended). */
export function recordOf(pid: number): ProcessRecord | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name stands in brackets and may hold anything, so fields are counted from the last bracket.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return { pid, startTime: fields[19]!, bootId: currentBootId() };
  } catch {
    return undefined; // No such process: /proc has no entry for it.
  }
}

export function isRunning(record: ProcessRecord): boolean {
  const now = recordOf(record.pid);
  return now !== undefined && now.startTime === record.startTime && now.bootId === record.bootId;
}

/** Signals the process when it is still the recorded one; says whether it was. */
export function signalRecorded(record: ProcessRecord, signal: NodeJS.Signals): boolean {
  if (!isRunning(record)) return false;
  try {
    process.kill(record.pid, signal);
    return true;
  } catch {
    return false; // It ended between the look and the signal.
  }
}

export function writeProcessRecord(path: string, pid: number): void {
  const record = recordOf(pid);
  if (record) writeFileAtomically(path, JSON.stringify(record));
}

/** The recorded process when it runs; undefined otherwise. */
export function readRunningRecord(path: string): ProcessRecord | undefined {
  if (!existsSync(path)) return undefined;
  try {
    const record = JSON.parse(readFileSync(path, 'utf8')) as ProcessRecord;
    return isRunning(record) ? record : undefined;
  } catch {
    return undefined; // Torn by a crash of the machine: it says nothing.
  }
}

export function removeProcessRecord(path: string): void {
  rmSync(path, { force: true });
}
