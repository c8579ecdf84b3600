/**
 * The load generator of the DNS figures, a process of its own: `node bench/dns-load.ts JOB` asks one server and prints one line of JSON.
 * With `perSecond` it is an open loop: questions leave by the clock whether or not those before were answered, and waiting counts from when
 * they should have left. Without, so many questions are on their way at once.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { quantile } from './figure.ts';

export interface DnsLoadJob {
  readonly port: number;
  readonly services: number;
  readonly seconds: number;
  readonly perSecond?: number;
}

export interface DnsLoadResult {
  readonly answered: number;
  readonly lost: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const sockets = 8;
const inFlight = 64;

try {
  setPriority(-10);
} catch {
  // Not root: it then shares the machine.
}
const job = JSON.parse(process.argv[2]!) as DnsLoadJob;
const questions = Array.from({ length: job.services }, (_, index) => {
  const labels = [`s${index}`, 'bench', 'svc', 'cluster', 'local'].map((label) => String.fromCodePoint(label.length) + label);
  return Buffer.from(`\0\0\x01\0\0\x01\0\0\0\0\0\0${labels.join('')}\0\0\x01\0\x01`, 'latin1');
});
const waits: number[] = [];
let next = 0;
let sent = 0;
let ending = false;

class Asker {
  readonly #socket: Socket = createSocket('udp4');
  /** When each question should have left, by its id. */
  readonly #left = new Float64Array(0x10000);
  #id = 0;

  async open(): Promise<void> {
    this.#socket.connect(job.port, '127.0.0.1');
    await once(this.#socket, 'connect');
    this.#socket.setRecvBufferSize(4 * 1024 * 1024);
    this.#socket.on('message', (bytes) => {
      const id = bytes.readUInt16BE(0);
      waits.push(performance.now() - this.#left[id]!);
      if (job.perSecond === undefined && !ending) this.ask(performance.now());
    });
  }

  ask(dueMs: number): void {
    // Names in no order, as they come in life: a step that shares no factor with their number visits all.
    next = (next + 7919) % job.services;
    const question = Buffer.from(questions[next]!);
    this.#id = (this.#id + 1) & 0xffff;
    question.writeUInt16BE(this.#id, 0);
    this.#left[this.#id] = dueMs;
    sent++;
    this.#socket.send(question);
  }

  close(): void {
    this.#socket.close();
  }
}

const askers = Array.from({ length: sockets }, () => new Asker());
await Promise.all(askers.map((asker) => asker.open()));
const began = performance.now();
const endMs = began + job.seconds * 1000;
if (job.perSecond === undefined) {
  for (let i = 0; i < inFlight; i++) askers[i % sockets]!.ask(began);
  await new Promise((resolve) => setTimeout(resolve, job.seconds * 1000));
} else {
  const everyMs = 1000 / job.perSecond;
  let due = began;
  while (due < endMs) {
    for (const now = performance.now(); due <= now && due < endMs; due += everyMs) askers[sent % sockets]!.ask(due);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
ending = true;
const seconds = (performance.now() - began) / 1000;
await new Promise((resolve) => setTimeout(resolve, 200));
for (const asker of askers) asker.close();
const result: DnsLoadResult = {
  answered: waits.length,
  lost: sent - waits.length,
  seconds,
  p50Ms: quantile(waits, 0.5),
  p99Ms: quantile(waits, 0.99),
};
console.log(JSON.stringify(result));
