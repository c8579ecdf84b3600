/**
 * The kubelet's HTTPS port: logs, exec, attach and port-forward of this node's containers, its pods, figures and health. Everyone is
 * asked who they are; there is no port without.
 * Invariants: nothing is served before access was checked; a connection that left HTTP is closed with the server; what a handler
 * throws becomes one answer and never ends the process.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { uptime } from 'node:os';
import type { Duplex } from 'node:stream';
import { isApiError } from '../../api/index.ts';
import { type Ctx, isAbort, Registry } from '../../base/index.ts';
import { isRuntimeError } from '../runtime/runtime.ts';
import type { KubeletDeps, KubeletServer, KubeletServerOptions } from '../seams.ts';
import { Access } from './access.ts';
import { filesystemUse, readNodeFigures } from './figures/node-figures.ts';
import { PodFiguresReader } from './figures/pod-figures.ts';
import { resourceMetrics } from './figures/resource-metrics.ts';
import { summary } from './figures/summary.ts';
import { HttpFailure } from './http-failure.ts';
import { serveContainerLogs } from './log-handler.ts';
import type { UpgradeRequest } from './streaming/upgrade.ts';

export type KubeletServerDeps = Pick<KubeletDeps, 'client' | 'clock' | 'log' | 'runtime' | 'nodeName' | 'rootDir'>;

/** @throws the system's error when the address cannot be listened on */
export async function startKubeletServer(deps: KubeletServerDeps, options: KubeletServerOptions, ctx: Ctx): Promise<KubeletServer> {
  const server = new Server(deps, options, ctx);
  await server.listen();
  return server;
}

/** A request of any kind, its path split and decoded. */
interface Call {
  readonly request: IncomingMessage;
  readonly path: string;
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  /** Ends when the client or the server goes. */
  readonly signal: AbortSignal;
}

class Server implements KubeletServer {
  readonly #deps: KubeletServerDeps;
  readonly #options: KubeletServerOptions;
  readonly #ctx: Ctx;
  readonly #access: Access;
  readonly #figures: PodFiguresReader;
  readonly #stop = new AbortController();
  readonly #https: ReturnType<typeof createServer>;
  readonly #upgraded = new Set<Duplex>();

