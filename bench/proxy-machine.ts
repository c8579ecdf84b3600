/**
 * The node of the proxy bench: `node bench/proxy-machine.ts JOB` in its network namespace starts a control plane and a proxy, fills the one
 * and times the other, and prints the figures as JSON. Whether a rule stands is told by connections alone.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { keepAlive, run } from '../src/base/index.ts';
import { agentFlags } from '../src/cluster/launch.ts';
import { end, startBareControlPlane } from './bare-control-plane.ts';
import { type Figure, median, quantile } from './figure.ts';
import { H2Connection, type H2Target } from './h2-client.ts';
import { cpuSeconds, residentMib } from './process-cost.ts';
import type { ProxyNodeJob, ProxyNodeSynced } from './proxy-node.ts';
import { pause } from './scheduler-churn.ts';
import { many } from './scheduler-world.ts';

export interface ProxyBenchJob {
  /** Names of network namespaces. */
  readonly client: string;
  readonly endpoints: string;
  readonly scale: number;
}

/** The client's is of pods too, so that it keeps its address. */
export const ranges = { pods: '10.244.0.0/15', endpoints: '10.244.0.0/16', services: '10.96.0.0/16' } as const;
export const addresses = { client: '10.245.0.2', gateway: '10.245.0.1', node: '198.18.0.1', endpoints: '198.18.0.2' } as const;

const table = 'knarr-bench-services';
const sizes = [10, 1_000, 10_000, 30_000];
/** At this many Services everything else is measured. */
const usual = 10_000;
const loads = 3;
const changes = 200;
const packets = { hosts: 500, rounds: 6 };
/** Each answers with its letter, so that a client sees where a change led it. */
const ports = [8080, 8081] as const;
const letters = ['a', 'b'] as const;
const limitMs = 120_000;
const proxyProgram = fileURLToPath(new URL('./proxy-node.ts', import.meta.url));
const { signal } = new AbortController();

const server = `for (const [at, port] of ${JSON.stringify(ports)}.entries())
  require('net').createServer((socket) => socket.on('error', () => {}).end(${JSON.stringify(letters)}[at]))
    .listen({ port, host: '0.0.0.0', backlog: 4096 }, () => console.log('up'));`;

/** Microseconds from the first packet to the established connection, p50; the first round is not counted. */
const client = (hosts: readonly string[], port: number): string => `
const hosts = ${JSON.stringify(hosts)};
const times = [];
const next = (at) => {
  if (at === hosts.length * ${packets.rounds}) {
    const counted = times.slice(hosts.length).toSorted((a, b) => a - b);
    return console.log(counted[counted.length >> 1]);
  }
  const began = performance.now();
  const socket = require('net').connect({ host: hosts[at % hosts.length], port: ${port}, autoSelectFamily: false });
  socket.on('connect', () => { times.push((performance.now() - began) * 1000); socket.destroy(); setImmediate(next, at + 1); });
};
next(0);`;

const serviceIp = (index: number): string => `10.96.${1 + Math.floor(index / 250)}.${1 + (index % 250)}`;
const endpointIp = (index: number): string => `10.244.${index >> 8}.${index & 255}`;
const slicePath = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';

