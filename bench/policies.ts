/**
 * What NetworkPolicies cost a node of a large cluster: how soon the rules of a thousand policies over ten thousand pods stand in the kernel,
 * how soon a change does, what the agent holds for it, what a packet to an isolated pod pays, and how long a new pod waits for its rules.
 * The node and its pods are network namespaces of this bench.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { corev1, networkingv1 } from '../src/api/index.ts';
import { run } from '../src/base/index.ts';
import { compilePolicy, PolicyPlanner, policyPodOf } from '../src/network/policy/index.ts';
import { type Figure, median } from './figure.ts';

const namespaceCount = 100;
const podCount = 10_000;
const policyCount = 1_000;
const appCount = 10;
/** One pod in so many is of the node that is measured: some of every namespace. */
const share = 101;
const nodeName = 'node-1';
const changes = 15;
const rounds = 11;
const questions = 3_000;
const client = '10.9.0.2';
/** Of pods that no policy selects, and that one does. */
const servers = { open: '10.9.0.3', isolated: '10.9.0.4' } as const;

/** @param options.scale there are that share of the pods and policies; for quick looks */
export async function measurePolicies({ scale = 1 }: { readonly scale?: number } = {}): Promise<Figure[]> {
  const prefix = `knarr-bench-policies-${process.pid}-${randomBytes(2).toString('hex')}`;
  const [node, asker, answerer] = ['node', 'asker', 'answerer'].map((each) => `${prefix}-${each}`) as [string, string, string];
  const apply = async (input: string): Promise<void> =>
    void (await run(['nsenter', `--net=/run/netns/${node}`, 'nft', '-f', '-'], { input }));
  try {
    await run(['sh', '-ec', wiring(node, asker, answerer)]);
    const pods = Array.from({ length: podCount * scale }, (_, at) => podObject(at));
    const policies = Array.from({ length: policyCount * scale }, (_, at) => policyObject(at));
    const before = heapBytes();
    const began = performance.now();
    const planner = new PolicyPlanner({ nodeName, table: 'knarr-bench-policies' });
    for (let at = 0; at < namespaceCount; at++) planner.setNamespace(`ns-${at}`, { team: `${at % 10}` });
    for (const pod of pods) planner.setPod(policyPodOf(pod));
    for (const policy of policies) planner.setPolicy(compilePolicy(policy));
    const whole = planner.ledger.takeWhole();
    const planned = performance.now();
    await apply(whole);
    const applied = performance.now();
    const heldBytes = heapBytes() - before;

    const changed = async (change: (at: number) => void): Promise<number> => {
      const times: number[] = [];
      for (let at = 0; at < changes; at++) {
        const start = performance.now();
        change(at);
        const script = planner.ledger.takeChange();
        if (script !== '') await apply(script);
        times.push(performance.now() - start);
      }
      return median(times);
    };
    const policyMs = await changed((at) => planner.setPolicy(compilePolicy(policyObject(0, 2000 + at))));
    const podMs = await changed((at) => planner.setPod({ ...policyPodOf(podObject(1)), ips: [`10.8.0.${at + 1}`] }));
    const startMs = await changed((at) => planner.setPod(policyPodOf(podObject((podCount / 50 + at) * share)), { takes: true }));
    const packets = await measurePackets(asker, answerer);
    const [open, isolated] = [median(packets.open), median(packets.isolated)];
    return [
      { name: 'whole load, planned', value: planned - began, unit: 'ms' },
      { name: 'whole load, taken by nft', value: applied - planned, unit: 'ms' },
      { name: 'whole load, its text', value: whole.length / 2 ** 20, unit: 'MiB' },
      { name: 'one policy changes, until in force', value: policyMs, unit: 'ms' },
      { name: 'one pod elsewhere changes, until in force', value: podMs, unit: 'ms' },
      { name: 'a pod starts here, until its rules are in force', value: startMs, unit: 'ms' },
      { name: 'heap held', value: heldBytes / 2 ** 20, unit: 'MiB' },
      { name: 'question and answer of an open pod, p50', value: open, unit: 'µs' },
      { name: 'question and answer of an isolated pod, p50', value: isolated, unit: 'µs' },
      { name: 'isolation costs', value: (isolated / open - 1) * 100, unit: '%' },
    ];
  } finally {
    for (const each of [node, asker, answerer]) await run(['sh', '-c', `ip netns del ${each} 2>/dev/null || true`]);
  }
}