  constructor(deps: KubeletServerDeps, options: KubeletServerOptions, ctx: Ctx) {
    this.#deps = deps;
    this.#options = options;
    this.#ctx = ctx;
    const { auth } = options;
    this.#access = new Access({ auth, client: deps.client, clock: deps.clock, nodeName: deps.nodeName });
    this.#figures = new PodFiguresReader({ runtime: deps.runtime, pods: options.pods, clock: deps.clock });
    this.#https = createServer({
      cert: options.tlsCert,
      key: options.tlsKey,
      minVersion: 'TLSv1.2',
      // Without an authority of ours Node would believe every public one.
      ...(auth.clientCa !== '' && { requestCert: true, rejectUnauthorized: false, ca: auth.clientCa }),
    });
    this.#https.on('request', (request, response) => void this.#answer(request, response));
    this.#https.on('upgrade', (request, socket, head) => void this.#switch({ request, socket, head }));
    // Handshakes that fail are the client's affair.
    this.#https.on('tlsClientError', (err) => ctx.log.debug('TLS handshake failed', { err }));
    ctx.signal.addEventListener('abort', () => void this.close(), { once: true });
  }

  get port(): number {
    return (this.#https.address() as AddressInfo).port;
  }

  async listen(): Promise<void> {
    const { address, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#https.once('error', reject);
      this.#https.listen({ host: address, port }, resolve);
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    const closed = new Promise<void>((resolve) => this.#https.close(() => resolve()));
    for (const socket of this.#upgraded) socket.destroy();
    this.#https.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort(new Error('the client closed the connection')));
    // A broken connection shows in its close.
    response.on('error', () => {});
    try {
      const call = this.#call(request, gone.signal);
      await this.#access.check(request, call.path, call.signal);
      await this.#serve(call, response);
    } catch (error) {
      this.#refuse(error, response, gone.signal);
    }
  }

  #refuse(error: unknown, response: ServerResponse, gone: AbortSignal): void {
    if (gone.aborted || isAbort(error, this.#stop.signal)) {
      response.destroy();
      return;
    }
    const failure = asFailure(error);
    if (failure.status >= 500) this.#ctx.log.warn('request failed', { err: error });
    if (response.headersSent) response.destroy();
    else send(response, failure.status, 'text/plain; charset=utf-8', failure.message);
  }

  /** @throws HttpFailure for what is no path or query */
  #call(request: IncomingMessage, gone: AbortSignal): Call {
    const [path = '/', ...rest] = (request.url ?? '/').split('?');
    let parts: string[];
    try {
      parts = path
        .split('/')
        .filter((part) => part !== '')
        .map(decodeURIComponent);
    } catch (cause) {
      throw new HttpFailure(400, 'the path is not valid', { cause });
    }
    return { request, path, parts, query: new URLSearchParams(rest.join('?')), signal: AbortSignal.any([gone, this.#stop.signal]) };
  }

  async #serve(call: Call, response: ServerResponse): Promise<void> {
    const { parts, query, signal, request } = call;
    const [first, ...rest] = parts;
    const { pods, node, healthy } = this.#options;
    const { clock } = this.#deps;
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    switch (first) {
      case 'exec':
      case 'attach':
      case 'portForward':
        throw new HttpFailure(400, 'Upgrade request required');
      case 'run':
        if (request.method !== 'POST') throw new HttpFailure(405, 'Method Not Allowed');
        return send(response, 200, 'text/plain', await this.#run(call));
      default:
        if (!isRead) throw new HttpFailure(405, 'Method Not Allowed');
    }
    const where = rest.join('/');
    switch (first) {
      case 'containerLogs': {
        const [namespace, pod, container] = rest;
        if (rest.length !== 3) throw notFound();
        return serveContainerLogs({ namespace: namespace!, pod: pod!, container: container! }, query, response, { clock, pods, signal });
      }
      case 'healthz': {
        const { ok, message } = healthy();
        return where === 'ping' || ok
          ? send(response, 200, 'text/plain; charset=utf-8', 'ok')
          : send(response, 500, 'text/plain; charset=utf-8', message);
      }
      case 'pods':
      case 'runningpods':
        if (where !== '') throw notFound();
        return sendJson(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: pods.list() });
      case 'stats':
        if (where !== 'summary' && where !== '') throw notFound();
        return sendJson(response, await this.#summary(query.get('only_cpu_and_memory') === 'true', signal));
      case 'metrics':
        return this.#metrics(where, response, signal);
      case 'configz':
        return sendJson(response, {
          kubeletconfig: { nodeName: node()?.metadata.name ?? this.#deps.nodeName, ...this.#options.configuration },
        });
      default:
        throw notFound();
    }
  }

  async #metrics(where: string, response: ServerResponse, signal: AbortSignal): Promise<void> {
    if (where === '') {
      const registry = this.#options.registry ?? new Registry();
      return send(response, 200, registry.contentType, await registry.metrics());
    }
    if (where !== 'resource') throw notFound();
    const pods = await this.#figures.read(signal).catch((error: unknown) => {
      if (!isRuntimeError(error)) throw error;
      return undefined;
    });
    const text = resourceMetrics({ node: readNodeFigures(), pods, nowMs: this.#deps.clock.now() });
    return send(response, 200, 'text/plain; version=0.0.4; charset=utf-8', text);
  }

  async #summary(onlyCpuAndMemory: boolean, signal: AbortSignal): Promise<unknown> {
    const { clock, nodeName, rootDir } = this.#deps;
    const nowMs = clock.now();
    const pods = await this.#figures.read(signal);
    const filesystem = filesystemUse(rootDir);
    return summary({ nodeName, bootMs: nowMs - uptime() * 1000, nowMs, node: readNodeFigures(), filesystem, pods, onlyCpuAndMemory });
  }

  async #run({ parts, query, signal }: Call): Promise<Buffer> {
    const target = containerTarget(parts.slice(1));
    const { findContainerId } = await streaming();
    const containerId = findContainerId(target, this.#options.pods);
    const command = (query.get('cmd') ?? '').split(' ').filter((word) => word !== '');
    const { stdout, stderr, exitCode } = await this.#deps.runtime.execSync({ containerId, command, timeoutMs: 0 }, { signal });
    const output = Buffer.concat([stdout, stderr]);
    if (exitCode !== 0) throw new HttpFailure(500, `command '${command.join(' ')}' exited with ${exitCode}: ${output.toString('utf8')}`);
    return output;
  }

  async #switch(upgrade: UpgradeRequest): Promise<void> {
    const { request, socket } = upgrade;
    const gone = new AbortController();
    this.#upgraded.add(socket);
    // Whoever uses the connection hears of its close.
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.#upgraded.delete(socket);
      gone.abort(new Error('the client closed the connection'));
    });
    try {
      const call = this.#call(request, gone.signal);
      await this.#access.check(request, call.path, call.signal);
      (socket as Duplex & { setNoDelay?: (on: boolean) => void }).setNoDelay?.(true);
      await this.#serveUpgrade(call, upgrade);
    } catch (error) {
      if (gone.signal.aborted || isAbort(error, this.#stop.signal)) socket.destroy();
      else refuseUpgrade(socket, asFailure(error));
    }
  }

  async #serveUpgrade({ parts, query, signal, request }: Call, upgrade: UpgradeRequest): Promise<void> {
    const [first, ...rest] = parts;
    if (request.method !== 'GET' && request.method !== 'POST') throw new HttpFailure(405, 'Method Not Allowed');
    const ctx = { clock: this.#deps.clock, pods: this.#options.pods, runtime: this.#deps.runtime, signal };
    switch (first) {
      case 'exec':
      case 'attach':
        return (await streaming()).serveCommand(first, containerTarget(rest), query, upgrade, ctx);
      case 'portForward': {
        const [namespace, pod, uid] = rest;
        if (rest.length < 2 || rest.length > 3) throw notFound();
        return (await streaming()).servePortForward(
          { namespace: namespace!, pod: pod!, ...(uid !== undefined && { uid }) },
          query,
          upgrade,
          ctx,
        );
      }
      default:
        throw notFound();
    }
  }
}

/** Loaded when somebody first looks into a container: a node that is left alone does without. */
const streaming = () => import('./streaming/handlers.ts');

/** `NAMESPACE/POD/CONTAINER` or `NAMESPACE/POD/UID/CONTAINER`. @throws HttpFailure */
function containerTarget(parts: readonly string[]): { namespace: string; pod: string; uid?: string; container: string } {
  const [namespace, pod, third, fourth] = parts;
  if (namespace === undefined || pod === undefined || third === undefined || parts.length > 4) throw notFound();
  return fourth === undefined ? { namespace, pod, container: third } : { namespace, pod, uid: third, container: fourth };
}

function notFound(): HttpFailure {
  return new HttpFailure(404, '404 page not found\n');
}

function asFailure(error: unknown): HttpFailure {
  if (error instanceof HttpFailure) return error;
  if (isApiError(error)) return new HttpFailure(error.code, error.message, { cause: error });
  return new HttpFailure(500, error instanceof Error ? error.message : String(error), { cause: error });
}

function send(response: ServerResponse, status: number, contentType: string, body: string | Buffer): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }).end(body);
}

function sendJson(response: ServerResponse, value: unknown): void {
  send(response, 200, 'application/json', JSON.stringify(value));
}

function refuseUpgrade(socket: Duplex, { status, message }: HttpFailure): void {
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(message)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${message}`);
}
