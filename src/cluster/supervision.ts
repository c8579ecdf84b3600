/**
 * Somebody restarts everyone, without a third process: the control plane and the agents hold a socket to each other, and whoever sees it
 * close starts the other again. The control plane restarts agents; the first agent restarts the control plane.
 *
 * Invariants: nothing is started while the stopping mark stands; a process that runs is never started twice (its record is looked at
 * first, and only one side is responsible for each process); restarts back off from 0.1 to 10 s and forget after a minute of life.
 */
import { existsSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { backoffMs, type Clock, type Ctx, type TaskGroup } from '../base/index.ts';
import type { ClusterPaths } from './home.ts';
import { agentRecord, controlPlaneRecord, launchAgent, launchControlPlane, type LaunchContext } from './launch.ts';
import { readRunningRecord } from './process-record.ts';

const restartPolicy = { initialMs: 100, maxMs: 10_000 };
/** A process that lived this long failed for a new reason. */
const forgetAfterMs = 60_000;
/** A hello is one line; a peer that sends more is not ours. */
const maxHelloBytes = 64;

/** Counts restarts of one process. */
class RestartPace {
  readonly #clock: Clock;
  #failures = 0;
  #lastMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long to wait before the next start. */
  next(): number {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#lastMs > forgetAfterMs) this.#failures = 0;
    this.#lastMs = nowMs;
    return backoffMs(restartPolicy, this.#failures++);
  }
}

/** The control plane's side: keeps the agents of `nodes` (indexes) alive. Resolves when it listens. */
export async function superviseAgents(launch: LaunchContext, nodes: readonly number[], clock: Clock, group: TaskGroup): Promise<void> {
  const paces = new Map(nodes.map((index) => [index, new RestartPace(clock)]));
  const restart = (index: number): void => {
    group.spawn(`restart agent ${index}`, async ({ signal, log }) => {
      await clock.sleep(paces.get(index)!.next(), signal);
      if (existsSync(launch.paths.stoppingMark)) return;
      if (readRunningRecord(agentRecord(launch.paths, index))) return;
      log.warn('the agent ended: starting it again', { node: index });
      launchAgent(launch, index);
    });
  };
  const server = createServer((socket) => {
    socket.once('data', (hello) => {
      const index = Number(hello.toString().slice(0, maxHelloBytes));
      if (!paces.has(index)) socket.destroy();
      else socket.once('close', () => restart(index));
    });
    socket.on('error', () => socket.destroy());
  });
  rmSync(launch.paths.supervisorSocket, { force: true });
  await listen(server, launch.paths.supervisorSocket);
  // An agent that died while no control plane was there has no socket to close.
  for (const index of nodes) if (!readRunningRecord(agentRecord(launch.paths, index))) restart(index);
  group.signal.addEventListener('abort', () => server.close(), { once: true });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}

/** An agent's side: holds the socket; the first agent starts the control plane again when it goes. Runs until the signal aborts. */
export async function superviseControlPlane(launch: LaunchContext, index: number, clock: Clock, { signal, log }: Ctx): Promise<void> {
  const pace = new RestartPace(clock);
  while (!signal.aborted) {
    await holdSocket(launch.paths, index, signal);
    await clock.sleep(pace.next(), signal);
    if (index !== 1 || existsSync(launch.paths.stoppingMark)) continue;
    const before = readRunningRecord(controlPlaneRecord(launch.paths));
    if (before) continue;
    log.warn('the control plane ended: starting it again');
    launchControlPlane(launch, { fromNode: true });
  }
}

/** Resolves when the connection closes, or could not be made. */
function holdSocket(paths: ClusterPaths, index: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const socket: Socket = connect(paths.supervisorSocket, () => socket.write(`${index}\n`));
    const end = (): void => {
      signal.removeEventListener('abort', end);
      socket.destroy();
      resolve();
    };
    socket.once('error', end);
    socket.once('close', end);
    socket.resume();
    signal.addEventListener('abort', end, { once: true });
  });
}
