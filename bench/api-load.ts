/**
 * The load generator of the API server's figures, a process of its own: `node bench/api-load.ts JOB` runs one scenario against one server
 * and prints one line of JSON. Closed loop: each slot sends its next request when the last is answered.
 */
import { H2Connection, type H2Answer, type H2Request, type H2Target } from './h2-client.ts';
import { cpuSeconds } from './process-cost.ts';

export type Scenario = 'get' | 'create' | 'update' | 'apply' | 'apply-changed' | 'list' | 'watch';

export interface LoadJob {
  readonly scenario: Scenario;
  readonly target: H2Target;
  /** The server's process. */
  readonly pid: number;
  readonly connections: number;
  /** Requests in flight on each connection; for a fan-out, writers in all. */
  readonly inFlight: number;
  readonly seconds: number;
  /** Where the objects are; it has to exist. A list reads all that is in it. */
  readonly namespace: string;
  /** Not in use by any run before. */
  readonly prefix: string;
  /** Of a list. */
  readonly objects?: number;
  /** Of a fan-out. */
  readonly watches?: number;
  readonly updates?: number;
}

export interface LoadResult {
  readonly perSecond: number;
  /** Of the server, for one operation. */
  readonly cpuMicros: number;
  readonly mbPerSecond: number;
  readonly bytesPerOperation: number;
  /** Share of the time in which this client was busy: near 1, the operations a second are its limit. */
  readonly clientBusy: number;
}

/** With metadata and managedFields an object is 1.5 KB. */
const payloadBytes = 1030;
const warmUpMs = 1000;
/** The server allows 100 streams on a connection. */
const streamsPerConnection = 90;
const preparing = 16;
const warmUpWrites = 20;
const eventsDueMs = 30_000;

function collectionOf({ namespace }: LoadJob): string {
  return `/api/v1/namespaces/${namespace}/configmaps`;
}

function objectText(name: string, serial: number, resourceVersion?: string): string {
  const metadata = { name, labels: { app: 'bench' }, resourceVersion };
  return JSON.stringify({ kind: 'ConfigMap', apiVersion: 'v1', metadata, data: { payload: `${serial}-`.padEnd(payloadBytes, 'x') } });
}

function create(job: LoadJob, name: string): H2Request {
  return { method: 'POST', path: collectionOf(job), body: objectText(name, 0) };
}

function replace(job: LoadJob, name: string, change: { readonly serial: number; readonly version: string }): H2Request {
  return { method: 'PUT', path: `${collectionOf(job)}/${name}`, body: objectText(name, change.serial, change.version) };
}

function apply(job: LoadJob, name: string): H2Request {
  const path = `${collectionOf(job)}/${name}?fieldManager=bench&force=true`;
  return { method: 'PATCH', path, type: 'application/apply-patch+yaml', body: objectText(name, 0) };
}

/** A Deployment that no controller makes anything of; one annotation of it changes. */
function applyDeployment({ namespace }: LoadJob, name: string, step: number): H2Request {
  const labels = { app: name };
  const containers = [
    { name: 'main', image: 'example.test/main:1', ports: [{ containerPort: 80 }], env: [{ name: 'MODE', value: 'bench' }] },
    { name: 'side', image: 'example.test/side:1', resources: { requests: { cpu: '10m', memory: '16Mi' } } },
  ];
  const spec = { paused: true, replicas: 0, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } };
  const metadata = { name, labels, annotations: { 'bench.test/step': String(step) } };
  return {
    method: 'PATCH',
    path: `/apis/apps/v1/namespaces/${namespace}/deployments/${name}?fieldManager=bench&force=true`,
    type: 'application/apply-patch+yaml',
    body: JSON.stringify({ kind: 'Deployment', apiVersion: 'apps/v1', metadata, spec }),
  };
}

function versionOf(answer: H2Answer): string {
  return /"resourceVersion":"(\d+)"/.exec(answer.text())![1]!;
}

/** Sends a request that must succeed. */
async function send(connection: H2Connection, request: H2Request): Promise<H2Answer> {
  const answer = await connection.request(request);
  if (answer.status >= 300) throw new Error(`${request.method} ${request.path} was answered ${answer.status}: ${answer.text()}`);
  return answer;
}

/** What a slot sends next, given the answer before. */
type Slot = (last: H2Answer | undefined) => H2Request;

/** Makes what the scenario needs, and its slots. */
async function prepare(job: LoadJob, connections: readonly H2Connection[]): Promise<(slot: number) => Slot> {
  const { prefix, scenario } = job;
  const width = job.connections * job.inFlight;
  const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
  switch (scenario) {
    case 'get':
      await send(connections[0]!, create(job, `${prefix}-0`));
      return () => () => ({ method: 'GET', path: `${collectionOf(job)}/${prefix}-0` });
    case 'create':
      return (slot) => {
        let n = 0;
        return () => create(job, `${prefix}-${slot}-${n++}`);
      };
    case 'update': {
      const versions = (await createAll(job, connections, names(width))).map(versionOf);
      return (slot) => {
        let n = 0;
        return (last) => replace(job, `${prefix}-${slot}`, { serial: ++n, version: last ? versionOf(last) : versions[slot]! });
      };
    }
    case 'apply':
      await send(connections[0]!, apply(job, `${prefix}-0`));
      return () => () => apply(job, `${prefix}-0`);
    case 'apply-changed':
      return (slot) => {
        let n = 0;
        return () => applyDeployment(job, `${prefix}-${slot}`, n++);
      };
    case 'list':
      await createAll(job, connections, names(job.objects ?? 0));
      return () => () => ({ method: 'GET', path: collectionOf(job), onData: () => {} });
    default:
      throw new Error(`${scenario} has no slots`);
  }
}

