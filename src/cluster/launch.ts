/**
 * Starts the processes of a cluster: detached, logged to a file, recorded. A control plane runs in the host's namespaces, an agent in its
 * node's; each is started by `up`, and later by whoever sees it end.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { searchPath } from './engine/programs.ts';
import { type ClusterPaths, makePrivateDirectory, nodePaths } from './home.ts';
import { enterNode, nodeNamespaces } from './network/node-namespaces.ts';
import { type ProcessRecord, readRunningRecord, writeProcessRecord } from './process-record.ts';

/** Which cluster, and how this program is started again. */
export interface LaunchContext {
  readonly home: string;
  readonly cluster: string;
  readonly paths: ClusterPaths;
  /** Proxy settings and the like for the agents' engines. */
  readonly engineEnv?: Readonly<Record<string, string>>;
}

/** Heap limits, set on purpose: a young generation that fits the cache keeps an idle process small. */
const controlPlaneFlags = ['--max-semi-space-size=16', '--max-old-space-size=4096'];
const agentFlags = ['--max-semi-space-size=2', '--max-old-space-size=1024'];

export function controlPlaneRecord(paths: ClusterPaths): string {
  return join(paths.run, 'control-plane.json');
}

export function agentRecord(paths: ClusterPaths, index: number): string {
  return join(paths.run, `agent-${index}.json`);
}

export function containerdRecord(paths: ClusterPaths, index: number): string {
  return join(paths.run, `containerd-${index}.json`);
}

/**
 * File descriptors of the namespaces that `up` ran in, as every agent holds them (3, 4, 5): the way back for an agent that has to start
 * the control plane on the host again.
 */
export const hostNamespaceFds = { net: 3, mount: 4, uts: 5 } as const;

/** Starts the control plane unless it runs. `fromNode`: the caller is an agent, so the host's namespaces are entered first. */
export function launchControlPlane(launch: LaunchContext, options: { readonly fromNode: boolean }): ProcessRecord | undefined {
  const record = controlPlaneRecord(launch.paths);
  const running = readRunningRecord(record);
  if (running) return running;
  const command = thisProgram(controlPlaneFlags, ['run', 'control-plane', '--name', launch.cluster]);
  const { net, mount, uts } = hostNamespaceFds;
  const enter = options.fromNode
    ? ['nsenter', `--net=/proc/self/fd/${net}`, `--mount=/proc/self/fd/${mount}`, `--uts=/proc/self/fd/${uts}`]
    : [];
  return start({
    command: [...enter, ...command],
    log: join(launch.paths.logs, 'control-plane.log'),
    record,
    fds: options.fromNode ? [net, mount, uts] : [],
    launch,
  });
}

/** Starts the agent of a node unless it runs; the caller must be in the host's namespaces. */
export function launchAgent(launch: LaunchContext, index: number): ProcessRecord | undefined {
  const record = agentRecord(launch.paths, index);
  const running = readRunningRecord(record);
  if (running) return running;
  const namespaces = ['net', 'mnt', 'uts'].map((kind) => openSync(`/proc/self/ns/${kind}`, 'r'));
  try {
    const command = thisProgram(agentFlags, ['run', 'agent', '--name', launch.cluster, '--node', String(index)]);
    const enter = enterNode(nodeNamespaces(launch.cluster, launch.paths, index));
    return start({ command: [...enter, ...command], log: nodePaths(launch.paths, index).log, record, fds: namespaces, launch });
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
  readonly fds: readonly number[];
  readonly launch: LaunchContext;
}): ProcessRecord | undefined {
  makePrivateDirectory(child.launch.paths.logs);
  makePrivateDirectory(child.launch.paths.run);
  const log = openSync(child.log, 'a', 0o600);
  try {
    const [program, ...args] = child.command;
    const env = { ...process.env, ...child.launch.engineEnv, KNARR_HOME: child.launch.home, PATH: searchPath(child.launch.home) };
    const started = spawn(program!, args, { detached: true, stdio: ['ignore', log, log, ...child.fds], env, cwd: '/' });
    started.unref();
    // A child that cannot be started has no pid; the caller sees that nothing became ready and the log says why.
    started.on('error', () => {});
    // The entered program replaces nsenter in the same process, so the pid stays.
    if (started.pid !== undefined) writeProcessRecord(child.record, started.pid);
    return readRunningRecord(child.record);
  } finally {
    closeSync(log);
  }
}
