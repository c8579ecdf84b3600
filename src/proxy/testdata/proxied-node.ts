/** A proxy on the node of the traffic tests, with Services that tests put there: what an API server would tell it, they tell. */
import { expect } from 'vitest';
import type { corev1, discoveryv1 } from '../../api/index.ts';
import { Registry, silentLogger, systemClock } from '../../base/index.ts';
import type { RecordedEvent } from '../../client/index.ts';
import { ProxySync, type ProxySyncOptions } from '../proxy-sync.ts';
import { addresses, type MachineName, type Question, type TestNode } from './test-node.ts';

export type PodName = 'pod1' | 'pod2' | 'far';

/** What a Service under test has beside its spec. */
interface Extra {
  readonly status?: corev1.ServiceStatus;
  /** The endpoints' port; 8080 answers once a connection, 8081 as often as asked. */
  readonly targetPort?: number;
}

export class ProxiedNode {
  readonly node: TestNode;
  readonly events: (RecordedEvent & { readonly of: string })[] = [];
  readonly #services = new Map<string, corev1.Service>();
  readonly #slices = new Map<string, discoveryv1.EndpointSlice[]>();
  #stop = new AbortController();
  #sync: ProxySync | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #markers = 0;
  readonly #table: string;

  constructor(node: TestNode, table = 'test-services') {
    this.node = node;
    this.#table = table;
  }

  startProxy(options: Partial<ProxySyncOptions> & { readonly serviceCidrs?: readonly string[] } = {}): void {
    this.#stop = new AbortController();
    this.#sync = new ProxySync(
      {
        service: ({ namespace, name }) => this.#services.get(`${namespace}/${name}`),
        services: () => [...this.#services.values()],
        slicesOf: (service) => this.#slices.get(service) ?? [],
        zone: () => undefined,
        serviceCidrs: () => options.serviceCidrs ?? ['10.96.0.0/16', 'fd00:96::/64'],
      },
      {
        name: this.#table,
        nodeName: 'here',
        nodeIps: addresses.node,
        podCidrs: { IPv4: '10.244.0.0/16', IPv6: 'fd00:244::/32' },
        families: ['IPv4', 'IPv6'],
        masqueradeMark: 0x4000,
        balance: 'random',
        clock: systemClock,
        registry: new Registry(),
        recorder: {
          event: (object, event) => this.events.push({ ...event, of: ('metadata' in object ? object.metadata.name : object.name) ?? '' }),
        },
        run: this.node.run,
        ...options,
      },
    );
    this.#running = this.#sync.run({ signal: this.#stop.signal, log: silentLogger }).catch(() => {});
  }

  async stopProxy(): Promise<void> {
    this.#stop.abort(new Error('stopped'));
    await this.#running;
  }

  /** Puts a Service with endpoints in place of the one before; the proxy hears of it. */
  tell(name: string, spec: Partial<corev1.ServiceSpec>, pods: readonly PodName[], { status = {}, targetPort = 8080 }: Extra = {}): void {
    const metadata = { name, namespace: 'test', uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
    const protocols = ['TCP', 'UDP'] as const;
    this.#services.set(`test/${name}`, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        ports: protocols.map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: 80 })),
        ...spec,
        clusterIP: spec.clusterIPs![0]!,
      },
      status,
    });
    this.#slices.set(
      `test/${name}`,
      (['IPv4', 'IPv6'] as const).map((addressType, at) => ({
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { ...metadata, name: `${name}-${at}` },
        addressType,
        ports: protocols.map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: targetPort })),
        endpoints: pods.map((pod) => ({
          addresses: [addresses[pod][at]!],
          nodeName: pod === 'far' ? 'there' : 'here',
          conditions: { ready: true },
        })),
      })),
    );
    this.#sync?.serviceChanged(`test/${name}`);
  }

  /** The same, and waits until the rules are there. */
  async serve(name: string, spec: Partial<corev1.ServiceSpec>, pods: readonly PodName[], extra?: Extra): Promise<void> {
    this.tell(name, spec, pods, extra);
    await this.settled();
  }

  /** Resolves when a marker Service, changed after everything else, is in the kernel. */
  async settled(): Promise<void> {
    const ip = `10.96.255.${(++this.#markers % 250) + 1}`;
    this.tell('marker', { clusterIPs: [ip], ports: [{ port: 1 }] }, []);
    await expect
      .poll(() => this.node.inNode(`nft list set ip ${this.#table} cluster-ips || true`), { timeout: 15_000, interval: 10 })
      .toContain(ip);
  }

  ask(machine: MachineName, host: string, port = 80, protocol: Question['protocol'] = 'TCP', from?: string): Promise<string> {
    return this.node.ask(machine, { protocol, host, port, ...(from !== undefined && { from }) });
  }

  /** Names of those who answer many connections at once. */
  async askMany(machine: MachineName, host: string, times = 12): Promise<Set<string>> {
    const answers = await Promise.all(Array.from({ length: times }, () => this.ask(machine, host)));
    return new Set(answers.map((answer) => answer.split(' ')[0]!));
  }
}

/** Cluster IPs of both families. */
export function dual(low: number): Partial<corev1.ServiceSpec> {
  return { clusterIPs: [`10.96.0.${low}`, `fd00:96::${low}`] };
}
