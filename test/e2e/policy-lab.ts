/**
 * Pods of three namespaces on two nodes, each asking every other over connections that stay open and over new ones, so that a test of
 * NetworkPolicies sees all of them at once. The pods are asked from their own node, which policies never stop.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { expect, vi } from 'vitest';
import { buildNetexecImage, netexec, netexecProgram } from './images.ts';
import { OwnCluster } from './own-cluster.ts';

/** A port that every pod answers at. */
export interface Door {
  readonly name: string;
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
}

export const tcp80: Door = { name: 'tcp80', protocol: 'tcp', port: 80 };
export const tcp81: Door = { name: 'tcp81', protocol: 'tcp', port: 81 };
export const udp: Door = { name: 'udp', protocol: 'udp', port: 8081 };
const doors = [tcp80, tcp81, udp];

/** `namespace/name` → node. The port named `web` is 80, but 81 in y/b. */
export const placed: Readonly<Record<string, 1 | 2>> = { 'x/a': 1, 'x/b': 2, 'x/c': 1, 'y/a': 2, 'y/b': 1, 'z/a': 1, 'z/b': 2 };
/** A pod in the network of node 1. */
export const hostPod = 'host';
const hostPort = 18_280;
const askMs = 600;

/** May `from` reach this door of `to`? */
export type Reach = (from: string, to: string, door: Door) => boolean;

