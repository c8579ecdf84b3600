/**
 * One node's containerd: configured, started and kept running by the agent. It is detached, so it and its containers outlive the agent; a
 * new agent finds it by its record and takes it over.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Clock, Ctx, ProcessIdentity } from '../../base/index.ts';
import type { Runtime, RuntimeError } from '../../kubelet/index.ts';
import { ClusterError } from '../cluster-error.ts';
import { makePrivateDirectory, type NodePaths } from '../home.ts';
import { lastErrorIn, logEnd } from '../last-error.ts';
import { pauseImageName } from '../images/pause-image-name.ts';
import { RestartPace } from '../restart-pace.ts';
import { isRunning, readRunningRecord, writeProcessRecord } from '../process-record.ts';
import { mayLowerOomScore } from './oom-score.ts';
import { renderContainerdConfig } from './containerd-config.ts';
import { findCniDirectory, findProgram, searchPath } from './programs.ts';

/** How long containerd may take until its socket answers (90–200 ms on a quiet machine, many seconds on an emulated one). */
const startLimitMs = 120_000;
const pollMs = 10;

export interface EngineSettings {
  readonly home: string;
  readonly paths: NodePaths;
  /** File that records the running process. */
  readonly record: string;
  readonly clock: Clock;
}

/** Writes the configuration and makes sure that the engine answers. */
export async function ensureContainerd(settings: EngineSettings, ctx: Ctx): Promise<void> {
  writeConfig(settings);
  const logFrom = logEnd(settings.paths.containerdLog);
  if (!readRunningRecord(settings.record)) start(settings);
  await untilAnswering(settings, logFrom, ctx);
}

/** Starts the engine again whenever it ends; runs until the signal aborts. */
export async function keepContainerd(settings: EngineSettings, { signal, log }: Ctx): Promise<void> {
  const pace = new RestartPace(settings.clock);
  for (;;) {
    const record = readRunningRecord(settings.record);
    if (record) await untilEnded(record, settings.clock, signal);
    await settings.clock.sleep(pace.next(), signal);
    log.warn('the container engine ended: starting it again');
    start(settings);
  }
}

/** Nobody tells of the end of a process that is not our child, so it is looked at. */
async function untilEnded(record: ProcessIdentity, clock: Clock, signal: AbortSignal): Promise<void> {
  while (isRunning(record)) await clock.sleep(200, signal);
}

function writeConfig({ home, paths }: EngineSettings): void {
  const cniBinaries = findCniDirectory(home);
  if (!cniBinaries) throw new ClusterError('the CNI plugins are not installed');
  for (const directory of [paths.containerdRoot, paths.containerdState, paths.registryConfig, paths.podLogs])
    makePrivateDirectory(directory);
  const runcPath = findProgram('runc', home);
  const config = renderContainerdConfig({
    root: paths.containerdRoot,
    state: paths.containerdState,
    socket: paths.criSocket,
    cniBinaries,
    cniConfig: paths.cniConfig,
    registryConfig: paths.registryConfig,
    optDirectory: join(paths.root, 'opt'),
    pauseImage: pauseImageName,
    lowersOomScore: mayLowerOomScore(),
    ...(runcPath && { runcPath }),
  });
  writeFileSync(paths.containerdConfig, config, { mode: 0o600 });
}

function start({ home, paths, record }: EngineSettings): void {
  const program = findProgram('containerd', home);
  if (!program) throw new ClusterError('containerd is not installed');
  const log = openSync(paths.containerdLog, 'a', 0o600);
  try {
    // Not our umask: the engine makes the root directories of containers, which any user in them must be able to enter.
    const child = spawn('sh', ['-c', 'umask 022; exec "$0" --config "$1"', program, paths.containerdConfig], {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: '/',
      env: { ...process.env, PATH: searchPath(home) },
    });
    // What went wrong stands in the engine's log; the caller sees that the socket does not answer.
    child.on('error', () => {});
    child.unref();
    if (child.pid !== undefined) writeProcessRecord(record, child.pid);
  } finally {
    closeSync(log);
  }
}

async function untilAnswering({ paths, record, clock }: EngineSettings, logFrom: number, { signal }: Ctx): Promise<void> {
  const endMs = clock.monotonic() + startLimitMs;
  const fail = (how: string): never => {
    const error = lastErrorIn(paths.containerdLog, logFrom);
    throw new ClusterError(`containerd ${how}${error ? `: ${error}` : ''}; its log is ${paths.containerdLog}`);
  };
  while (!(await answers(paths.criSocket))) {
    if (!readRunningRecord(record)) fail('ended');
    if (clock.monotonic() > endMs) fail(`does not answer on ${paths.criSocket}`);
    await clock.sleep(pollMs, signal);
  }
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Makes sure that the engine, which answers, has the image that every sandbox starts from. @throws ClusterError when it has no CRI */
export async function ensurePauseImage({ home, paths }: EngineSettings, { images }: Pick<Runtime, 'images'>, ctx: Ctx): Promise<void> {
  try {
    if (await images.imageStatus({ image: pauseImageName }, ctx)) return;
  } catch (error) {
    // The engine runs on when its CRI plugin fails to load, and only its log says why: a file system that overlayfs cannot use, for one.
    if ((error as Partial<RuntimeError>).code !== 'Unimplemented') throw error;
    throw new ClusterError(
      `containerd has no CRI: ${lastErrorIn(paths.containerdLog, 0) ?? 'its plugin did not load'}; its log is ${paths.containerdLog}`,
    );
  }
  const { loadPauseImage } = await import('../images/pause-image.ts');
  await loadPauseImage({ criSocket: paths.criSocket, home }, ctx);
}
