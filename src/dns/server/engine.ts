/**
 * A Corefile at work: which server block a question belongs to, and the chain of plugins that answers it. Knows no socket. A question that
 * makes a plugin fail is answered SERVFAIL, and the next one is none the worse for it.
 */
import { randomBytes } from 'node:crypto';
import type { Clock, Logger, Random, TaskGroup } from '../../base/index.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { BlockConfig, CorefileConfig } from '../corefile/config.ts';
import type { ServerAddress } from '../corefile/forward-config.ts';
import { aclPlugin } from '../plugins/acl.ts';
import { cachePlugin, type CachePlugin } from '../plugins/cache.ts';
import { exchange } from '../plugins/exchange.ts';
import { forwardPlugin } from '../plugins/forward.ts';
import { hostsPlugin } from '../plugins/hosts.ts';
import { kubernetesPlugin } from '../plugins/kubernetes.ts';
import type { Answered, Client, Handler, Plugin } from '../plugins/plugin.ts';
import { rewritePlugin } from '../plugins/rewrite.ts';
import { templatePlugin } from '../plugins/template.ts';
import { classes, rcodeName, rcodes, typeName, typeNumbers } from '../wire/codes.ts';
import { datagramLimit, encodeResponse, Outcome, refused, servfail } from '../wire/message.ts';
import { isWithin } from '../wire/names.ts';
import { parseQuery, type Query } from '../wire/query.ts';
import type { DnsMetrics } from './metrics.ts';

export interface EngineOptions {
  readonly config: CorefileConfig;
  readonly catalog: Catalog;
  readonly nodeResolvers: readonly ServerAddress[];
  readonly metrics: DnsMetrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Owns what this Corefile does in the background. */
  readonly group: TaskGroup;
}

interface Zone {
  readonly zone: string;
  readonly port: number;
  readonly block: BlockConfig;
  readonly handler: Handler;
  readonly server: string;
  readonly shown: string;
}

const maxTcpMessage = 65_535;
const quietMs = 5000;

