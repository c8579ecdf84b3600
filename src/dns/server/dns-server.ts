/**
 * The DNS server of a node: a Corefile, what is known of the cluster, and the sockets. A new Corefile takes over between two questions; one
 * that cannot be used leaves the old one at work.
 */
import { createServer, type Server } from 'node:http';
import { type Clock, type Ctx, type Logger, type Random, TaskGroup } from '../../base/index.ts';
import { Catalog } from '../catalog/catalog.ts';
import type { CatalogDelta } from '../catalog/entries.ts';
import { type CorefileConfig, readCorefile } from '../corefile/config.ts';
import type { ServerAddress } from '../corefile/forward-config.ts';
import { Engine } from './engine.ts';
import { type Listener, listen } from './listeners.ts';
import { DnsMetrics } from './metrics.ts';

export interface DnsServerOptions {
  readonly addresses: readonly string[];
  /** Where port 53 of the Corefile is: other ports of it lie as far from it. 0: any free port, and nothing but DNS. */
  readonly port: number;
  readonly corefile: string;
  /** What `/etc/resolv.conf` stands for. */
  readonly nodeResolvers: readonly ServerAddress[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface DnsServer {
  /** Where port 53 of the Corefile is. */
  readonly port: number;
  readonly metrics: DnsMetrics;
  apply(delta: CatalogDelta): void;
  /** @throws CorefileFault and goes on with the old one */
  configure(corefile: string): Promise<void>;
  close(): Promise<void>;
}

const dnsPort = 53;
/** Pause between two tries to have a port that was taken. */
const listenAgainMs = 2000;

/** @throws CorefileFault, or the system's error when the address is taken */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const server = new NodeServer(options);
  await server.configure(options.corefile);
  return server;
}

class NodeServer implements DnsServer {
  readonly metrics = new DnsMetrics();
  readonly #options: DnsServerOptions;
  readonly #catalog: Catalog;
  readonly #listeners = new Map<string, Listener>();
  readonly #http = new Map<number, { readonly server: Server; readonly paths: Map<string, () => Promise<string | undefined>> }[]>();
  #engine: Engine | undefined;
  #group: TaskGroup | undefined;
  port = 0;

  constructor(options: DnsServerOptions) {
    this.#options = options;
    const { clock } = options;
    this.#catalog = new Catalog({
      onSlice: ({ triggeredMs }, service) => {
        if (triggeredMs !== undefined && service?.kind === 'headless')
          this.metrics.programmed(Math.max(0, clock.now() - triggeredMs) / 1000);
      },
    });
  }

  apply(delta: CatalogDelta): void {
    this.#catalog.apply(delta);
  }

  async configure(corefile: string): Promise<void> {
    const { clock, random, log, nodeResolvers } = this.#options;
    const config = readCorefile(corefile);
    const group = new TaskGroup({ log });
    const engine = new Engine({ config, catalog: this.#catalog, nodeResolvers, metrics: this.metrics, clock, random, log, group });
    const before = this.#group;
    // Questions that wait are answered by whom they were asked.
    this.#engine = engine;
    this.#group = group;
    const missing = await this.#listen(engine.ports);
    if (missing && this.#listeners.size === 0) throw missing;
    if (missing) group.spawn('ports that are taken', (ctx) => this.#listenOn(engine.ports, ctx));
    await this.#serveHttp(config);
    await before?.close();
  }

  async close(): Promise<void> {
    await this.#group?.close();
    await Promise.all([...this.#listeners.values()].map((listener) => listener.close()));
    for (const entries of this.#http.values()) for (const { server } of entries) await closeHttp(server);
  }

  #portOf(written: number): number {
    return this.#options.port === 0 ? 0 : written + this.#options.port - dnsPort;
  }

  async #listenOn(ports: readonly number[], { signal }: Ctx): Promise<void> {
    do await this.#options.clock.sleep(listenAgainMs, signal);
    while (await this.#listen(ports));
  }

  /** Opens what is not open, and closes what is not wanted. @returns why something could not be opened */
  async #listen(ports: readonly number[]): Promise<unknown> {
    let missing: unknown;
    const wanted = new Set<string>();
    for (const written of ports) {
      for (const address of this.#options.addresses) {
        const key = `${address} ${written}`;
        wanted.add(key);
        if (this.#listeners.has(key)) continue;
        try {
          const listener = await listen({ address, port: this.#portOf(written) }, (bytes, client) =>
            this.#engine?.respond(bytes, client, written),
          );
          this.#listeners.set(key, listener);
          if (written === dnsPort) this.port = listener.port;
        } catch (err) {
          // What is open goes on: one port, or one of the node's addresses, is not the others' business.
          missing = err;
          this.#options.log.error('cannot listen for questions', { address, port: this.#portOf(written), err });
        }
      }
    }
    for (const [key, listener] of this.#listeners) {
      if (wanted.has(key)) continue;
      this.#listeners.delete(key);
      await listener.close();
    }
    return missing;
  }

  async #serveHttp({ health, ready, prometheus }: CorefileConfig): Promise<void> {
    if (this.#options.port === 0) return;
    const wanted = new Map<number, Map<string, () => Promise<string | undefined>>>();
    const serve = (port: number, path: string, answer: () => Promise<string | undefined>): void => {
      wanted.set(port, (wanted.get(port) ?? new Map<string, () => Promise<string | undefined>>()).set(path, answer));
    };
    if (health) serve(health.port, '/health', () => Promise.resolve('OK'));
    if (ready) serve(ready.port, '/ready', () => Promise.resolve(this.#catalog.filled ? 'OK' : undefined));
    if (prometheus) {
      serve(prometheus.port, '/metrics', () => {
        this.#engine?.collect();
        return this.metrics.text();
      });
    }
    for (const [port, entries] of this.#http) {
      if (wanted.has(port)) continue;
      this.#http.delete(port);
      for (const { server } of entries) await closeHttp(server);
    }
    for (const [port, paths] of wanted) {
      const known = this.#http.get(port);
      if (known) {
        for (const each of known) {
          each.paths.clear();
          for (const [path, answer] of paths) each.paths.set(path, answer);
        }
        continue;
      }
      const entries: { server: Server; paths: Map<string, () => Promise<string | undefined>> }[] = [];
      this.#http.set(port, entries);
      for (const host of this.#options.addresses) {
        const own = new Map(paths);
        const server = await openHttp({ host, port: this.#portOf(port) }, own).catch((err: unknown) => {
          this.#options.log.error('cannot serve health or metrics of DNS', { host, port: this.#portOf(port), err });
        });
        if (server) entries.push({ server, paths: own });
      }
    }
  }
}

function openHttp(
  at: { readonly host: string; readonly port: number },
  paths: ReadonlyMap<string, () => Promise<string | undefined>>,
): Promise<Server> {
  const server = createServer((request, response) => {
    const answer = paths.get(request.url?.split('?')[0] ?? '');
    if (!answer) {
      response.writeHead(404).end();
      return;
    }
    void answer().then((text) =>
      response.writeHead(text === undefined ? 503 : 200, { 'content-type': 'text/plain; version=0.0.4' }).end(text ?? 'not ready'),
    );
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: at.host, port: at.port }, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}

function closeHttp(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
