/**
 * Clients that never stop asking, for tests that break something under them: processes in the networks of pods, so that no API server
 * stands between a question and its answer. With them the pods that they ask, one a node.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { run, silentLogger, systemClock, systemRandom } from '../../src/base/index.ts';
import { createHttpsTransport, type HttpsTransport } from '../../src/client/index.ts';
import { parseKubeconfig, resolveContext } from '../../src/pki/kubeconfig/index.ts';
import { netexec, netexecProgram } from './images.ts';
import type { OwnCluster } from './own-cluster.ts';

const program = fileURLToPath(new URL('./programs/steady-client.ts', import.meta.url));
const { signal } = new AbortController();

/** One question: who answered, or what went wrong. */
export interface Answer {
  readonly target: string;
  readonly atMs: number;
  readonly tookMs: number;
  readonly answer?: string;
  readonly error?: string;
}

export class SteadyClients implements Disposable {
  readonly #child: ChildProcess;
  readonly answers: Answer[] = [];

  private constructor(child: ChildProcess) {
    this.#child = child;
    createInterface({ input: child.stdout! }).on('line', (line) => this.answers.push(JSON.parse(line) as Answer));
  }

  /** @param targets name → `host:port` */
  static start(pod: ServerPod, targets: Readonly<Record<string, string>>, clients: number): SteadyClients {
    const job = { targets, clients, pauseMs: 20, timeoutMs: 2_000 };
    const enter = ['-t', String(pod.pid), '--net'];
    return new SteadyClients(
      spawn('nsenter', [...enter, process.execPath, program, JSON.stringify(job)], { stdio: ['ignore', 'pipe', 'inherit'] }),
    );
  }

  /** Questions about this target that were asked at or after this time and went wrong. */
  failures(target: string, sinceMs = 0): Answer[] {
    return this.#of(target, sinceMs).filter(({ error }) => error !== undefined);
  }

  /** Names of who answered. */
  answered(target: string, sinceMs = 0): string[] {
    return [...new Set(this.#of(target, sinceMs).flatMap(({ answer }) => answer ?? []))].toSorted();
  }

  /** One line for people: how many were asked, how many failed, the slowest. */
  summary(target: string): string {
    const all = this.#of(target, 0);
    const failed = this.failures(target);
    const slowest = Math.max(0, ...all.map(({ tookMs }) => tookMs));
    return `${target}: ${all.length} asked, ${failed.length} failed, slowest ${Math.round(slowest)} ms`;
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }

  #of(target: string, sinceMs: number): Answer[] {
    return this.answers.filter((each) => each.target === target && each.atMs >= sinceMs);
  }
}

export interface ServerPod {
  readonly name: string;
  readonly ip: string;
  /** Of its program; what `nsenter` needs. */
  readonly pid: number;
}

/** The administrator by bare requests, many a second. */
export class Administrator implements AsyncDisposable {
  readonly #transport: HttpsTransport;

  constructor({ directory }: OwnCluster) {
    const file = `${directory}/admin.kubeconfig`;
    const found = resolveContext(parseKubeconfig(readFileSync(file, 'utf8')), { directory });
    const { server, certificateAuthority: ca, clientCertificate } = found;
    this.#transport = createHttpsTransport({
      server,
      ...(ca !== undefined && { ca }),
      ...(clientCertificate && { cert: clientCertificate.certificate, key: clientCertificate.key }),
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
    });
  }

  /** @throws when the answer is an error */
  async send<T>(method: string, path: string, body?: object): Promise<T> {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const headers = body === undefined ? {} : { 'content-type': type };
    const { status, body: stream } = await this.#transport.raw({
      method,
      path,
      headers,
      ...(body && { body: JSON.stringify(body) }),
      signal,
    });
    let text = '';
    for await (const bytes of stream) text += String(bytes);
    if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${text}`);
    return JSON.parse(text) as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport.close();
  }
}

/** Starts `pod-1`, `pod-2` … on the nodes of these numbers, with the label `app: server`; resolves when all are Ready. */
export async function startServers(cluster: OwnCluster, nodes: readonly number[]): Promise<ServerPod[]> {
  const items = nodes.map((index) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `pod-${index}`, labels: { app: 'server', node: String(index) } },
    spec: {
      nodeName: `${cluster.name}-${index}`,
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'main',
          image: netexec,
          args: [netexecProgram],
          ports: [{ containerPort: 8080 }],
          readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1, timeoutSeconds: 10 },
        },
      ],
    },
  }));
  await cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await cluster.kubectl(['wait', 'pod', '-l', 'app=server', '--for=condition=Ready', '--timeout=120s']);
  return Promise.all(nodes.map((index) => serverPod(cluster, index)));
}

async function serverPod(cluster: OwnCluster, index: number): Promise<ServerPod> {
  const name = `pod-${index}`;
  const fields = 'jsonpath={.status.podIP} {.status.containerStatuses[0].containerID}';
  const [ip = '', container = ''] = (await cluster.kubectl(['get', 'pod', name, '-o', fields])).split(' ');
  const { stdout } = await run(['ctr', '-a', `${cluster.directory}/nodes/${index}/cri.sock`, '-n', 'k8s.io', 'tasks', 'ls']);
  const pid = new RegExp(`^${container.replace('containerd://', '')}\\s+(\\d+)`, 'm').exec(stdout)?.[1];
  if (pid === undefined) throw new Error(`${name} has no process`);
  return { name, ip, pid: Number(pid) };
}

/** A Service over the pods that `selector` selects, on port 80. @returns `address:port` */
export async function serve(admin: Administrator, name: string, selector?: Readonly<Record<string, string>>): Promise<string> {
  const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports, ...(selector && { selector }) } };
  const { spec } = await admin.send<{ spec: { clusterIP: string } }>('POST', '/api/v1/namespaces/default/services', service);
  return `${spec.clusterIP}:80`;
}

/** Runs a command in the network of a node. */
export async function onNode(cluster: OwnCluster, index: number, ...command: string[]): Promise<string> {
  return (await run(['nsenter', `--net=/run/netns/knarr-${cluster.name}-${index}`, ...command])).stdout;
}
