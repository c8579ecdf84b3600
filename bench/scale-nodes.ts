/**
 * The nodes of the scale bench, all in one process of their own: `node bench/scale-nodes.ts JOB` writes what kubelets write (a pod that was
 * bound runs, a pod that is deleted is taken away, Leases are renewed) and runs no kubelet. Tells its parent how far it is.
 */
import type { corev1 } from '../src/api/index.ts';
import { H2Connection, type H2Target } from './h2-client.ts';
import { renewLeases } from './scheduler-churn.ts';

export interface NodesJob {
  readonly target: H2Target;
  readonly nodes: readonly string[];
}

export interface NodesProgress {
  /** Pods that were told to run, and that were taken away, since the start. */
  readonly running: number;
  readonly gone: number;
}

const connections = 4;
const inFlight = 20;
const tellEveryMs = 100;
const watchPath =
  '/api/v1/pods?watch=true&fieldSelector=spec.nodeName!%3D&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';

interface PodEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: corev1.Pod;
}

class Nodes {
  running = 0;
  gone = 0;
  readonly #queue: (() => Parameters<H2Connection['request']>[0])[] = [];
  readonly #idle: (() => void)[] = [];
  /** What each pod was last heard to need. */
  readonly #told = new Map<string, 'runs' | 'goes'>();
  #rest = '';

  async run({ target, nodes }: NodesJob): Promise<void> {
    const pool = await Promise.all(Array.from({ length: connections }, () => H2Connection.open(target)));
    const { signal } = new AbortController();
    const workers = pool.flatMap((connection) => Array.from({ length: inFlight }, () => this.#work(connection)));
    const watching = await H2Connection.open(target);
    const watched = watching.request({ method: 'GET', path: watchPath, onData: (piece) => this.#take(piece) });
    await Promise.all([...workers, renewLeases(target, nodes, signal), watched]);
  }

  async #work(connection: H2Connection): Promise<void> {
    for (;;) {
      const next = this.#queue.shift();
      if (!next) {
        await new Promise<void>((resolve) => this.#idle.push(resolve));
        continue;
      }
      const request = next();
      const { status, text } = await connection.request(request);
      if (status !== 200 && status !== 404 && status !== 409) throw new Error(`${request.method} ${request.path}: ${text()}`);
      if (request.method === 'DELETE') this.gone++;
      else this.running++;
    }
  }

  #take(piece: Buffer): void {
    const lines = (this.#rest + piece.toString()).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) this.#heard(JSON.parse(line) as PodEvent);
  }

  #heard({ type, object: { metadata, status } }: PodEvent): void {
    if (type === 'BOOKMARK') return;
    const { namespace, name, uid, deletionTimestamp } = metadata;
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    const told = this.#told.get(uid);
    if (type === 'DELETED') this.#told.delete(uid);
    else if (deletionTimestamp !== undefined && told !== 'goes') {
      this.#told.set(uid, 'goes');
      const body = JSON.stringify({ gracePeriodSeconds: 0, preconditions: { uid } });
      this.#do(() => ({ method: 'DELETE', path, body }));
    } else if (deletionTimestamp === undefined && told === undefined && status.phase === 'Pending') {
      this.#told.set(uid, 'runs');
      const type = 'application/strategic-merge-patch+json';
      this.#do(() => ({
        method: 'PATCH',
        path: `${path}/status`,
        type,
        body: JSON.stringify({ metadata: { uid }, status: runningStatus() }),
      }));
    }
  }

  #do(request: () => Parameters<H2Connection['request']>[0]): void {
    this.#queue.push(request);
    this.#idle.pop()?.();
  }
}

function runningStatus() {
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const conditions = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady'].map((type) => ({
    type,
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: now,
  }));
  const container = {
    name: 'pause',
    image: 'registry.k8s.io/pause:3.10.1',
    imageID: 'sha256:bench',
    containerID: 'bench://pause',
    restartCount: 0,
    ready: true,
    started: true,
    state: { running: { startedAt: now } },
  };
  return {
    phase: 'Running',
    startTime: now,
    hostIP: '192.0.2.1',
    podIP: '10.128.0.2',
    podIPs: [{ ip: '10.128.0.2' }],
    conditions,
    containerStatuses: [container],
  };
}

if (import.meta.main) {
  const nodes = new Nodes();
  setInterval(() => process.send?.({ running: nodes.running, gone: nodes.gone } satisfies NodesProgress), tellEveryMs);
  process.once('disconnect', () => process.exit(0));
  process.once('message', (job: NodesJob) => {
    nodes.run(job).catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
  });
}
