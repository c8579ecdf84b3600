/**
 * Somebody restarts everyone, without a third process: the control plane and the agents hold a socket to each other, and whoever sees it
 * close starts the other again. The control plane restarts agents; the first agent that lives restarts the control plane.
 *
 * Invariants: nothing is started while the stopping mark stands, and no node that is switched off or no longer in the record; a process that
 * runs is not started again (its record is looked at first, and of two that start at once the later one ends by itself); restarts back off
 * from 0.1 to 10 s and forget after a minute of life. A process that ends before it holds its socket is seen by its record, so nobody is lost.
 * Which nodes there are is read from the record whenever somebody says hello, so a node may come at any time.
 */
import { existsSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Clock, Ctx, TaskGroup } from '../base/index.ts';
import type { ClusterPaths } from './home.ts';
import { agentRecord, aliveOf, controlPlaneRecord, launchAgent, launchControlPlane, type LaunchContext } from './launch.ts';
import type { LiveRecord } from './live-record.ts';
import { nodesOn } from './nodes/power.ts';
import { RestartPace } from './restart-pace.ts';

/** How often a process that holds no socket yet is looked at. */
const pollMs = 50;
/** A hello is one line; a peer that sends more is not ours. */
const maxHelloBytes = 64;
/** What a command says that has changed which nodes there are. */
const changed = 'changed';
const announceLimitMs = 2000;

/** Whose agents are kept alive, and what else wants to know when nodes come and go. */
export interface Supervised {
  readonly launch: LaunchContext;
  readonly live: LiveRecord;
  /** Called whenever somebody says hello: nodes may have come or gone. */
  readonly onHello?: () => void;
}

/** The control plane's side: keeps the agents of all nodes alive that are switched on. Resolves when it listens. */
export async function superviseAgents(supervised: Supervised, clock: Clock, group: TaskGroup): Promise<void> {
  const { launch, live } = supervised;
  const { paths } = launch;
  const held = new Map<number, Promise<void>>();
  const watched = new Set<number>();
  const isOn = (index: number): boolean => nodesOn(live.current, paths).some((node) => node.index === index);
  const watchAll = (): void => {
    for (const { index } of nodesOn(live.current, paths)) {
      if (watched.has(index) || group.signal.aborted) continue;
      watched.add(index);
      group.spawn(`agent ${index} watch`, async (ctx) => {
        const watch = { record: agentRecord(paths, index), closed: () => held.get(index), wanted: () => isOn(index) };
        const start = (): void => {
          ctx.log.warn('the agent ended: starting it again', { node: index });
          launchAgent(launch, index);
        };
        try {
          await keepRunning(launch, watch, clock, ctx, start);
        } finally {
          watched.delete(index);
        }
      });
    }
  };
  const hear = (hello: string, closed: Promise<void>): boolean => {
    watchAll();
    supervised.onHello?.();
    const index = Number(hello);
    if (!isOn(index)) return false;
    const holding = closed.then(() => void (held.get(index) === holding && held.delete(index)));
    held.set(index, holding);
    return true;
  };
  rmSync(paths.supervisorSocket, { force: true });
  await listen(paths.supervisorSocket, hear, group.signal);
  watchAll();
}

/** An agent's side: holds the socket; of the agents that live the first one starts the control plane again when it goes. Runs until the signal aborts. */
export async function superviseControlPlane(supervised: Supervised, index: number, clock: Clock, ctx: Ctx): Promise<void> {
  const { launch, live } = supervised;
  const { paths } = launch;
  const watch: Watch = {
    record: controlPlaneRecord(paths),
    closed: () => holdSocket(paths, String(index), ctx.signal),
    wanted: () => true,
    mine: () => nodesOn(live.current, paths).find((node) => aliveOf(agentRecord(paths, node.index)))?.index === index,
  };
  await keepRunning(launch, watch, clock, ctx, () => {
    ctx.log.warn('the control plane ended: starting it again');
    launchControlPlane(launch, { fromNode: true });
  });
}

/** Tells the control plane, when one runs, to look at the record and at which nodes are switched on. */
export async function announceChange(paths: ClusterPaths, clock: Clock, { signal }: Pick<Ctx, 'signal'>): Promise<void> {
  const done = new AbortController();
  const either = AbortSignal.any([signal, done.signal]);
  // It has looked when it hangs up: nobody of that name is a node. One that hangs itself looks when it wakes.
  await Promise.race([holdSocket(paths, changed, either), clock.sleep(announceLimitMs, either).catch(() => {})]);
  done.abort();
  signal.throwIfAborted();
}

interface Watch {
  readonly record: string;
  /** Resolves when the socket to the process closes; undefined when there is none yet. */
  readonly closed: () => Promise<void> | undefined;
  /** Whether it is to run at all; when not, the watch ends. */
  readonly wanted: () => boolean;
  /** Whether it is for this process to start it; default: always. */
  readonly mine?: () => boolean;
}

/** Starts a process again whenever it is gone, until it is not wanted any more or the signal aborts. */
async function keepRunning(launch: LaunchContext, watch: Watch, clock: Clock, { signal }: Ctx, start: () => void): Promise<void> {
  const pace = new RestartPace(clock);
  while (!signal.aborted) {
    await untilAborted(watch.closed(), signal);
    await clock.sleep(pollMs, signal);
    if (!watch.wanted()) return;
    const isDue = (): boolean =>
      !existsSync(launch.paths.stoppingMark) &&
      existsSync(launch.paths.run) &&
      watch.wanted() &&
      aliveOf(watch.record) === undefined &&
      watch.mine?.() !== false;
    if (!isDue()) continue;
    await clock.sleep(pace.next(), signal);
    if (isDue()) start();
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

/** Listens until the signal aborts. `hear` is told each peer's hello and the end of its connection; where it says false, that comes at once. */
function listen(path: string, hear: (hello: string, closed: Promise<void>) => boolean, signal: AbortSignal): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.once('data', (data) => {
      const hello = data.toString('utf8', 0, maxHelloBytes).trim();
      if (hear(hello, closed)) socket.resume();
      else socket.destroy();
    });
  });
  signal.addEventListener('abort', () => server.close(), { once: true });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve());
  });
}

/** Says hello and resolves when the connection closes, or could not be made. */
function holdSocket(paths: ClusterPaths, hello: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(paths.supervisorSocket, () => socket.write(`${hello}\n`));
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