function podObject(at: number): corev1.Pod {
  const name = `pod-${at}`;
  // Pod 0 is really asked; the open one is of no policy's concern.
  const ip = at === 0 ? servers.isolated : `10.${10 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`;
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: `ns-${at % namespaceCount}`, name, uid: name, resourceVersion: '1', labels: labelsOf(at) },
    spec: {
      nodeName: at % share === 0 ? nodeName : 'elsewhere',
      containers: [{ name: 'c', ports: [{ name: 'http', containerPort: 80 }] }],
    },
    status: { phase: 'Running', podIPs: [{ ip }] },
  };
  // A uid is a text of its own kind.
  return pod as unknown as corev1.Pod;
}

function labelsOf(at: number): Readonly<Record<string, string>> {
  return { app: `app-${Math.floor(at / namespaceCount) % appCount}`, tier: `${at % 3}` };
}

/** Each application of a namespace may be asked by the next one, by a team's namespaces, and from some addresses. */
function policyObject(at: number, port = 80): networkingv1.NetworkPolicy {
  const app = Math.floor(at / namespaceCount) % appCount;
  const spec = {
    podSelector: { matchLabels: { app: `app-${app}` } },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      { from: [{ podSelector: { matchLabels: { app: `app-${(app + 1) % appCount}` } } }], ports: [{ port: 'http' }] },
      {
        from: [{ namespaceSelector: { matchLabels: { team: `${at % 10}` } }, podSelector: { matchLabels: { tier: '1' } } }],
        ports: [{ port }],
      },
      { from: [{ ipBlock: { cidr: '10.9.0.0/24', except: ['10.9.0.128/25'] } }] },
    ],
    egress: [{ to: [{ podSelector: {} }] }],
  };
  const metadata = { namespace: `ns-${at % namespaceCount}`, name: `policy-${at}`, uid: `policy-${at}`, resourceVersion: '1' };
  return { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata, spec } as unknown as networkingv1.NetworkPolicy;
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

const serverProgram = `
require('net').createServer((socket) => socket.setNoDelay(true).on('data', (bytes) => socket.write(bytes))).listen(80, () => console.log('up'));`;

const clientProgram = (address: string): string => `
const socket = require('net').connect(80, '${address}').setNoDelay(true);
const times = [];
let asked = 0;
const ask = () => { asked = performance.now(); socket.write('q'); };
socket.on('connect', ask).on('data', () => {
  times.push((performance.now() - asked) * 1000);
  if (times.length < ${questions}) return ask();
  socket.destroy();
  console.log(times.toSorted((a, b) => a - b)[times.length >> 1]);
});`;

async function measurePackets(asker: string, answerer: string): Promise<{ readonly open: number[]; readonly isolated: number[] }> {
  const inside = (netns: string, program: string): [string, ...string[]] => [
    'nsenter',
    `--net=/run/netns/${netns}`,
    process.execPath,
    '-e',
    program,
  ];
  const [program, ...args] = inside(answerer, serverProgram);
  const server: ChildProcess = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(createInterface({ input: server.stdout! }), 'line');
    const micros = { open: [] as number[], isolated: [] as number[] };
    for (let round = -1; round < rounds; round++) {
      const turns = ['open', 'isolated'] as const;
      for (const name of round % 2 === 0 ? turns : turns.toReversed()) {
        const value = Number((await run(inside(asker, clientProgram(servers[name])))).stdout);
        if (round >= 0) micros[name].push(value);
      }
    }
    return micros;
  } finally {
    server.kill('SIGKILL');
  }
}

function wiring(node: string, asker: string, answerer: string): string {
  const pod = (netns: string, device: string, addresses: readonly string[]): string => `ip netns add ${netns}
ip -n ${node} link add ${device} type veth peer name eth0 netns ${netns}
ip -n ${node} addr add 10.9.0.1/32 dev ${device}
ip -n ${node} link set ${device} up
ip -n ${netns} link set eth0 up
${addresses.map((address) => `ip -n ${netns} addr add ${address}/32 dev eth0; ip -n ${node} route add ${address} dev ${device}`).join('\n')}
ip -n ${netns} route add 10.9.0.1 dev eth0
ip -n ${netns} route add default via 10.9.0.1
`;
  return `ip netns add ${node}; ip -n ${node} link set lo up
nsenter --net=/run/netns/${node} sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
${pod(asker, 'asker', [client])}${pod(answerer, 'answerer', Object.values(servers))}`;
}
