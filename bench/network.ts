/**
 * What the pod network costs: TCP between pods of two machines (network namespaces) through the tunnel that an agent makes, against the
 * same tunnel and address translation made by hand with plain commands. The two take turns, so that both see the same machine.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { run, silentLogger } from '../src/base/index.ts';
import { createKernel, defaultConfiguration, NodeNetwork } from '../src/network/index.ts';
import { type NetworkLab, nodeObject, openNetworkLab } from '../test/support/network-lab.ts';
import { type Figure, median } from './figure.ts';

const rounds = 31;
const sendMs = 200;
const questions = 500;
const port = 5201;

const server = `
require('net').createServer({ allowHalfOpen: true }, (socket) => {
  socket.setNoDelay(true);
  socket.once('data', (first) => {
    if (first[0] === 113) { socket.write(first); socket.on('data', (bytes) => socket.write(bytes)); return; }
    let size = first.length;
    socket.on('data', (bytes) => (size += bytes.length));
    socket.on('end', () => socket.end(String(size)));
  });
}).listen({ port: ${port}, host: '::' }, () => console.log('up'));`;

const throughput = (address: string): string => `
const socket = require('net').connect({ host: '${address}', port: ${port}, allowHalfOpen: true });
const chunk = Buffer.alloc(1 << 18);
const began = performance.now();
let tookMs = 0;
const send = () => {
  while (performance.now() - began < ${sendMs}) if (!socket.write(chunk)) return;
  socket.end();
};
socket.on('connect', send).on('drain', send);
socket.on('data', (size) => { tookMs = performance.now() - began; console.log(Number(size) * 8 / tookMs / 1e6); });`;

const latency = (address: string): string => `
const socket = require('net').connect({ host: '${address}', port: ${port} });
socket.setNoDelay(true);
const times = [];
let asked = 0;
const ask = () => { asked = performance.now(); socket.write('q'); };
socket.on('connect', ask).on('data', () => {
  times.push((performance.now() - asked) * 1000);
  if (times.length < ${questions}) return ask();
  socket.destroy();
  console.log(times.toSorted((a, b) => a - b)[times.length >> 1]);
});`;

export async function measureNetwork(): Promise<Figure[]> {
  await using ours = await openNetworkLab(2, { podMtu: 1450 });
  await using plain = await openNetworkLab(2, { podMtu: 1450 });
  await connectByAgent(ours);
  await connectByHand(plain);
  const servers = [ours, plain].map((lab) => serve(lab));
  try {
    await Promise.all(servers.map((child) => once(createInterface({ input: child.stdout! }), 'line')));
    const figures = {
      ours: { gigabits: [] as number[], micros: [] as number[] },
      plain: { gigabits: [] as number[], micros: [] as number[] },
    };
    for (let round = -1; round < rounds; round++) {
      const turns = [['ours', ours] as const, ['plain', plain] as const];
      for (const [name, lab] of round % 2 === 0 ? turns : turns.toReversed()) {
        const gigabits = await ask(lab, throughput);
        const micros = await ask(lab, latency);
        if (round < 0) continue;
        figures[name].gigabits.push(gigabits);
        figures[name].micros.push(micros);
      }
    }
    const [fast, byHand] = [median(figures.ours.gigabits), median(figures.plain.gigabits)];
    // Of each pair of turns: what else the machine does changes from pair to pair, and hardly within one.
    const share = median(figures.ours.gigabits.map((each, at) => each / figures.plain.gigabits[at]!));
    return [
      { name: 'pod to pod over vxlan, TCP', value: fast, unit: 'Gbit/s' },
      { name: 'the same vxlan by hand, TCP', value: byHand, unit: 'Gbit/s' },
      { name: 'share of the one by hand', value: share * 100, unit: '%', goal: '≥ 95' },
      { name: 'pod to pod over vxlan, question and answer, p50', value: median(figures.ours.micros), unit: 'µs' },
      { name: 'the same vxlan by hand, question and answer, p50', value: median(figures.plain.micros), unit: 'µs' },
    ];
  } finally {
    for (const child of servers) child.kill('SIGKILL');
  }
}

async function connectByAgent({ nodes, networks }: NetworkLab): Promise<void> {
  const ctx = { signal: new AbortController().signal, log: silentLogger };
  const raised = await Promise.all(
    nodes.map(async (node) => {
      const refuse = (name: string, reason: string): never => {
        throw new Error(`${name}: ${reason}`);
      };
      const configuration = { ...defaultConfiguration('vxlan'), families: ['IPv4' as const] };
      const kernel = createKernel(node.enter);
      const network = new NodeNetwork({
        nodeName: node.name,
        nodeIps: node.addresses,
        name: 'knarr-bench',
        networks,
        configuration,
        kernel,
        refuse,
      });
      const { annotations } = (await network.raise(nodeObject(node), () => [], ctx))!;
      return { network, object: nodeObject(node, annotations) };
    }),
  );
  for (const { network } of raised) {
    for (const { object } of raised) network.seen(object);
    await network.apply(ctx);
  }
}

async function connectByHand({ nodes }: NetworkLab): Promise<void> {
  const mac = (at: number): string => `02:00:0a:f4:00:0${at + 1}`;
  for (const [at, node] of nodes.entries()) {
    const other = nodes[1 - at]!;
    const [subnet, next] = [other.subnets[0]!, other.subnets[0]!.split('/')[0]!];
    const script = `ip link add flannel.1 address ${mac(at)} mtu 1450 type vxlan id 1 local ${node.addresses[0]} dev eth0 dstport 8472 nolearning
ip addr add ${node.subnets[0]!.split('/')[0]}/32 dev flannel.1
ip link set flannel.1 up
bridge fdb replace ${mac(1 - at)} dev flannel.1 dst ${other.addresses[0]} self permanent
ip neigh replace ${next} lladdr ${mac(1 - at)} dev flannel.1 nud permanent
ip route replace ${subnet} via ${next} dev flannel.1 onlink
nft -f - <<END
table ip podmasq {
  chain post {
    type nat hook postrouting priority srcnat
    ip saddr 10.244.0.0/16 ip daddr != { 10.244.0.0/16, 224.0.0.0/4 } masquerade fully-random
  }
}
END
`;
    await run(inside(node.enter, 'sh', '-ec', script));
  }
}

function serve({ nodes }: NetworkLab): ChildProcess {
  const [program, ...args] = inside(nodes[1]!.enterPod, process.execPath, '-e', server);
  return spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function ask({ nodes }: NetworkLab, client: (address: string) => string): Promise<number> {
  const command = inside(nodes[0]!.enterPod, process.execPath, '-e', client(nodes[1]!.podAddresses[0]!));
  return Number((await run(command)).stdout);
}

function inside(enter: readonly string[], ...command: readonly string[]): [string, ...string[]] {
  const [program, ...args] = [...enter, ...command];
  return [program!, ...args];
}
