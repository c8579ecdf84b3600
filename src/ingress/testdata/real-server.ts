/**
 * For tests: the real HAProxy on loopback, configured as a node's is, before Services `web0`, `web1`… whose endpoints are servers of this
 * process that answer with the Service's name.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { type Agent, createServer, type IncomingHttpHeaders, type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { corev1, networkingv1 } from '../../api/index.ts';
import { type Ctx, silentLogger, systemClock } from '../../base/index.ts';
import { ensureDefaultCertificate } from '../default-certificate.ts';
import { renderFiles, type ServerSettings } from '../haproxy-config.ts';
import { HaproxyProcess } from '../haproxy-process.ts';
import { HaproxySocket } from '../haproxy-socket.ts';
import { type IngressPlan, planIngresses } from '../plan.ts';
import { type Applied, changedMaps } from '../runtime-changes.ts';
import type { Slots } from '../server-slots.ts';

const program = '/usr/sbin/haproxy';
/** Why the real server cannot be tested here; undefined when it can. */
export const noHaproxy: string | undefined = process.getuid?.() === 0 && existsSync(program) ? undefined : 'HAProxy and root are needed';

export interface Seen {
  readonly service: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

export class RealServer {
  readonly ctx: Ctx = { signal: new AbortController().signal, log: silentLogger };
  readonly settings: ServerSettings;
  readonly socket: HaproxySocket;
  readonly process: HaproxyProcess;
  readonly log: string;
  /** Every request that reached a Service. */
  readonly seen: Seen[] = [];
  readonly #directory: string;
  readonly #services: readonly Server[];
  #generation = 0;
  applied: Applied = { plan: planIngresses({ ingresses: [], serviceOf: () => undefined, secretOf: () => undefined }), slots: new Map() };

  private constructor(directory: string, ports: readonly [number, number, number], services: number) {
    this.#directory = directory;
    this.log = join(directory, 'server.log');
    this.settings = {
      addresses: ['127.0.0.1', '::1'],
      httpPort: ports[0],
      httpsPort: ports[1],
      metricsPort: ports[2],
      directory: join(directory, 'files'),
      socket: join(directory, 's.sock'),
      threads: 1,
      maxConnections: 1000,
    };
    this.socket = new HaproxySocket(this.settings.socket, systemClock);
    this.process = new HaproxyProcess({
      program,
      directory: this.settings.directory,
      record: join(directory, 'record.json'),
      log: this.log,
      socket: this.socket,
      clock: systemClock,
    });
    this.#services = Array.from({ length: services }, (_, i) => this.#serve(`web${i}`));
  }

  static async start(services: number): Promise<RealServer> {
    const directory = mkdtempSync(join(tmpdir(), 'kn-ing-'));
    const server = new RealServer(directory, [await freePort(), await freePort(), await freePort()], services);
    for (const each of server.#services) await new Promise<void>((listening) => each.listen(0, '127.0.0.1', listening));
    const rules = server.#services.map((_, i) => ({ host: 'all', http: { paths: [pathTo(`/${i}`, 'Prefix', `web${i}`)] } }));

    mkdirSync(server.settings.directory, { recursive: true });
    await ensureDefaultCertificate(server.settings.directory, systemClock);
    await server.load(planOf([ingress('all', { rules })]));
    return server;
  }

  /** `address port` of a Service's one endpoint. */
  endpoint(index: number): string {
    return `127.0.0.1 ${(this.#services[index]!.address() as AddressInfo).port}`;
  }

  /** A new configuration. @param adjust what a test cannot wait for */
  async load(plan: IngressPlan, adjust: (config: string) => string = (config) => config): Promise<void> {
    const free = undefined;
    const slots = new Map<string, Slots>(
      [...plan.backends.values()].map(({ id, service }) => [id, [this.endpoint(Number(service.slice(3))), free, free, free]]),
    );
    const generation = `test-${this.#generation++}`;
    const files = renderFiles(this.settings, { plan, slotsOf: (id) => slots.get(id)!, generation });
    files.set('haproxy.cfg', adjust(files.get('haproxy.cfg')!));
    const complaint = await this.process.check(files, this.ctx);
    if (complaint !== undefined) throw new Error(complaint);
    await this.process.load(files, generation, this.ctx);
    this.applied = { plan, slots };
  }

  /** Tells the running server other routes. */
  async tell(plan: IngressPlan): Promise<void> {
    for (const map of changedMaps(this.settings, this.applied.plan.maps, plan.maps)) await this.socket.replaceMap(map);
    this.applied = { ...this.applied, plan };
  }

  /** @param options.address default: IPv4's */
  ask(
    host: string,
    path: string,
    options: { readonly agent?: Agent; readonly address?: string; readonly method?: string } = {},
  ): Promise<Answer> {
    const { agent, address = '127.0.0.1', method = 'GET' } = options;
    return new Promise((answered, failed) => {
      const asked = request(
        { host: address, port: this.settings.httpPort, path, method, headers: { host }, agent: agent ?? false },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', failed);
          response.on('end', () =>
            answered({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString(), headers: response.headers }),
          );
        },
      );
      asked.on('error', failed);
      asked.end();
    });
  }

  /** An open connection to the server. */
  connect(): Socket {
    return connect(this.settings.httpPort, '127.0.0.1');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.stop();
    for (const service of this.#services) {
      service.closeAllConnections();
      service.close();
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #serve(service: string): Server {
    const see = ({ url = '', headers }: IncomingMessage): number => this.seen.push({ service, url, headers });
    return createServer((message, response) => {
      see(message);
      message.resume();
      message.on('end', () => response.end(service));
    }).on('upgrade', (message: IncomingMessage, socket: Socket) => {
      see(message);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
      socket.pipe(socket);
      socket.on('error', () => {});
    });
  }
}

export function ingress(name: string, spec: networkingv1.IngressSpec): networkingv1.Ingress {
  const metadata = { name, namespace: 'default', uid: name } as unknown as networkingv1.Ingress['metadata'];
  return { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata, spec, status: {} };
}

export function pathTo(path: string, pathType: string, service: string): networkingv1.HTTPIngressPath {
  return { path, pathType, backend: backendOf(service) };
}

export function backendOf(name: string): networkingv1.IngressBackend {
  return { service: { name, port: { number: 80 } } };
}

/** Every Service exists. */
export function planOf(ingresses: readonly networkingv1.Ingress[]): IngressPlan {
  const service = { spec: { type: 'ClusterIP', ports: [{ port: 80 }] } } as unknown as corev1.Service;
  return planIngresses({ ingresses, serviceOf: () => service, secretOf: () => undefined });
}

/** Free in both families. */
function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const probe = createTcpServer().on('error', failed);
    probe.listen({ port: 0, host: '::' }, () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => found(port));
    });
  });
}
