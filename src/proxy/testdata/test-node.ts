/**
 * A node of the traffic tests in network namespaces of its own: two pods on a bridge (bridged packets pass netfilter, as with real pods), a
 * client and another node's pod beyond a router port, each a process that answers and asks.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { runToolIn, type RunTool } from '../run-tool.ts';

export const canTest = process.getuid?.() === 0 && spawnSync('nft', ['--version']).status === 0;

export type MachineName = 'pod1' | 'pod2' | 'client' | 'far' | 'node';

/** Addresses by machine; pods are of 10.244.0.0/16 and fd00:244::/32. */
export const addresses = {
  pod1: ['10.244.1.2', 'fd00:244:1::2'],
  pod2: ['10.244.1.3', 'fd00:244:1::3'],
  client: ['192.0.2.2', '2001:db8:1::2'],
  far: ['10.244.2.2', 'fd00:244:2::2'],
  node: ['192.0.2.1', '2001:db8:1::1'],
} as const;

export interface Question {
  readonly protocol: 'TCP' | 'UDP';
  readonly host: string;
  readonly port: number;
  /** The name of a socket that is kept: the next question of that name is of the same connection. */
  readonly from?: string;
}

export class TestNode {
  readonly #prefix: string;
  readonly #peers = new Map<MachineName, Peer>();

  constructor(label: string) {
    this.#prefix = `knarr-test-proxy-${process.pid}-${label}`;
  }

  /** File of the node's network namespace. */
  get namespace(): string {
    return `/run/netns/${this.#prefix}-node`;
  }

  get run(): RunTool {
    return runToolIn(['nsenter', `--net=${this.namespace}`]);
  }

  /** Runs a command in the node's namespace and returns what it prints. */
  inNode(command: string): string {
    const { stdout, stderr, status } = spawnSync('nsenter', [`--net=/run/netns/${this.#prefix}-node`, 'sh', '-ec', command], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${command}: ${stderr}`);
    return stdout;
  }

  async start(): Promise<void> {
    const name = (machine: string): string => `${this.#prefix}-${machine}`;
    const plug = (machine: keyof typeof addresses, port: string, more: string): string => {
      const [v4, v6] = addresses[machine];
      const gateway = (address: string): string => address.replace(/[23]$/, '1');
      return `ip -n ${name('node')} link add ${port} type veth peer name eth0 netns ${name(machine)}
        ${more}
        ip -n ${name('node')} link set ${port} up
        ip -n ${name(machine)} link set lo up
        ip -n ${name(machine)} link set eth0 up
        ip -n ${name(machine)} addr add ${v4}/24 dev eth0
        ip -n ${name(machine)} addr add ${v6}/64 dev eth0 nodad
        ip -n ${name(machine)} route add default via ${gateway(v4)}
        ip -n ${name(machine)} route add default via ${gateway(v6)}`;
    };
    const routed = (port: string, v4: string, v6: string): string =>
      `ip -n ${name('node')} addr add ${v4}/24 dev ${port}; ip -n ${name('node')} addr add ${v6}/64 dev ${port} nodad`;
    const bridged = (port: string): string =>
      `ip -n ${name('node')} link set ${port} master cni0; ip -n ${name('node')} link set ${port} type bridge_slave hairpin on`;
    const script = `
      # Addresses are used at once; and nobody is led past the node, which answers for addresses that lie on no wire.
      for each in node pod1 pod2 client far; do
        ip netns add ${this.#prefix}-$each
        nsenter --net=/run/netns/${this.#prefix}-$each sh -c '
          for each in all default; do
            echo 0 > /proc/sys/net/ipv6/conf/$each/accept_dad
            for family in ipv4 ipv6; do echo 0 > /proc/sys/net/$family/conf/$each/accept_redirects; done
            echo 0 > /proc/sys/net/ipv4/conf/$each/send_redirects
          done'
      done
      ip -n ${name('node')} link set lo up
      ip -n ${name('node')} link add cni0 type bridge
      ip -n ${name('node')} link set cni0 up
      ${routed('cni0', '10.244.1.1', 'fd00:244:1::1')}
      ${plug('pod1', 'p1', bridged('p1'))}
      ${plug('pod2', 'p2', bridged('p2'))}
      ${plug('client', 'out', routed('out', '192.0.2.1', '2001:db8:1::1'))}
      ${plug('far', 'far', routed('far', '10.244.2.1', 'fd00:244:2::1'))}
      ip -n ${name('node')} route add 10.96.0.0/16 dev out
      ip -n ${name('node')} route add fd00:96::/64 dev out
      ip -n ${name('node')} route add 203.0.113.0/24 dev out
      ip -n ${name('node')} route add 2001:db8:9::/64 dev out
      nsenter --net=/run/netns/${name('node')} sh -c '
        echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
        echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables; echo 1 > /proc/sys/net/bridge/bridge-nf-call-ip6tables'`;
    const { status, stderr } = spawnSync('sh', ['-ec', script], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    for (const machine of Object.keys(addresses) as MachineName[]) this.#peers.set(machine, new Peer(name(machine), machine));
    await Promise.all([...this.#peers.values()].map((peer) => peer.ready));
  }

  /** What a machine is answered, or the code of the error. */
  ask(machine: MachineName, question: Question): Promise<string> {
    return this.#peers.get(machine)!.ask(question);
  }

  stop(): void {
    for (const peer of this.#peers.values()) peer.stop();
    for (const machine of Object.keys(addresses)) spawnSync('ip', ['netns', 'del', `${this.#prefix}-${machine}`]);
  }
}

class Peer {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: string) => void>();
  readonly ready: Promise<void>;
  #last = 0;

  constructor(namespace: string, name: string) {
    const script = fileURLToPath(new URL('peer.mjs', import.meta.url));
    this.#child = spawn('nsenter', [`--net=/run/netns/${namespace}`, process.execPath, script, name], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: this.#child.stdout! });
    this.ready = new Promise((resolve) => lines.once('line', () => resolve()));
    lines.on('line', (line) => {
      const { id, answer, error } = JSON.parse(line) as { id?: number; answer?: string; error?: string };
      if (id !== undefined) this.#waiting.get(id)?.(answer ?? error ?? '');
    });
  }

  ask(question: Question): Promise<string> {
    const id = ++this.#last;
    this.#child.stdin!.write(`${JSON.stringify({ id, ...question })}\n`);
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}
