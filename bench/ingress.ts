/**
 * What the Ingress server costs a request: the same question to the same server, directly and through the real HAProxy with a node's
 * configuration. The two take turns, so that both see the same machine.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { slotOrders } from '../src/ingress/runtime-changes.ts';
import { noHaproxy, RealServer } from '../src/ingress/testdata/real-server.ts';
import { type Figure, median, quantile } from './figure.ts';

const rounds = 5;
const roundMs = 1500;
const connections = 8;

/** In a process of its own, as a pod is. */
const service = `
require('http').createServer((_, answer) => answer.end('answer')).listen(0, '127.0.0.1', function () { console.log(this.address().port); });`;

interface Round {
  readonly perSecond: number;
  readonly times: readonly number[];
}

export async function measureIngress(): Promise<Figure[]> {
  if (noHaproxy !== undefined) throw new Error(noHaproxy);
  await using server = await RealServer.start(1);
  const child = spawn(process.execPath, ['-e', service], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const [[id, slots]] = [...server.applied.slots] as [[string, readonly (string | undefined)[]]];
    await server.socket.tell(slotOrders(id, slots, [`127.0.0.1 ${port}`, ...slots.slice(1)]));
    const ways = { direct: Number(port), through: server.settings.httpPort };
    const measured: Record<keyof typeof ways, Round[]> = { direct: [], through: [] };
    for (let round = -1; round < rounds; round++)
      for (const way of round % 2 === 0 ? (['direct', 'through'] as const) : (['through', 'direct'] as const)) {
        const one = await askFor(ways[way], roundMs);
        if (round >= 0) measured[way].push(one);
      }
    const speed = (way: keyof typeof ways): number => median(measured[way].map(({ perSecond }) => perSecond));
    const slow = (way: keyof typeof ways): number => median(measured[way].map(({ times }) => quantile(times, 0.99)));
    return [
      { name: 'requests through the Ingress server', value: speed('through'), unit: '/s' },
      { name: 'the same directly', value: speed('direct'), unit: '/s' },
      { name: 'share of direct', value: (speed('through') / speed('direct')) * 100, unit: '%' },
      { name: 'through the Ingress server, p99', value: slow('through'), unit: 'ms' },
      { name: 'the same directly, p99', value: slow('direct'), unit: 'ms' },
    ];
  } finally {
    child.kill('SIGKILL');
  }
}

/** Asks over some connections, one question after the other on each. */
async function askFor(port: number, durationMs: number): Promise<Round> {
  const times: number[] = [];
  const began = performance.now();
  await Promise.all(Array.from({ length: connections }, () => client(port, began + durationMs, times)));
  return { perSecond: (times.length / (performance.now() - began)) * 1000, times };
}

/** Reads no more of an answer than where it ends: all of them are short, and the last word is known. */
function client(port: number, endMs: number, times: number[]): Promise<void> {
  return new Promise((done, failed) => {
    const socket = connect(port, '127.0.0.1');
    let asked = 0;
    let answer = '';
    const ask = (): void => {
      asked = performance.now();
      socket.write('GET /0 HTTP/1.1\r\nHost: all\r\n\r\n');
    };
    socket.setNoDelay(true);
    socket.once('connect', ask);
    socket.once('error', failed);
    socket.on('data', (bytes: Buffer) => {
      answer += bytes.toString('latin1');
      if (!/\r\n\r\n(6\r\n)?answer/.test(answer)) return;
      if (!answer.startsWith('HTTP/1.1 200 ')) return void socket.destroy(new Error(`not answered: ${answer}`));
      answer = '';
      const now = performance.now();
      times.push(now - asked);
      if (now < endMs) return ask();
      socket.destroy();
      done();
    });
  });
}
