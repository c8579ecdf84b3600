/**
 * What the tests of Services stand on: pods that tell who they are and ask others when they are told to. Questions to a pod go through the
 * API server's proxy, so what a test sees is what the pod sees.
 */
import { expect } from 'vitest';
import { netexec, netexecProgram } from '../../e2e/images.ts';
import { type ConformanceCluster, eventually, type Json } from '../support/cluster.ts';

/** Ports of a server pod. */
export const httpPort = 8080;
export const udpPort = 8081;

export interface ServerPod {
  readonly labels?: Json;
  /** Flags of the program. */
  readonly args?: readonly string[];
  readonly containerPorts?: Json;
  readonly spec?: Json;
}

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly protocol?: 'http' | 'udp';
}

export class NetworkScene {
  readonly #cluster: ConformanceCluster;

  constructor(cluster: ConformanceCluster) {
    this.#cluster = cluster;
  }

  /** Starts a server pod; resolves with it when it is Ready. */
  async pod(name: string, options: ServerPod = {}): Promise<Json> {
    const { labels = {}, args = [], containerPorts = [{ containerPort: httpPort }], spec = {} } = options;
    await this.#cluster.api('POST', this.#cluster.path('v1', 'pods'), {
      metadata: { name, labels },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: 'main',
            image: netexec,
            args: [netexecProgram, ...args],
            ports: containerPorts,
            readinessProbe: { httpGet: { path: '/healthz', port: httpPortOf(args) }, periodSeconds: 1 },
          },
        ],
        ...spec,
      },
    });
    return this.ready(name);
  }

  ready(name: string): Promise<Json> {
    return eventually(async () => {
      const pod = await this.#cluster.api('GET', this.#cluster.path('v1', `pods/${name}`));
      expect(pod.status.conditions?.find(({ type }: Json) => type === 'Ready')?.status).toBe('True');
      return pod;
    });
  }

  createService(name: string, spec: Json, metadata: Json = {}): Promise<Json> {
    return this.#cluster.api('POST', this.#cluster.path('v1', 'services'), { metadata: { name, ...metadata }, spec });
  }

  async removePod(name: string): Promise<void> {
    await this.#cluster.api('DELETE', this.#cluster.path('v1', `pods/${name}`));
  }

  /** One page of a pod's server, by its own address. */
  async page(pod: string, path: string, port = httpPort): Promise<string> {
    const answer = await this.#cluster.request('GET', this.#cluster.path('v1', `pods/${pod}:${port}/proxy/${path}`));
    if (answer.status !== 200) throw new Error(`pod ${pod} answered ${answer.status} to ${path}: ${answer.text}`);
    return answer.text;
  }

  /** What comes back when a pod asks `target` who it is, several times, each over a connection of its own. */
  async answers(from: string, target: Target, tries = 1, request = 'hostname'): Promise<readonly string[]> {
    const query = new URLSearchParams({
      host: target.host,
      port: String(target.port),
      protocol: target.protocol ?? 'http',
      request,
      tries: String(tries),
    });
    const { responses, errors } = JSON.parse(await this.page(from, `dial?${query.toString()}`)) as {
      responses: string[];
      errors?: string[];
    };
    if (errors) throw new Error(`${from} asked ${target.host}:${target.port}: ${errors.join('; ')}`);
    return responses;
  }

  /** Until a pod that asks `target` again and again has heard every one of `expected`, and nobody else. */
  async reaches(from: string, target: Target, expected: readonly string[]): Promise<void> {
    const seen = new Set<string>();
    await eventually(async () => {
      for (const name of await this.answers(from, target, 5)) seen.add(name);
      expect([...seen].sort()).toEqual([...expected].sort());
    });
  }

  /** Until a pod cannot connect to `target` any more. */
  async cannotReach(from: string, target: Target): Promise<void> {
    const { host, port } = target;
    await eventually(async () => expect(await this.page(from, `connect?host=${host}&port=${port}`)).not.toBe('open'));
  }

  /** The addresses of all nodes. */
  async nodeAddresses(): Promise<string[]> {
    const { items } = await this.#cluster.api('GET', '/api/v1/nodes');
    return items.flatMap(({ status }: Json) =>
      status.addresses.filter(({ type }: Json) => type === 'InternalIP').map(({ address }: Json) => address),
    );
  }
}

function httpPortOf(args: readonly string[]): number {
  const given = args.find((arg) => arg.startsWith('--http-port='));
  return given ? Number(given.split('=')[1]) : httpPort;
}
