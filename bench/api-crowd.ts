/**
 * Crowds of clients, a process of its own: `node bench/api-crowd.ts JOB` opens thousands of watches, changes an object or cancels or comes
 * again all at once, and prints one line of JSON.
 */
import { type TLSSocket, connect } from 'node:tls';
import { quantile } from './figure.ts';
import { H2Connection, type H2Target } from './h2-client.ts';
import { cpuSeconds } from './process-cost.ts';

export interface CrowdJob {
  /** `fan-out`: how late a change is told; `cancel`: watches of one connection end together; `return`: connections break and come again. */
  readonly scenario: 'fan-out' | 'cancel' | 'return';
  readonly target: H2Target;
  /** The server's process. */
  readonly pid: number;
  readonly watches: number;
  /** HTTP/2 connections that share the watches; 0: a connection of its own for each, in HTTP/1.1. */
  readonly connections: number;
  /** Changes that are told, or rounds of the cancelling. */
  readonly rounds: number;
}

export interface CrowdResult {
  /** Of every watch and change, from before the change was sent: the 99th of a hundred. */
  readonly p99Ms: number;
  /** How long all of it took: opening, and what was asked for. */
  readonly openMs: number;
  readonly takenMs: number;
  /** What the server spent on the opening. */
  readonly openCpuMs: number;
}

const object = 'crowd';
const collection = '/api/v1/namespaces/default/configmaps';
const watchPath = `${collection}?watch=1&resourceVersion=0&fieldSelector=metadata.name%3D${object}&timeoutSeconds=600`;
const dueMs = 120_000;
/** Handshakes that a client machine begins at once while nothing is measured. */
const openingAtOnce = 64;

async function replaceObject(writer: H2Connection, round: number): Promise<void> {
  const body = JSON.stringify({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: object }, data: { round: String(round) } });
  const first = round < 0;
  const answer = await writer.request({ method: first ? 'POST' : 'PUT', path: first ? collection : `${collection}/${object}`, body });
  if (answer.status >= 300 && answer.status !== 409) throw new Error(answer.text());
}

/** Counts what all watches are told, and when. */
class Crowd {
  readonly latenciesMs: number[] = [];
  #startMs = 0;
  #due = 0;
  #all = Promise.withResolvers<void>();

  begin(events: number): Promise<void> {
    this.#startMs = performance.now();
    this.#due = events;
    this.#all = Promise.withResolvers<void>();
    const late = setTimeout(() => this.#all.reject(new Error(`${this.#due} of ${events} events did not come`)), dueMs);
    return this.#all.promise.finally(() => clearTimeout(late));
  }

  /** Takes the pieces of one watch: an event is a line, and lines of HTTP/1.1 itself end with a carriage return before. */
  listener(): (piece: Buffer) => void {
    let last = 0;
    return (piece) => {
      for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, at + 1)) {
        if ((at > 0 ? piece[at - 1] : last) !== 13) this.#told();
      }
      last = piece.at(-1) ?? last;
    };
  }

  #told(): void {
    this.latenciesMs.push(performance.now() - this.#startMs);
    if (--this.#due === 0) this.#all.resolve();
  }
}

async function openShared({ target, watches, connections }: CrowdJob, crowd: Crowd): Promise<Disposable[]> {
  const opened: H2Connection[] = [];
  for (let i = 0; i < connections; i++) opened.push(await H2Connection.open(target));
  const first = crowd.begin(watches);
  for (let i = 0; i < watches; i++) {
    // Ends with its connection.
    opened[i % connections]!.request({ method: 'GET', path: watchPath, onData: crowd.listener() }).catch(() => {});
  }
  await first;
  return opened;
}

function openOwn({ port, ...identity }: H2Target, crowd: Crowd): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ...identity, ALPNProtocols: ['http/1.1'] }, () => {
      socket.write(`GET ${watchPath} HTTP/1.1\r\nHost: x\r\n\r\n`);
      resolve(socket);
    });
    socket.on('data', crowd.listener());
    socket.once('error', reject);
  });
}

async function openOwnAll({ target, watches }: CrowdJob, crowd: Crowd, atOnce: number): Promise<TLSSocket[]> {
  const first = crowd.begin(watches);
  const sockets: TLSSocket[] = [];
  let left = watches;
  const worker = async (): Promise<void> => {
    while (left-- > 0) sockets.push(await openOwn(target, crowd));
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, watches) }, worker));
  await first;
  return sockets;
}

async function fanOut(job: CrowdJob): Promise<CrowdResult> {
  const crowd = new Crowd();
  using writer = await H2Connection.open(job.target);
  await replaceObject(writer, -1);
  const [openStart, openCpu] = [performance.now(), cpuSeconds(job.pid)];
  const opened = job.connections > 0 ? await openShared(job, crowd) : await openOwnAll(job, crowd, openingAtOnce);
  const start = performance.now();
  const openCpuMs = (cpuSeconds(job.pid) - openCpu) * 1000;
  crowd.latenciesMs.length = 0;
  for (let round = 0; round < job.rounds; round++) {
    const all = crowd.begin(job.watches);
    await replaceObject(writer, round);
    await all;
  }
  for (const each of opened) {
    if ('destroy' in each) each.destroy();
    else each[Symbol.dispose]();
  }
  return { p99Ms: quantile(crowd.latenciesMs, 0.99), openMs: start - openStart, takenMs: performance.now() - start, openCpuMs };
}

/** A connection carries a hundred at a time: they are opened, told something, and cancelled together, round after round. */
async function cancel({ target, watches }: CrowdJob): Promise<CrowdResult> {
  const crowd = new Crowd();
  using connection = await H2Connection.open(target);
  await replaceObject(connection, -1);
  const start = performance.now();
  const atOnce = 90;
  for (let left = watches; left > 0; left -= atOnce) {
    const all = crowd.begin(Math.min(left, atOnce));
    const stop = new AbortController();
    const streams = Array.from({ length: Math.min(left, atOnce) }, () =>
      connection.request({ method: 'GET', path: watchPath, onData: crowd.listener(), signal: stop.signal }),
    );
    for (const stream of streams) stream.catch(() => {});
    await all;
    stop.abort();
    await Promise.allSettled(streams);
    // Node counts streams that were cancelled in the very read that brings new ones: let the server have a turn in between.
    await connection.request({ method: 'GET', path: `${collection}/${object}` });
  }
  return { p99Ms: quantile(crowd.latenciesMs, 0.99), openMs: 0, takenMs: performance.now() - start, openCpuMs: 0 };
}

async function comeAgain(job: CrowdJob): Promise<CrowdResult> {
  const crowd = new Crowd();
  using writer = await H2Connection.open(job.target);
  await replaceObject(writer, -1);
  const [openStart, openCpu] = [performance.now(), cpuSeconds(job.pid)];
  const sockets = await openOwnAll(job, crowd, openingAtOnce);
  const openCpuMs = (cpuSeconds(job.pid) - openCpu) * 1000;
  crowd.latenciesMs.length = 0;
  for (const socket of sockets) socket.destroy();
  const start = performance.now();
  console.log('again');
  await openOwnAll(job, crowd, job.watches);
  return { p99Ms: quantile(crowd.latenciesMs, 0.99), openMs: start - openStart, takenMs: performance.now() - start, openCpuMs };
}

if (import.meta.main) {
  // Written by `bench/api-scale.ts`.
  const job = JSON.parse(process.argv[2]!) as CrowdJob;
  const run = { 'fan-out': fanOut, cancel, return: comeAgain }[job.scenario];
  console.log(JSON.stringify(await run(job)));
  process.exit(0);
}