async function measure({ client: clientName, endpoints, scale }: ProxyBenchJob): Promise<Figure[]> {
  await using knarr = await startBareControlPlane();
  const pool = await Promise.all(Array.from({ length: 4 }, () => H2Connection.open(knarr.target)));
  const answering = spawn('nsenter', [`--net=/run/netns/${endpoints}`, process.execPath, '-e', server], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(createInterface({ input: answering.stdout }), 'line');
  let proxy = await Proxy.start(knarr.target);
  const figures: Figure[] = [];
  try {
    let made = 0;
    for (const full of sizes) {
      const size = Math.max(1, Math.round(full * scale));
      const before = made;
      await many(size - before, (index) => makeService(pool, before + index), 64);
      made = size;
      await untilAnswer(serviceIp(size - 1), letters[0]);
      if (full === usual) {
        const loaded: number[] = [];
        for (let load = 0; load < loads; load++) {
          await proxy.stop();
          await run(['nft', 'delete', 'table', 'ip', table]);
          proxy = await Proxy.start(knarr.target);
          loaded.push((await untilAnswer(serviceIp(size - 1), letters[0])) - proxy.syncedAtMs);
        }
        await pause(3_000, signal);
        const name = `${size.toLocaleString('en')} Services × 2 endpoints`;
        figures.push(
          { name: `${name}: synced → rules`, value: median(loaded) / 1000, unit: 's', goal: '≤ 1.5' },
          { name: `${name}: memory of the proxy`, value: residentMib(proxy.pid), unit: 'MiB', goal: '≤ 150' },
          ...(await measureChanges(pool[0]!, proxy, size)),
          { name: 'memory of the proxy after these', value: residentMib(proxy.pid), unit: 'MiB', goal: '≤ 150' },
        );
      }
      const indexes = Array.from({ length: packets.hosts }, (_, at) => Math.floor((at / packets.hosts) * size));
      const through = await firstPacket(clientName, indexes.map(serviceIp), 80);
      const endpointIps = indexes.map((index) => endpointIp(2 * index));
      const direct = await firstPacket(clientName, endpointIps, ports[0]);
      const name = `first packet, ${size.toLocaleString('en')} Services, p50`;
      figures.push(
        { name, value: through, unit: 'µs' },
        { name: `${name}, above the endpoint's own`, value: through - direct, unit: 'µs' },
      );
    }
    figures.push({ name: 'memory of the proxy at the last of these', value: residentMib(proxy.pid), unit: 'MiB' });
  } finally {
    await proxy.stop();
    answering.kill('SIGKILL');
    for (const connection of pool) connection[Symbol.dispose]();
  }
  return figures;
}

class Proxy {
  readonly #child: ChildProcess;
  readonly syncedAtMs: number;

  private constructor(child: ChildProcess, syncedAtMs: number) {
    this.#child = child;
    this.syncedAtMs = syncedAtMs;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  static async start(target: H2Target): Promise<Proxy> {
    const child = fork(proxyProgram, { execArgv: [...agentFlags], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child.send({ target, table, nodeIp: addresses.node, podCidr: ranges.pods } satisfies ProxyNodeJob);
    const [{ syncedAtMs }] = (await once(child, 'message')) as [ProxyNodeSynced];
    return new Proxy(child, syncedAtMs);
  }

  stop(): Promise<void> {
    return end(this.#child);
  }
}

/** A Service that has two endpoints and no pods. */
async function makeService(pool: readonly H2Connection[], index: number): Promise<void> {
  const name = `s-${index}`;
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { clusterIP: serviceIp(index), ports: [{ name: 'http', port: 80, targetPort: ports[0] }] },
  };
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: ports[0], protocol: 'TCP' }],
    endpoints: [2 * index, 2 * index + 1].map((at) => ({ addresses: [endpointIp(at)], conditions: { ready: true } })),
  };
  const connection = pool[index % pool.length]!;
  for (const [path, body] of [[slicePath, slice] as const, ['/api/v1/namespaces/default/services', service] as const]) {
    const { status, text } = await connection.request({ method: 'POST', path, body: JSON.stringify(body) });
    if (status !== 201) throw new Error(`POST ${path}: ${text()}`);
  }
}

/** The endpoints of Services move to the other port, one Service after the other. */
async function measureChanges(connection: H2Connection, proxy: Proxy, size: number): Promise<Figure[]> {
  const sinceSent: number[] = [];
  const sinceAnswered: number[] = [];
  const cpuBefore = cpuSeconds(proxy.pid);
  for (let round = 0; round < changes; round++) {
    const index = Math.floor(((round + 0.5) / changes) * size);
    const body = JSON.stringify({ ports: [{ name: 'http', port: ports[1], protocol: 'TCP' }] });
    const sent = wallMs();
    const patch = connection.request({ method: 'PATCH', path: `${slicePath}/s-${index}`, body, type: 'application/merge-patch+json' });
    const answered = patch.then(({ status, text }) => {
      if (status !== 200) throw new Error(text());
      return wallMs();
    });
    const [there, answeredAt] = await Promise.all([untilAnswer(serviceIp(index), letters[1]), answered]);
    sinceSent.push(there - sent);
    sinceAnswered.push(Math.max(0, there - answeredAt));
    // Out of step with whatever happens at intervals, and so seldom that none waits for the one before.
    await pause(200 + (round % 17), signal);
  }
  const cpu = ((cpuSeconds(proxy.pid) - cpuBefore) / changes) * 1000;
  return [
    { name: 'one change: write sent → rule, p50', value: median(sinceSent), unit: 'ms', goal: '≤ 50' },
    { name: 'one change: write sent → rule, p99', value: quantile(sinceSent, 0.99), unit: 'ms', goal: '≤ 50' },
    { name: 'one change: write answered → rule, p50', value: median(sinceAnswered), unit: 'ms' },
    { name: 'one change: CPU of the proxy', value: cpu, unit: 'ms' },
  ];
}

/** Connects to a Service until this letter answers. @returns when it did, milliseconds since the epoch */
async function untilAnswer(host: string, letter: string): Promise<number> {
  const lateMs = wallMs() + limitMs;
  for (;;) {
    if ((await answerOf(host)) === letter) return wallMs();
    if (wallMs() > lateMs) throw new Error(`${host} did not answer "${letter}"`);
    await pause(1, signal);
  }
}

/** What a Service answers; empty when it does not. */
function answerOf(host: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: 80, autoSelectFamily: false });
    const finish = (answer: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(finish, 100, '');
    socket.once('data', (bytes) => finish(bytes.toString()));
    socket.once('error', () => finish(''));
  });
}

async function firstPacket(namespace: string, hosts: readonly string[], port: number): Promise<number> {
  return Number((await run(['nsenter', `--net=/run/netns/${namespace}`, process.execPath, '-e', client(hosts, port)])).stdout);
}

function wallMs(): number {
  return performance.timeOrigin + performance.now();
}

if (import.meta.main) {
  using _alive = keepAlive();
  console.log(JSON.stringify(await measure(JSON.parse(process.argv[2]!) as ProxyBenchJob)));
}
