/**
 * Starts the processes of a cluster: detached, logged to a file, in a cgroup of the cluster. A control plane runs in the host's namespaces,
 * an agent in its node's; each is started by `up`, and later by whoever sees it end. A process records itself once it runs; of two that are
 * started at the same moment, the later one sees that and ends.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { identityOf, type ProcessIdentity } from '../base/index.ts';
import { joinCgroup, processCgroup } from './cgroups.ts';
import { searchPath } from './engine/programs.ts';
import { type ClusterPaths, makePrivateDirectory, nodePaths } from './home.ts';
import { enterNode, namespacesStand, nodeNamespaces } from './network/node-namespaces.ts';
import { readRunningRecord, writeProcessRecord } from './process-record.ts';

/** Which cluster, and how this program is started again. */
export interface LaunchContext {
  readonly home: string;
  readonly cluster: string;
  readonly paths: ClusterPaths;
  /** Proxy settings and the like for the agents' engines. */
  readonly engineEnv?: Readonly<Record<string, string>>;
}

/** Heap limits, set on purpose: a young generation that fits the cache keeps an idle process small. */
export const controlPlaneFlags: readonly string[] = ['--max-semi-space-size=16', '--max-old-space-size=4096'];
export const agentFlags: readonly string[] = ['--max-semi-space-size=2', '--max-old-space-size=1024'];

export function controlPlaneRecord(paths: ClusterPaths): string {
  return join(paths.run, 'control-plane.json');
}

export function controlPlaneLog(paths: ClusterPaths): string {
  return join(paths.logs, 'control-plane.log');
}

export function agentRecord(paths: ClusterPaths, index: number): string {
  return join(paths.run, `agent-${index}.json`);
}

export function containerdRecord(paths: ClusterPaths, index: number): string {
  return join(paths.run, `containerd-${index}.json`);
}

/** Whether the cluster's control plane runs. */
export function isUp(paths: ClusterPaths): boolean {
  return readRunningRecord(controlPlaneRecord(paths)) !== undefined;
}

/** Beside a process's own record: who was started last, and may not have come so far as to record itself. */
export function startedRecord(record: string): string {
  return record.replace(/\.json$/, '.started.json');
}

/** The process of `record`: the one that recorded itself, or the one that was just started. */
export function aliveOf(record: string): ProcessIdentity | undefined {
  return readRunningRecord(record) ?? readRunningRecord(startedRecord(record));
}

/**
 * File descriptors of the namespaces that `up` ran in, as every agent holds them (3, 4, 5): the way back for an agent that has to start
 * the control plane on the host again.
 */
export const hostNamespaceFds = { net: 3, mount: 4, uts: 5 } as const;

/**
 * Starts the control plane unless it runs; returns the process, undefined when it could not be started. `fromNode`: the caller is an agent,
 * so the host's namespaces are entered first.
 */
export function launchControlPlane(launch: LaunchContext, options: { readonly fromNode: boolean }): ProcessIdentity | undefined {
  const record = controlPlaneRecord(launch.paths);
  const running = aliveOf(record);
  if (running) return running;
  const command = thisProgram(controlPlaneFlags, ['run', 'control-plane', '--name', launch.cluster]);
  const { net, mount, uts } = hostNamespaceFds;
  const enter = options.fromNode
    ? ['nsenter', `--net=/proc/self/fd/${net}`, `--mount=/proc/self/fd/${mount}`, `--uts=/proc/self/fd/${uts}`]
    : [];
  return start({
    command: [...enter, ...command],
    log: controlPlaneLog(launch.paths),
    record,
    cgroup: processCgroup(launch.cluster, 'control-plane'),
    fds: options.fromNode ? [net, mount, uts] : [],
    launch,
  });
}

/** Starts the agent of a node unless it runs, or its namespaces do not stand (yet); the caller must be in the host's namespaces. */
export function launchAgent(launch: LaunchContext, index: number): ProcessIdentity | undefined {
  const record = agentRecord(launch.paths, index);
  const running = aliveOf(record);
  if (running) return running;
  const inside = nodeNamespaces(launch.cluster, launch.paths, index);
  if (!namespacesStand(inside)) return undefined;
  const namespaces = ['net', 'mnt', 'uts'].map((kind) => openSync(`/proc/self/ns/${kind}`, 'r'));
  try {
    const command = thisProgram(agentFlags, ['run', 'agent', '--name', launch.cluster, '--node', String(index)]);
    const enter = enterNode(inside);
    return start({
      command: [...enter, ...command],
      log: nodePaths(launch.paths, index).log,
      record,
      cgroup: processCgroup(launch.cluster, { node: index }),
      fds: namespaces,
      launch,
    });
  } finally {
    for (const fd of namespaces) closeSync(fd);
  }
}

/** This very program with other arguments: the same Node, the same main module. */
function thisProgram(flags: readonly string[], args: readonly string[]): string[] {
  return [process.execPath, ...flags, '--disable-warning=ExperimentalWarning', process.argv[1]!, ...args];
}

function start(child: {
  readonly command: readonly string[];
  readonly log: string;
  readonly record: string;
  readonly cgroup: string;
  readonly fds: readonly number[];
  readonly launch: LaunchContext;
}): ProcessIdentity | undefined {
  makePrivateDirectory(child.launch.paths.logs);
  const log = openSync(child.log, 'a', 0o600);
  try {
    const [program, ...args] = child.command;
    const env = { ...process.env, ...child.launch.engineEnv, KNARR_HOME: child.launch.home, PATH: searchPath(child.launch.home) };
    const started = spawn(program!, args, { detached: true, stdio: ['ignore', log, log, ...child.fds], env, cwd: '/' });
    started.unref();
    // A child that cannot be started has no pid; the caller sees that nothing became ready and the log says why.
    started.on('error', () => {});
    if (started.pid === undefined) return undefined;
    joinCgroup(child.cgroup, started.pid);
    // The entered program replaces nsenter in the same process, so the identity stays.
    writeProcessRecord(startedRecord(child.record), started.pid);
    return identityOf(started.pid);
  } finally {
    closeSync(log);
  }
}
