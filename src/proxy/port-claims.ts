/**
 * Which virtual port stands on which address, over all Services: what is wanted. A change of one Service costs what it changes. Two Services
 * may claim one external address: a cluster IP goes before the rest, then the older Service; when it leaves, the other has it.
 */
import { portKey } from './port-elements.ts';
import type { VirtualPort } from './service-ports.ts';

interface Claim {
  readonly port: VirtualPort;
  /** `namespace/name` of the Service. */
  readonly service: string;
  /** When the Service was made; sorts as text. */
  readonly since: string;
}

export interface ClaimedPort {
  readonly port: VirtualPort;
  readonly service: string;
}

export class PortClaims {
  readonly #nodeIps: readonly { readonly ip: string; readonly family: VirtualPort['family'] }[];
  readonly #byKey = new Map<string, readonly Claim[]>();
  readonly #byService = new Map<string, readonly string[]>();

  /** @param nodeIps addresses on which node ports stand */
  constructor(nodeIps: readonly string[]) {
    this.#nodeIps = nodeIps.map((ip) => ({ ip, family: ip.includes(':') ? 'IPv6' : 'IPv4' }));
  }

  /** Number of Services with a virtual port. */
  get size(): number {
    return this.#byService.size;
  }

  /** Puts the ports of a Service in place of those it had (none: it is gone) and returns the keys that may have changed. */
  set(service: string, since: string, ports: readonly VirtualPort[]): Set<string> {
    const touched = new Set(this.#byService.get(service));
    for (const key of touched) this.#drop(key, service);
    const keys: string[] = [];
    for (const port of ports) {
      for (const ip of this.#addressesOf(port)) {
        const key = portKey(ip, port);
        if (keys.includes(key)) continue;
        keys.push(key);
        touched.add(key);
        const claims = this.#byKey.get(key) ?? [];
        this.#byKey.set(key, [...claims, { port, service, since }].toSorted(byRight));
      }
    }
    if (keys.length === 0) this.#byService.delete(service);
    else this.#byService.set(service, keys);
    return touched;
  }

  /** Whoever has this address and port. */
  get(key: string): ClaimedPort | undefined {
    return this.#byKey.get(key)?.[0];
  }

  keys(): IterableIterator<string> {
    return this.#byKey.keys();
  }

  keysOf(service: string): readonly string[] {
    return this.#byService.get(service) ?? [];
  }

  #addressesOf({ ip, family }: VirtualPort): readonly string[] {
    return ip === undefined ? this.#nodeIps.filter((node) => node.family === family).map((node) => node.ip) : [ip];
  }

  #drop(key: string, service: string): void {
    const left = (this.#byKey.get(key) ?? []).filter((claim) => claim.service !== service);
    if (left.length === 0) this.#byKey.delete(key);
    else this.#byKey.set(key, left);
  }
}

function byRight(a: Claim, b: Claim): number {
  const rank = ({ port, since, service }: Claim): string => `${port.kind === 'clusterIP' ? 0 : 1} ${since} ${service}`;
  return rank(a) < rank(b) ? -1 : 1;
}