/** Answers in the order of the names. */
async function createAll(job: LoadJob, connections: readonly H2Connection[], names: readonly string[]): Promise<H2Answer[]> {
  const answers: H2Answer[] = [];
  let next = 0;
  const worker = async (connection: H2Connection): Promise<void> => {
    while (next < names.length) {
      const at = next++;
      answers[at] = await send(connection, create(job, names[at]!));
    }
  };
  await Promise.all(connections.flatMap((connection) => Array.from({ length: preparing }, () => worker(connection))));
  return answers;
}

async function runLoad(job: LoadJob): Promise<LoadResult> {
  const connections = await open(job.target, job.connections);
  const slotOf = await prepare(job, connections);
  const running = new AbortController();
  let operations = 0;
  let bytes = 0;
  const loop = async (slot: number): Promise<void> => {
    const next = slotOf(slot);
    const connection = connections[slot % connections.length]!;
    for (let last: H2Answer | undefined; !running.signal.aborted;) {
      last = await send(connection, next(last));
      operations++;
      bytes += last.bytes;
    }
  };
  const loops = Promise.all(Array.from({ length: job.connections * job.inFlight }, (_, slot) => loop(slot)));
  await pause(warmUpMs);
  operations = 0;
  bytes = 0;
  const stop = startWatch(job.pid);
  await pause(job.seconds * 1000);
  running.abort();
  const result = stop(operations, bytes);
  await loops;
  for (const connection of connections) connection[Symbol.dispose]();
  return result;
}

/** Writers change objects while every watch sees every change; an operation is one event at one watch. */
async function runFanOut(job: LoadJob): Promise<LoadResult> {
  const { watches = 1, updates = 1, inFlight: writers } = job;
  const pool = await open(job.target, 2);
  const made = await createAll(
    job,
    pool,
    Array.from({ length: writers }, (_, i) => `${job.prefix}-${i}`),
  );
  const versions = made.map(versionOf);
  const since = versions.reduce((a, b) => (Number(b) > Number(a) ? b : a));
  const connections = await open(job.target, Math.ceil(watches / streamsPerConnection));
  const seen = new EventCount();
  for (let i = 0; i < watches; i++) {
    const path = `${collectionOf(job)}?watch=true&resourceVersion=${since}`;
    // Ends with the connection.
    connections[i % connections.length]!.request({ method: 'GET', path, onData: (piece) => seen.take(piece) }).catch(() => {});
  }
  let serial = 0;
  const write = async (writer: number): Promise<void> => {
    versions[writer] = versionOf(
      await send(pool[writer % pool.length]!, replace(job, `${job.prefix}-${writer}`, { serial: ++serial, version: versions[writer]! })),
    );
  };
  // The first rounds show that every watch stands, and warm both sides up.
  for (let i = 1; i <= warmUpWrites; i++) {
    await write(0);
    await seen.reached(watches * i);
  }
  const before = seen.bytes;
  const stop = startWatch(job.pid);
  let left = updates;
  await Promise.all(
    versions.map(async (_, writer) => {
      while (left-- > 0) await write(writer);
    }),
  );
  await seen.reached(watches * (warmUpWrites + updates));
  const result = stop(watches * updates, seen.bytes - before);
  for (const connection of [...pool, ...connections]) connection[Symbol.dispose]();
  return result;
}

/** Counts events: each is one line. */
class EventCount {
  bytes = 0;
  #events = 0;
  #goal = Infinity;
  #resolve = (): void => {};

  take(piece: Buffer): void {
    this.bytes += piece.length;
    for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, at + 1)) this.#events++;
    if (this.#events >= this.#goal) this.#resolve();
  }

  async reached(goal: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#goal = goal;
    this.#resolve = () => resolve(true);
    if (this.#events >= goal) return;
    const late = setTimeout(() => resolve(false), eventsDueMs);
    if (!(await promise)) throw new Error(`${goal - this.#events} of ${goal} events did not come`);
    clearTimeout(late);
  }
}

/** Starts the clocks; what it returns stops them. */
function startWatch(pid: number): (operations: number, bytes: number) => LoadResult {
  const idle = performance.eventLoopUtilization();
  const cpu = cpuSeconds(pid);
  const startMs = performance.now();
  return (operations, bytes) => {
    const seconds = (performance.now() - startMs) / 1000;
    return {
      perSecond: operations / seconds,
      cpuMicros: ((cpuSeconds(pid) - cpu) / operations) * 1e6,
      mbPerSecond: bytes / seconds / 1e6,
      bytesPerOperation: bytes / operations,
      clientBusy: performance.eventLoopUtilization(idle).utilization,
    };
  };
}

function open(target: H2Target, count: number): Promise<H2Connection[]> {
  return Promise.all(Array.from({ length: count }, () => H2Connection.open(target)));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

if (import.meta.main) {
  // Written by `bench/api.ts`.
  const job = JSON.parse(process.argv[2]!) as LoadJob;
  console.log(JSON.stringify(await (job.scenario === 'watch' ? runFanOut(job) : runLoad(job))));
  process.exit(0);
}
