/**
 * `forward`: names that are not ours are asked of other servers. Invariants: every question ends, by an answer or after the time of one try
 * a server; the same question is asked once at a time; a server that fails is probed until it answers and is passed over meanwhile.
 * @source CoreDNS plugin/forward/README.md
 */
import type { Clock, Random, TaskGroup } from '../../base/index.ts';
import type { ForwardConfig, ServerAddress } from '../corefile/forward-config.ts';
import { rcodes, typeNumbers } from '../wire/codes.ts';
import { Outcome, refused, servfail } from '../wire/message.ts';
import { isWithin } from '../wire/names.ts';
import type { Response } from '../wire/response.ts';
import { type Asked, exchange } from './exchange.ts';
import type { Plugin } from './plugin.ts';

export interface ForwardOptions {
  readonly config: ForwardConfig;
  /** What `/etc/resolv.conf` stands for. */
  readonly nodeResolvers: readonly ServerAddress[];
  readonly clock: Clock;
  readonly random: Random;
  /** Owns the probes. */
  readonly group: TaskGroup;
  readonly events: ForwardEvents;
}

export interface ForwardEvents {
  answered(to: string, rcode: number, seconds: number): void;
  failed(to: string, name: string): void;
  probeFailed(to: string): void;
  rejected(): void;
  allDown(): void;
}

/** Longest that one question is tried, whatever the number of servers. */
const deadlineMs = 5000;
/** Questions that wait for answers at once where the Corefile names no limit: each holds a socket. */
const defaultConcurrent = 1000;

interface Server extends ServerAddress {
  readonly name: string;
  fails: number;
  probing: boolean;
}

export function forwardPlugin(options: ForwardOptions): Plugin {
  const forwarder = new Forwarder(options);
  const { from, except } = options.config;
  return (next) => (request) => {
    const { name } = request;
    if (!isWithin(name, from) || except.some((zone) => isWithin(name, zone))) return next(request);
    return forwarder.ask({
      name,
      type: request.type,
      dnssecOk: request.query.edns?.dnssecOk ?? false,
      recursionDesired: request.query.recursionDesired,
      forceTcp: options.config.forceTcp,
    });
  };
}

class Forwarder {
  readonly #options: ForwardOptions;
  readonly #servers: Server[];
  readonly #asking = new Map<string, Promise<Outcome>>();
  #turn = 0;

  constructor(options: ForwardOptions) {
    this.#options = options;
    const addresses = options.config.to.flatMap((to) => (to === 'node' ? options.nodeResolvers : [to]));
    this.#servers = addresses.map(({ address, port }) => {
      const name = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
      return { address, port, name, fails: 0, probing: false };
    });
  }

  ask(asked: Asked): Promise<Outcome> | Outcome {
    const { config, events } = this.#options;
    const key = `${asked.type} ${asked.dnssecOk ? 1 : 0}${asked.recursionDesired ? 1 : 0} ${asked.name}`;
    const known = this.#asking.get(key);
    if (known) return known;
    if (this.#asking.size >= (config.maxConcurrent ?? defaultConcurrent)) {
      events.rejected();
      return refused;
    }
    const asking = this.#ask(asked).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    return asking;
  }

  async #ask(asked: Asked): Promise<Outcome> {
    const { config, clock, events } = this.#options;
    const started = clock.monotonic();
    let last: Outcome | undefined;
    for (const server of this.#order()) {
      const from = clock.monotonic();
      if (from - started >= deadlineMs) break;
      const response = await exchange(server, asked, { clock });
      if (!response) {
        events.failed(server.name, asked.name);
        this.#probe(server);
        continue;
      }
      events.answered(server.name, response.rcode, (clock.monotonic() - from) / 1000);
      last = outcomeOf(response);
      if (!config.failover.includes(response.rcode)) return last;
    }
    return last ?? servfail;
  }

  /** Whom to ask, first to last. Servers that are down come in only where all are. */
  #order(): readonly Server[] {
    const { config, random, events } = this.#options;
    const { maxFails } = config;
    const up = this.#servers.filter((server) => maxFails === 0 || server.fails < maxFails);
    if (up.length === 0) {
      if (this.#servers.length > 0) events.allDown();
      if (config.failFast || this.#servers.length === 0) return [];
      return [this.#servers[Math.floor(random.next() * this.#servers.length)]!];
    }
    if (config.policy === 'sequential') return up;
    const start = config.policy === 'random' ? Math.floor(random.next() * up.length) : this.#turn++ % up.length;
    return [...up.slice(start), ...up.slice(0, start)];
  }

  #probe(server: Server): void {
    const { config, clock, group, events } = this.#options;
    if (config.maxFails === 0 || server.probing) return;
    server.probing = true;
    const { everyMs, recursionDesired, domain } = config.healthCheck;
    const question: Asked = { name: domain, type: typeNumbers.NS, dnssecOk: false, recursionDesired, forceTcp: config.forceTcp };
    group.spawn(`probe of ${server.name}`, async ({ signal }) => {
      for (;;) {
        const answer = await exchange(server, question, { clock, signal });
        if (answer) break;
        signal.throwIfAborted();
        server.fails++;
        events.probeFailed(server.name);
        await clock.sleep(Math.max(everyMs, 1), signal);
      }
      server.fails = 0;
      server.probing = false;
    });
  }
}

function outcomeOf({ rcode, authoritative, answers, authorities, additionals }: Response): Outcome {
  return new Outcome({ rcode: rcode > 15 ? rcodes.SERVFAIL : rcode, authoritative, answers, authorities, additionals });
}
