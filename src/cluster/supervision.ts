/**
 * Somebody restarts everyone, without a third process: the control plane and the agents hold a socket to each other, and whoever sees it
 * close starts the other again. The control plane restarts agents; the first agent restarts the control plane.
 *
 * Invariants: nothing is started while the stopping mark stands; a process that runs is not started again (its record is looked at first,
 * and of two that start at once the later one ends by itself); restarts back off from 0.1 to 10 s and forget after a minute of life. A
 * process that ends before it holds its socket is seen by its record, so nobody is lost.
 */
import { existsSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import type { Clock, Ctx, TaskGroup } from '../base/index.ts';
import type { ClusterPaths } from './home.ts';
import { agentRecord, aliveOf, controlPlaneRecord, launchAgent, launchControlPlane, type LaunchContext } from './launch.ts';
import { RestartPace } from './restart-pace.ts';

/** How often a process that holds no socket yet is looked at. */
const pollMs = 50;
/** A hello is one line; a peer that sends more is not ours. */
const maxHelloBytes = 64;

/** The control plane's side: keeps the agents of `nodes` (indexes) alive. Resolves when it listens. */
export async function superviseAgents(launch: LaunchContext, nodes: readonly number[], clock: Clock, group: TaskGroup): Promise<void> {
  const sockets = new HeldSockets(nodes);
  rmSync(launch.paths.supervisorSocket, { force: true });
  const server = await sockets.listen(launch.paths.supervisorSocket);
  group.signal.addEventListener('abort', () => server.close(), { once: true });
  for (const index of nodes)
    group.spawn(`agent ${index} watch`, async (ctx) => {
      const watch = { record: agentRecord(launch.paths, index), closed: () => sockets.closed(index) };
      await keepRunning(launch, watch, clock, ctx, () => {
        ctx.log.warn('the agent ended: starting it again', { node: index });
        launchAgent(launch, index);
      });
    });
}

/** An agent's side: holds the socket; the first agent starts the control plane again when it goes. Runs until the signal aborts. */
export async function superviseControlPlane(launch: LaunchContext, index: number, clock: Clock, ctx: Ctx): Promise<void> {
  const { signal, log } = ctx;
  const closed = (): Promise<void> | undefined => holdSocket(launch.paths, index, signal);
  if (index !== 1) {
    for (;;) {
      await closed();
      await clock.sleep(pollMs, signal);
    }
  }
  await keepRunning(launch, { record: controlPlaneRecord(launch.paths), closed }, clock, ctx, () => {
    log.warn('the control plane ended: starting it again');
    launchControlPlane(launch, { fromNode: true });
  });
}

interface Watch {
  readonly record: string;
  /** Resolves when the socket to the process closes; undefined when there is none yet. */
  readonly closed: () => Promise<void> | undefined;
}

/** Starts a process again whenever it is gone, until the signal aborts. */
async function keepRunning(launch: LaunchContext, watch: Watch, clock: Clock, { signal }: Ctx, start: () => void): Promise<void> {
  const pace = new RestartPace(clock);
  while (!signal.aborted) {
    await untilAborted(watch.closed(), signal);
    await clock.sleep(pollMs, signal);
    const wanted = (): boolean =>
      !existsSync(launch.paths.stoppingMark) && existsSync(launch.paths.run) && aliveOf(watch.record) === undefined;
    if (!wanted()) continue;
    await clock.sleep(pace.next(), signal);
    if (wanted()) start();
  }
}

/** Waits for `promise`, but no longer than until the signal aborts. */
function untilAborted(promise: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
  if (!promise || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      signal.removeEventListener('abort', end);
      resolve();
    };
    signal.addEventListener('abort', end, { once: true });
    void promise.then(end);
  });
}

/** The sockets that agents hold to this control plane. */
class HeldSockets {
  readonly #nodes: readonly number[];
  readonly #closed = new Map<number, Promise<void>>();

  constructor(nodes: readonly number[]) {
    this.#nodes = nodes;
  }

  closed(index: number): Promise<void> | undefined {
    return this.#closed.get(index);
  }

  listen(path: string): Promise<Server> {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.once('data', (hello) => {
        const index = Number(hello.toString().slice(0, maxHelloBytes));
        if (!this.#nodes.includes(index)) {
          socket.destroy();
          return;
        }
        const closed = new Promise<void>((resolve) => socket.once('close', () => resolve())).then(() => {
          if (this.#closed.get(index) === closed) this.#closed.delete(index);
        });
        this.#closed.set(index, closed);
        socket.resume();
      });
    });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => resolve(server));
    });
  }
}

/** Resolves when the connection closes, or could not be made. */
function holdSocket(paths: ClusterPaths, index: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(paths.supervisorSocket, () => socket.write(`${index}\n`));
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
