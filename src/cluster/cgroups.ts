/**
 * The cgroups of a cluster, on v1 (one tree a controller) and v2: one for the control plane, and for each node `system` (agent, engine,
 * shims) with the kubelet's pods beside it. So whatever a cluster ever started is found here, also what lost its parent.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/index.ts';
import { machineNames } from './home.ts';

const mountPoint = '/sys/fs/cgroup';

/** Roots of every hierarchy on this machine: one on v2, one a controller on v1 (and the unified one beside them). */
function hierarchies(): string[] {
  if (existsSync(join(mountPoint, 'cgroup.controllers'))) return [mountPoint];
  return readdirSync(mountPoint, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(mountPoint, entry.name));
}

/** The cgroup below which the kubelet of node `index` keeps its pods: absolute, the same in every hierarchy. */
export function nodeCgroup(cluster: string, index: number): string {
  return `${machineNames(cluster).cgroup}/node-${index}`;
}

/** Where a process of ours is put: `system` of a node, or the control plane's own. */
export function processCgroup(cluster: string, who: { readonly node: number } | 'control-plane'): string {
  return who === 'control-plane' ? `${machineNames(cluster).cgroup}/control-plane` : `${nodeCgroup(cluster, who.node)}/system`;
}

/** One hierarchy is enough to find processes again; `pids` is the one that costs nothing. */
function findingHierarchy(): string {
  const all = hierarchies();
  return all.find((root) => root.endsWith('/pids')) ?? all[0]!;
}

/** Moves a process, and so all it will start, into `group`. A process that has ended by now is nobody's loss. */
export function joinCgroup(group: string, pid: number): void {
  const directory = join(findingHierarchy(), group);
  mkdirSync(directory, { recursive: true });
  try {
    writeFileSync(join(directory, 'cgroup.procs'), String(pid));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Makes the cluster known on this machine before it has any process: its top cgroup stands from the first step of `up` to the last of `down`. */
export function announceCluster(cluster: string): void {
  mkdirSync(join(findingHierarchy(), machineNames(cluster).cgroup), { recursive: true });
}

/** Whether the machine has another cluster, of whatever home, that is up or half up. */
export function otherClustersStand(cluster: string): boolean {
  const own = machineNames(cluster).cgroup.slice(1);
  return readdirSync(findingHierarchy()).some((name) => name.startsWith('knarr-') && name !== own);
}

/** Whose processes: the cluster's, or of one node alone; `podsOnly` leaves the programs out that make a node and a control plane. */
export interface ProcessScope {
  readonly cluster: string;
  /** The node's number. */
  readonly node?: number;
  readonly podsOnly?: true;
}

/** All cgroups of a cluster or a node, children before parents. */
function groupsOf({ cluster, node }: Pick<ProcessScope, 'cluster' | 'node'>): string[] {
  const groups: string[] = [];
  const visit = (directory: string): void => {
    let entries;
    try {
      entries = readdirSync(directory, { withFileTypes: true });
    } catch {
      return; // It went away while we walked.
    }
    for (const entry of entries) if (entry.isDirectory()) visit(join(directory, entry.name));
    groups.push(directory);
  };
  for (const root of hierarchies()) {
    const top = join(root, node === undefined ? machineNames(cluster).cgroup : nodeCgroup(cluster, node));
    if (existsSync(top)) visit(top);
  }
  return groups;
}

/** Pids in the cgroups. */
function pidsOf(scope: ProcessScope): number[] {
  const pids = new Set<number>();
  for (const group of groupsOf(scope)) {
    if (scope.podsOnly && /\/(system|control-plane)$/.test(group)) continue;
    try {
      for (const line of readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n')) if (line) pids.add(Number(line));
    } catch {
      continue; // It went away while we read.
    }
  }
  pids.delete(process.pid);
  return [...pids];
}

/** How often a condition is looked at that no event tells of. */
const pollMs = 20;

/** Asks the processes to end, waits up to `graceMs`, then kills what is left and waits for it to go. */
export async function endProcesses(
  scope: ProcessScope,
  options: { readonly graceMs: number; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const { clock, signal, graceMs } = options;
  const send = (name: NodeJS.Signals): void => {
    for (const pid of pidsOf(scope)) {
      try {
        process.kill(pid, name);
      } catch {
        continue; // Ended by itself.
      }
    }
  };
  const empty = async (limitMs: number): Promise<boolean> => {
    const endMs = clock.monotonic() + limitMs;
    while (pidsOf(scope).length > 0) {
      if (clock.monotonic() >= endMs) return false;
      await clock.sleep(pollMs, signal);
    }
    return true;
  };
  if (graceMs > 0) {
    send('SIGTERM');
    if (await empty(graceMs)) return;
  }
  // A process that forks while it is killed may leave a child: look again until nothing is left.
  for (let round = 0; round < 50; round++) {
    send('SIGKILL');
    if (await empty(100)) return;
  }
}

/** How often processes that joined a cgroup after the last look are looked for again. */
const cgroupRounds = 20;

/** Removes the cgroups, and whatever joined one of them meanwhile. */
export async function removeCgroups(
  scope: Pick<ProcessScope, 'cluster' | 'node'>,
  options: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  for (let round = 0; !removeEmptyGroups(scope) && round < cgroupRounds; round++) await endProcesses(scope, { graceMs: 0, ...options });
}

/** One that is not empty (EBUSY) stays: something joined it after the last look. */
function removeEmptyGroups(scope: Pick<ProcessScope, 'cluster' | 'node'>): boolean {
  let all = true;
  for (const group of groupsOf(scope)) {
    try {
      rmdirSync(group);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EBUSY') all = false;
      else if (code !== 'ENOENT') throw error;
    }
  }
  return all;
}
