/** What a process has used so far, as the kernel counts it. */
import { readFileSync } from 'node:fs';

const ticksPerSecond = 100;

/** User and system time of all threads of a process, in seconds. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Memory of a process that is in RAM, in MiB. */
export function residentMib(pid: number): number {
  return statusMib(pid, 'VmRSS');
}

/** The same without pages of files, which the kernel takes back when it needs memory: those of the store's map are many. */
export function anonymousMib(pid: number): number {
  return statusMib(pid, 'RssAnon');
}

function statusMib(pid: number, field: string): number {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${field}:`))!;
  return Number(/\d+/.exec(line)![0]) / 1024;
}