/** A place that pods ask besides each other, such as a Service. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

export class PolicyLab {
  readonly cluster: OwnCluster;
  readonly #askers = new Map<number, Asker>();
  readonly #addresses = new Map<string, string>();

  constructor(name: string) {
    this.cluster = new OwnCluster({ name });
  }

  address(pod: string): string {
    return this.#addresses.get(pod)!;
  }

  nodeName(node: number): string {
    return `${this.cluster.name}-${node}`;
  }

  async open(): Promise<void> {
    const { cluster } = this;
    await cluster.up('--nodes', '2', '--wait');
    await buildNetexecImage(cluster.home, cluster.name);
    const namespaces = ['x', 'y', 'z'].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
    const pods = Object.entries(placed).map(([pod, node]) => this.podObject(pod, { node }));
    await this.apply(...namespaces);
    await this.apply(...pods, this.podObject(`x/${hostPod}`, { node: 1, hostNetwork: true }));
    await Promise.all(
      ['x', 'y', 'z'].map((ns) => cluster.kubectl(['wait', '-n', ns, 'pod', '--all', '--for=condition=Ready', '--timeout=90s'])),
    );
    for (const node of [1, 2]) this.#askers.set(node, new Asker(`knarr-${cluster.name}-${node}`));
    for (const pod of Object.keys(placed)) await this.learnAddress(pod);
    await Promise.all(
      [hostPod, ...Object.keys(placed)].map(async (from) => {
        for (const to of Object.keys(placed)) await this.#openAll(from, to);
      }),
    );
  }

  async close(): Promise<void> {
    for (const asker of this.#askers.values()) asker.close();
    await this.cluster.remove();
  }

  async learnAddress(pod: string): Promise<void> {
    const [namespace = '', name = ''] = pod.split('/');
    this.#addresses.set(pod, await this.cluster.kubectl(['get', 'pod', '-n', namespace, name, '-o', 'jsonpath={.status.podIP}']));
  }

  podObject(pod: string, options: { readonly node: number; readonly hostNetwork?: boolean; readonly labels?: object }): object {
    const [namespace, name] = pod.split('/');
    const { node, hostNetwork = false, labels } = options;
    const serving = [80, 81].map((port) => ({ name: `SERVE_PORT_${port}`, value: 'yes' }));
    const ports = [
      { name: 'web', containerPort: pod === 'y/b' ? 81 : 80 },
      { name: 'ask', containerPort: 8081, protocol: 'UDP' },
    ];
    const flags = hostNetwork ? [`--http-port=${hostPort}`, `--udp-port=${hostPort}`] : ['--http-port=8080', '--udp-port=8081'];
    const container = { name: 'main', image: netexec, args: [netexecProgram, ...flags], ...(!hostNetwork && { env: serving, ports }) };
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace, name, labels: { pod: name, ...labels } },
      spec: { nodeName: this.nodeName(node), hostNetwork, terminationGracePeriodSeconds: 0, containers: [container] },
    };
  }

  async apply(...objects: readonly object[]): Promise<void> {
    await this.cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  }

  async removePolicies(): Promise<void> {
    await this.cluster.kubectl(['delete', 'networkpolicy', '-A', '--all']);
  }

  /** Every pod asks every pod, at these doors: new and open connections do as `reach` says. */
  async shows(reach: Reach, at: readonly Door[] = [tcp80]): Promise<void> {
    // A connection that was stopped goes on with its next retransmission, which comes the later the longer it was stopped.
    await expect.poll(() => this.#deviations(reach, at), { timeout: 60_000, interval: 50 }).toEqual([]);
  }

  /** `new, open` of one pair, each as the pod says it. */
  async look(from: string, to: string, door: Door): Promise<string> {
    const { protocol, port } = door;
    const fresh = this.ask(from, `/connect?protocol=${protocol}&host=${this.address(to)}&port=${port}&timeoutMs=${askMs}`);
    const open = this.ask(from, `/hold?protocol=${protocol}&as=${to}-${door.name}&timeoutMs=${askMs}`);
    return (await Promise.all([fresh, open])).join(', ');
  }

  /** The same of any place, over a connection that was opened under the place's name. */
  async lookAt(from: string, { host, port }: Place): Promise<string> {
    const fresh = this.ask(from, `/connect?host=${host}&port=${port}&timeoutMs=${askMs}`);
    const open = this.ask(from, `/hold?as=${host}-${port}&timeoutMs=${askMs}`);
    return (await Promise.all([fresh, open])).join(', ');
  }

  holdOpen(from: string, { host, port }: Place): Promise<string> {
    return this.ask(from, `/hold?do=open&as=${host}-${port}&host=${host}&port=${port}`);
  }

  /** A page of the pod's program, asked from its own node or, where it is said, from another. */
  ask(pod: string, page: string, fromNode?: number): Promise<string> {
    const authority = pod === hostPod ? `127.0.0.1:${hostPort}` : `${this.address(pod)}:8080`;
    return this.#askers.get(fromNode ?? placed[pod] ?? 1)!.get(`http://${authority}${page}`);
  }

  async #openAll(from: string, to: string): Promise<void> {
    for (const { name, protocol, port } of doors) {
      const page = `/hold?do=open&protocol=${protocol}&as=${to}-${name}&host=${this.address(to)}&port=${port}`;
      // A pod is Ready before its program listens.
      const opens = async (): Promise<void> => expect(await this.ask(from, page), `${name} of ${to}`).toMatch(/^(open|answered)$/);
      await vi.waitFor(opens, { timeout: 60_000 });
    }
  }

  async #deviations(reach: Reach, at: readonly Door[]): Promise<string[]> {
    const pairs = [hostPod, ...Object.keys(placed)].flatMap((from) =>
      Object.keys(placed).flatMap((to) => at.map((door) => ({ from, to, door }))),
    );
    const found = await Promise.all(
      pairs.map(async ({ from, to, door }) => {
        const ownNode = from === hostPod && placed[to] === 1;
        const wanted = from === to || ownNode || reach(from, to, door) ? 'open, answered' : 'TIMEOUT, TIMEOUT';
        const seen = await this.look(from, to, door);
        return seen === wanted ? [] : [`${from} to ${to} ${door.name}: ${seen}; should be ${wanted}`];
      }),
    );
    return found.flat();
  }
}

const askerScript = `
const agent = new (require('http').Agent)({ keepAlive: true });
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, url } = JSON.parse(line);
  const say = (text) => console.log(JSON.stringify({ id, text }));
  const asked = require('http').get(url, { agent, timeout: 3000 }, (response) => {
    let text = '';
    response.on('data', (bytes) => (text += bytes)).on('end', () => say(text));
  });
  asked.on('timeout', () => asked.destroy(new Error('UNREACHABLE'))).on('error', (error) => say(error.message));
});`;

/** Asks pages from a node's own network. */
class Asker {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (text: string) => void>();
  #asked = 0;

  constructor(netns: string) {
    this.#child = spawn('nsenter', [`--net=/run/netns/${netns}`, process.execPath, '-e', askerScript], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    // Who still asks when it is closed gets no answer.
    this.#child.stdin!.on('error', () => {});
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      const { id, text } = JSON.parse(line) as { id: number; text: string };
      this.#waiting.get(id)?.(text);
      this.#waiting.delete(id);
    });
  }

  get(url: string): Promise<string> {
    const id = ++this.#asked;
    const answer = new Promise<string>((resolve) => this.#waiting.set(id, resolve));
    this.#child.stdin!.write(`${JSON.stringify({ id, url })}\n`);
    return answer;
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}
