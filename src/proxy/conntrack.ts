/**
 * Connections that outlive their endpoint. TCP notices by itself; a UDP client would go on talking to a pod that is gone, or to nobody when
 * it began before there was an endpoint, so such entries of the kernel's connection table are deleted.
 * Invariants: the table is read only after a UDP port lost an endpoint or got its first (and once at the start), and once for all ports that
 * changed together. @source kube-proxy v1.35, pkg/proxy/conntrack/cleanup.go
 */
import { type Ctx, ProcessError, run } from '../base/index.ts';
import type { RunTool } from './run-tool.ts';

/** A connection as its client sees it, and who answers. */
interface Flow {
  readonly source: string;
  readonly sourcePort: string;
  readonly destination: string;
  readonly destinationPort: string;
  readonly answeredBy: string;
}

export class FlowCleaner {
  readonly #run: RunTool;
  /** Endpoints that serve, by key of the UDP port. */
  readonly #serving = new Map<string, ReadonlySet<string>>();
  readonly #pending = new Set<string>();

  constructor(runTool: RunTool = run) {
    this.#run = runTool;
  }

  /** Tells which endpoints serve a UDP port, ending ones too. None: its connections are left alone, as there is nowhere else to go. */
  tell(key: string, serving: ReadonlySet<string>): void {
    const before = this.#serving.get(key);
    this.#serving.set(key, serving);
    if (serving.size === 0) return;
    if (!before || before.size === 0 || !before.isSubsetOf(serving)) this.#pending.add(key);
  }

  forget(key: string): void {
    this.#serving.delete(key);
    this.#pending.delete(key);
  }

  /** Deletes what leads to endpoints that serve no more. Call after the rules changed. @returns the number of entries */
  async clean(ctx: Ctx): Promise<number> {
    if (this.#pending.size === 0) return 0;
    const pending = new Map([...this.#pending].map((key) => [key, this.#serving.get(key)!]));
    this.#pending.clear();
    let deleted = 0;
    for (const [family, isOfFamily] of families) {
      const ports = new Map([...pending].filter(([key]) => isOfFamily(key)));
      if (ports.size > 0) deleted += await this.#cleanFamily(family, ports, ctx);
    }
    return deleted;
  }

  async #cleanFamily(family: 'ipv4' | 'ipv6', ports: ReadonlyMap<string, ReadonlySet<string>>, ctx: Ctx): Promise<number> {
    try {
      const { stdout } = await this.#run(['conntrack', '-L', '-f', family, '-p', 'udp'], { signal: ctx.signal });
      const stale = staleFlows(stdout, ports);
      // It opens its standard input by name, which a socket does not allow; a pipe does.
      if (stale.length > 0)
        await this.#run(['sh', '-c', 'cat | conntrack -R -'], {
          signal: ctx.signal,
          input: stale.map((flow) => deletion(family, flow)).join(''),
        });
      return stale.length;
    } catch (err) {
      if (!(err instanceof ProcessError)) throw err;
      ctx.log.warn('cannot forget connections to endpoints that are gone', { family, err });
      return 0;
    }
  }
}

const families = [
  ['ipv4', (key: string) => !key.includes(':')],
  ['ipv6', (key: string) => key.includes(':')],
] as const;

/** The connections in a listing that lead past the serving endpoints of these ports. Pure. */
export function staleFlows(listing: string, ports: ReadonlyMap<string, ReadonlySet<string>>): Flow[] {
  return listing.split('\n').flatMap((line) => {
    const found = /src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+) .*?src=(\S+)/.exec(line);
    if (!found) return [];
    const [, source, destination, sourcePort, destinationPort, answeredBy] = found as unknown as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const serving = ports.get(`${destination} . udp . ${destinationPort}`);
    return serving && !serving.has(answeredBy) ? [{ source, sourcePort, destination, destinationPort, answeredBy }] : [];
  });
}

/** Names who answers too: the client may have found another endpoint meanwhile. */
function deletion(family: string, { source, sourcePort, destination, destinationPort, answeredBy }: Flow): string {
  return `-D -f ${family} -p udp -s ${source} -d ${destination} --sport ${sourcePort} --dport ${destinationPort} -r ${answeredBy}\n`;
}