export class Engine {
  readonly #options: EngineOptions;
  /** Longest zone first. */
  readonly #zones: readonly Zone[];
  readonly #caches: CachePlugin[] = [];
  #turn = 0;
  #serial: number;
  #serialOf = -1;
  #quietUntilMs = -Infinity;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#serial = Math.floor(options.clock.now() / 1000);
    this.#zones = options.config.blocks
      .flatMap((block, index) => {
        const handler = this.#chain(block, index);
        return block.zones.map((zone): Zone => {
          const shown = zone === '' ? '.' : `${zone}.`;
          return { zone, port: block.port, block, handler, server: `dns://:${block.port}`, shown };
        });
      })
      .toSorted((a, b) => b.zone.length - a.zone.length);
  }

  /** The ports of this Corefile's server blocks, as written. */
  get ports(): readonly number[] {
    return [...new Set(this.#zones.map(({ port }) => port))];
  }

  /** The answer to a message; undefined: nobody is owed one. */
  respond(bytes: Buffer, client: Client, port: number): Buffer | undefined | Promise<Buffer | undefined> {
    const query = parseQuery(bytes);
    if (!query) return undefined;
    const started = this.#options.clock.monotonic();
    if (query.fault !== undefined) return this.#encode(query, client, new Outcome({ rcode: query.fault }));
    if (query.class !== classes.IN || query.type === typeNumbers.AXFR || query.type === typeNumbers.IXFR)
      return this.#encode(query, client, refused);
    const zone = this.#zoneOf(query.name, query.type, port);
    if (!zone) return this.#encode(query, client, refused);
    const finish = (answered: Answered): Buffer | undefined => {
      if (answered === 'dropped') return undefined;
      const seconds = (this.#options.clock.monotonic() - started) / 1000;
      const { server, shown } = zone;
      const family = client.address.includes(':') ? '2' : '1';
      this.#options.metrics.answered({
        server,
        zone: shown,
        transport: client.transport,
        family,
        type: query.type,
        rcode: answered.rcode,
        seconds,
      });
      const response = this.#encode(query, client, answered, zone.block.loadbalance);
      if (zone.block.log) this.#log(query, client, { rcode: answered.rcode, bytes: response.length, seconds });
      return response;
    };
    try {
      const answered = zone.handler({ query, name: query.name, type: query.type, client, depth: 0 });
      if (!(answered instanceof Promise)) return finish(answered);
      return answered.then(finish).catch((err: unknown) => this.#failed(err, query, client));
    } catch (err) {
      return this.#failed(err, query, client);
    }
  }

  /** Numbers that are only asked for now and then. */
  collect(): void {
    for (const kind of ['success', 'denial'] as const) {
      this.#options.metrics.cacheEntries(
        kind,
        this.#caches.reduce((sum, cache) => sum + cache.entries(kind), 0),
      );
    }
  }

  #failed(err: unknown, query: Query, client: Client): Buffer {
    this.#options.metrics.failed();
    this.#options.log.error('answering a question failed', { name: query.name, type: typeName(query.type), err });
    return this.#encode(query, client, servfail);
  }

  #encode(query: Query, client: Client, outcome: Outcome, inTurns = false): Buffer {
    const maxBytes = client.transport === 'tcp' ? maxTcpMessage : datagramLimit(query.edns);
    return encodeResponse(query, outcome, { maxBytes, turn: inTurns ? this.#turn++ >>> 0 : 0 });
  }

  #zoneOf(name: string, type: number, port: number): Zone | undefined {
    const found = this.#zones.find((each) => each.port === port && isWithin(name, each.zone));
    // A delegation's DS record stands with the parent.
    if (found && type === typeNumbers.DS && name === found.zone && name !== '') {
      return this.#zones.find((each) => each.port === port && each !== found && isWithin(name, each.zone)) ?? found;
    }
    return found;
  }

  /** Plugins in the order in which they see a question, whatever order they were written in. @source CoreDNS plugin.cfg */
  #chain(block: BlockConfig, index: number): Handler {
    const { catalog, clock, random, group, nodeResolvers, metrics } = this.#options;
    const plugins: Plugin[] = block.acls.map((config) => aclPlugin(config));
    if (block.cache) {
      const cache = cachePlugin({ config: block.cache, clock, events: metrics.cacheEvents() });
      this.#caches.push(cache);
      plugins.push(cache.plugin);
    }
    if (block.rewrites.length > 0) plugins.push(rewritePlugin(block.rewrites));
    if (block.templates.length > 0) plugins.push(templatePlugin(block.templates));
    if (block.hosts) plugins.push(hostsPlugin(block.hosts));
    block.kubernetes.forEach((config, nth) => {
      const lookup: Parameters<typeof kubernetesPlugin>[0]['lookup'] = (request, name) => {
        const zone = this.#zoneOf(name, request.type, block.port);
        const question = Buffer.alloc(0);
        return zone ? zone.handler({ ...request, query: { ...request.query, name, question }, name, depth: request.depth + 1 }) : servfail;
      };
      plugins.push(kubernetesPlugin({ config, catalog, id: `${index}.${nth}`, lookup, serial: () => this.#currentSerial() }));
    });
    if (block.loop) plugins.push(this.#loopDetector(block));
    const onFailure = (to: string, name: string): void => {
      if (block.errors) this.#complain(to, name);
    };
    for (const config of block.forwards)
      plugins.push(forwardPlugin({ config, nodeResolvers, clock, random, group, events: metrics.forwardEvents(onFailure) }));
    // Nobody was left to answer.
    return plugins.reduceRight<Handler>(
      (next, plugin) => plugin(next),
      () => servfail,
    );
  }

  #currentSerial(): number {
    const { catalog, clock } = this.#options;
    if (this.#serialOf !== catalog.changes) {
      this.#serialOf = catalog.changes;
      this.#serial = Math.floor(clock.now() / 1000);
    }
    return this.#serial;
  }

  /** One line for many failures: a resolver that is gone fails every question. */
  #complain(to: string, name: string): void {
    const now = this.#options.clock.monotonic();
    if (now < this.#quietUntilMs) return;
    this.#quietUntilMs = now + quietMs;
    this.#options.log.warn('a resolver does not answer', { resolver: to, name });
  }

  #log(
    query: Query,
    client: Client,
    { rcode, bytes, seconds }: { readonly rcode: number; readonly bytes: number; readonly seconds: number },
  ): void {
    const { edns } = query;
    const asked = `${typeName(query.type)} IN ${query.name}. ${client.transport} ${query.question.length + 12} ${edns?.dnssecOk ?? false} ${edns?.udpBytes ?? 512}`;
    this.#options.log.info(`${client.address}:${client.port} - ${query.id} "${asked}" ${rcodeName(rcode)} ${bytes} ${seconds.toFixed(9)}s`);
  }

  /** `loop`: a question that nobody but us knows is asked of our resolvers; when it comes back, they ask us. */
  #loopDetector({ forwards, zones }: BlockConfig): Plugin {
    const { clock, group, log, nodeResolvers } = this.#options;
    const name = `${randomBytes(8).readBigUInt64BE()}.${randomBytes(8).readBigUInt64BE()}${zones[0] ? `.${zones[0]}` : ''}`;
    const servers = forwards.flatMap(({ to }) => to.flatMap((each) => (each === 'node' ? nodeResolvers : [each])));
    let looped = false;
    group.spawn('loop probe', async ({ signal }) => {
      const asked = { name, type: typeNumbers.HINFO, dnssecOk: false, recursionDesired: true, forceTcp: false };
      await Promise.all(servers.map((server) => exchange(server, asked, { clock, signal })));
    });
    return (next) => (request) => {
      if (request.type === typeNumbers.HINFO && request.name === name && !looped) {
        looped = true;
        log.error('Loop detected: a resolver of this Corefile leads back here; names outside the cluster are not answered', {
          from: request.client.address,
        });
      }
      return looped ? new Outcome({ rcode: rcodes.SERVFAIL }) : next(request);
    };
  }
}
