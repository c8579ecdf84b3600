/**
 * Names of the cluster: Services, endpoints and pods, from the catalog.
 * @source Kubernetes DNS-Based Service Discovery 1.1.0; CoreDNS' kubernetes plugin where the specification is silent
 */
import { isIP } from 'node:net';
import type { Catalog, KnownService } from '../catalog/catalog.ts';
import type { EndpointEntry, PortEntry, ServiceEntry } from '../catalog/entries.ts';
import type { KubernetesConfig } from '../corefile/kubernetes-config.ts';
import { addressOfReverseName, canonicalAddress } from '../wire/addresses.ts';
import { rcodes, typeNumbers } from '../wire/codes.ts';
import { Outcome, servfail } from '../wire/message.ts';
import { closestZone, isWithin, parseName } from '../wire/names.ts';
import { addressRecord, type DnsRecord, nameRecord, soaRecord, srvRecord, txtRecord } from '../wire/records.ts';
import { type Answered, andThen, type Handler, type Plugin, type Request } from './plugin.ts';
import { parseClusterName, type ClusterName } from './cluster-name.ts';

export interface KubernetesOptions {
  readonly config: KubernetesConfig;
  readonly catalog: Catalog;
  /** Tells this plugin's answers from those of others. */
  readonly id: string;
  /** Asks this whole server for a name that one of ours leads to. */
  readonly lookup: (request: Request, name: string) => Answered | Promise<Answered>;
  /** Serial number of the zones: seconds since the epoch. */
  readonly serial: () => number;
}

const versionTtl = 28_800;
const specificationVersion = '1.1.0';
/** A name may lead to another; this far. */
const maxDepth = 8;
const maxAnswersKept = 20_000;

type Found =
  | { readonly type: 'nothing' }
  | { readonly type: 'records'; readonly items: readonly Item[] }
  | { readonly type: 'cname'; readonly target: string };

/** One address at one port under one name. */
interface Item {
  readonly name: string;
  readonly ip: string;
  /** Undefined where no port is declared. */
  readonly port: number | undefined;
}

export function kubernetesPlugin(options: KubernetesOptions): Plugin {
  return (next) => {
    const zones = new ClusterZones(options);
    return (request) => zones.answer(request, next);
  };
}

class ClusterZones {
  readonly #options: KubernetesOptions;
  readonly #primary: string;

  constructor(options: KubernetesOptions) {
    this.#options = options;
    this.#primary = options.config.zones.find((zone) => !isReverse(zone)) ?? '';
  }

  answer(request: Request, next: Handler): Answered | Promise<Answered> {
    const { config, catalog } = this.#options;
    const zone = closestZone(request.name, config.zones);
    if (zone === undefined) return next(request);
    const found = this.#resolve(request, zone);
    if (found) return found;
    if (config.fallthrough?.some((through) => isWithin(request.name, through))) return next(request);
    if (!catalog.filled) return servfail;
    return this.#negative(zone, rcodes.NXDOMAIN);
  }

  /** @returns undefined for a name that does not exist */
  #resolve(request: Request, zone: string): Answered | Promise<Answered> | undefined {
    const { name, type } = request;
    const ip = isReverse(zone) ? addressOfReverseName(name) : undefined;
    if (ip !== undefined) return this.#pointers(name, { ip, type, zone });
    if (name === zone) return this.#apex(zone, type);
    if (isReverse(zone)) return undefined;
    const inner = name.slice(0, -zone.length - 1);
    if (inner === 'dns-version') return this.#version(name, { type, zone });
    if (inner === 'ns.dns') return this.#answer(zone, { type, items: this.#nameServer(name) }, name);
    const asked = parseClusterName(inner);
    if (!asked) return undefined;
    // Names that only have others below them.
    if (asked.namespace === undefined) return this.#noData(zone);
    if (!this.#isExposed(asked.namespace)) return undefined;
    if (asked.name === undefined) return this.#noData(zone);
    if (asked.kind === 'pod') return this.#pod({ ...asked, namespace: asked.namespace, name: asked.name }, { request, zone });
    return this.#service(`${asked.namespace}/${asked.name}`, asked, { request, zone });
  }

  #service(
    key: string,
    asked: ClusterName,
    { request, zone }: { readonly request: Request; readonly zone: string },
  ): Answered | Promise<Answered> | undefined {
    const { catalog, config, id } = this.#options;
    const known = catalog.service(key);
    if (!known?.entry || (config.labels && !config.labels.matches(known.entry.labels))) return undefined;
    const memo = `${id} ${request.type} ${request.name}`;
    const kept = known.answers.get(memo);
    if (kept) return kept;
    const found = this.#find(known.entry, known, { asked, zone });
    if (found.type === 'nothing') return undefined;
    if (found.type === 'cname') return this.#alias(request, { target: found.target, zone });
    const answer = this.#answer(zone, { type: request.type, items: found.items }, request.name);
    if (known.answers.size >= maxAnswersKept) known.answers.clear();
    if (answer.answers.length > 0) known.answers.set(memo, answer);
    return answer;
  }

  #find(entry: ServiceEntry, known: KnownService, { asked, zone }: { readonly asked: ClusterName; readonly zone: string }): Found {
    const { ignoreEmptyService, endpoints } = this.#options.config;
    if (entry.kind === 'externalName') {
      const target = parseName(entry.externalName);
      return asked.endpoint !== undefined || target === undefined || isIP(entry.externalName) !== 0
        ? { type: 'nothing' }
        : { type: 'cname', target };
    }
    const own = `${entry.name}.${entry.namespace}.svc.${zone}`;
    if (entry.kind === 'headless' || asked.endpoint !== undefined) {
      return endpoints ? this.#findEndpoints(known, { asked, own }) : { type: 'nothing' };
    }
    if (ignoreEmptyService && endpoints && [...known.slices.values()].every((slice) => slice.endpoints.length === 0))
      return { type: 'nothing' };
    const ports = matching(entry.ports, asked);
    const items = ports.flatMap((port) => entry.ips.map((ip) => ({ name: own, ip, port })));
    return ports.length === 0 ? { type: 'nothing' } : { type: 'records', items };
  }

  #findEndpoints(known: KnownService, { asked, own }: { readonly asked: ClusterName; readonly own: string }): Found {
    const items: Item[] = [];
    for (const slice of known.slices.values()) {
      const ports = matching(slice.ports, asked);
      if (ports.length === 0) continue;
      for (const endpoint of slice.endpoints) {
        for (const ip of endpoint.ips) {
          const label = this.#label(endpoint, ip);
          if (asked.endpoint !== undefined && asked.endpoint !== label) continue;
          for (const port of ports) items.push({ name: `${label}.${own}`, ip, port });
        }
      }
    }
    // A headless Service without endpoints is no name: clients then try the next of their search list.
    return items.length === 0 ? { type: 'nothing' } : { type: 'records', items };
  }

  #label({ hostname, pod }: EndpointEntry, ip: string): string {
    if (hostname !== undefined) return hostname;
    if (this.#options.config.endpointPodNames && pod !== undefined) return pod.toLowerCase();
    const dashed = ip.toLowerCase().replaceAll(/[.:]/g, '-');
    return dashed.endsWith('-') ? `${dashed}0` : dashed;
  }

  #pod(
    { namespace, name, port, protocol, endpoint }: ClusterName & { readonly namespace: string; readonly name: string },
    { request, zone }: { readonly request: Request; readonly zone: string },
  ): Outcome | undefined {
    const { pods } = this.#options.config;
    if (pods === 'disabled' || port !== undefined || protocol !== undefined || endpoint !== undefined) return undefined;
    const four = /^\d+(?:-\d+){3}$/.test(name);
    const ip = canonicalAddress(four ? name.replaceAll('-', '.') : name.replaceAll('-', ':'));
    if (ip === undefined) return undefined;
    if (pods === 'verified' && !this.#options.catalog.podsAt(ip).some((pod) => pod.namespace === namespace)) return undefined;
    return this.#answer(zone, { type: request.type, items: [{ name: request.name, ip, port: undefined }] }, request.name);
  }

  #alias(request: Request, { target, zone }: { readonly target: string; readonly zone: string }): Answered | Promise<Answered> {
    const { ttl } = this.#options.config;
    const { name, type } = request;
    const alias = nameRecord('CNAME', { name, target, ttl });
    if (type === typeNumbers.CNAME) return new Outcome({ rcode: rcodes.NOERROR, authoritative: true, answers: [alias] });
    if (type === typeNumbers.SRV) {
      const answers = [srvRecord({ name, ttl, priority: 0, weight: 100, port: 0, target })];
      return new Outcome({ rcode: rcodes.NOERROR, authoritative: true, answers });
    }
    if (type !== typeNumbers.A && type !== typeNumbers.AAAA) return this.#noData(zone);
    if (target === name || request.depth >= maxDepth) return this.#noData(zone);
    return andThen(this.#options.lookup(request, target), (rest) => {
      // The alias is true even when nobody answers for what it leads to.
      return new Outcome({ rcode: rcodes.NOERROR, authoritative: true, answers: [alias, ...rest.answers] });
    });
  }

  #pointers(name: string, { ip, type, zone }: { readonly ip: string; readonly type: number; readonly zone: string }): Outcome | undefined {
    const { catalog, config } = this.#options;
    const shown = ({ namespace, labels }: ServiceEntry): boolean =>
      this.#isExposed(namespace) && (!config.labels || config.labels.matches(labels));
    const service = catalog.servicesAt(ip).find(shown);
    const targets = service
      ? [`${service.name}.${service.namespace}.svc.${this.#primary}`]
      : config.endpoints
        ? catalog
            .hostsAt(ip)
            .filter(([, entry]) => shown(entry))
            .map(([hostname, entry]) => `${hostname}.${entry.name}.${entry.namespace}.svc.${this.#primary}`)
        : [];
    if (targets.length === 0) return undefined;
    if (type !== typeNumbers.PTR) return this.#noData(zone);
    const answers = targets.map((target) => nameRecord('PTR', { name, target, ttl: config.ttl }));
    return new Outcome({ rcode: rcodes.NOERROR, authoritative: true, answers });
  }

  #answer(zone: string, { type, items }: { readonly type: number; readonly items: readonly Item[] }, name: string): Outcome {
    const { ttl } = this.#options.config;
    if (type === typeNumbers.SRV) return this.#services(zone, items, name);
    if (type !== typeNumbers.A && type !== typeNumbers.AAAA) return this.#noData(zone);
    const answers = [...new Set(items.map(({ ip }) => ip))].flatMap((ip) => {
      const record = addressRecord(name, ip, ttl);
      return record?.type === type ? [record] : [];
    });
    return answers.length === 0 ? this.#noData(zone) : new Outcome({ rcode: rcodes.NOERROR, authoritative: true, answers });
  }

  #services(zone: string, items: readonly Item[], name: string): Outcome {
    const { ttl } = this.#options.config;
    const weight = Math.max(1, Math.floor(100 / items.length));
    const answers = new Map<string, DnsRecord>();
    const additionals = new Map<string, DnsRecord>();
    for (const { name: target, ip, port } of items) {
      if (port === undefined) continue;
      answers.set(`${target} ${port}`, srvRecord({ name, ttl, priority: 0, weight, port, target }));
      const address = addressRecord(target, ip, ttl);
      if (address) additionals.set(`${target} ${ip}`, address);
    }
    if (answers.size === 0) return this.#noData(zone);
    return new Outcome({
      rcode: rcodes.NOERROR,
      authoritative: true,
      answers: [...answers.values()],
      additionals: [...additionals.values()],
    });
  }

  #apex(zone: string, type: number): Outcome {
    if (type === typeNumbers.SOA) return new Outcome({ rcode: rcodes.NOERROR, authoritative: true, answers: [this.#soa(zone)] });
    if (type !== typeNumbers.NS) return this.#noData(zone);
    const target = `${dnsService.name}.${dnsService.namespace}.svc.${this.#primary}`;
    const items = this.#nameServer(target);
    if (items.length === 0) return this.#noData(zone);
    const { ttl } = this.#options.config;
    return new Outcome({
      rcode: rcodes.NOERROR,
      authoritative: true,
      answers: [nameRecord('NS', { name: zone, target, ttl })],
      additionals: items.flatMap(({ ip }) => addressRecord(target, ip, ttl) ?? []),
    });
  }

  #nameServer(name: string): Item[] {
    const ips = this.#options.catalog.service(`${dnsService.namespace}/${dnsService.name}`)?.entry?.ips ?? [];
    return ips.map((ip) => ({ name, ip, port: undefined }));
  }

  #version(name: string, { type, zone }: { readonly type: number; readonly zone: string }): Outcome {
    if (type !== typeNumbers.TXT) return this.#noData(zone);
    return new Outcome({ rcode: rcodes.NOERROR, authoritative: true, answers: [txtRecord(name, [specificationVersion], versionTtl)] });
  }

  #isExposed(namespace: string): boolean {
    const { namespaces, namespaceLabels } = this.#options.config;
    if (namespaces && !namespaces.includes(namespace)) return false;
    const entry = this.#options.catalog.namespace(namespace);
    return entry !== undefined && (!namespaceLabels || namespaceLabels.matches(entry.labels));
  }

  #noData(zone: string): Outcome {
    return this.#negative(zone, rcodes.NOERROR);
  }

  #negative(zone: string, rcode: number): Outcome {
    return new Outcome({ rcode, authoritative: true, authorities: [this.#soa(zone)] });
  }

  #soa(zone: string): DnsRecord {
    const { ttl } = this.#options.config;
    const numbers = { serial: this.#options.serial(), refresh: 7200, retry: 1800, expire: 86_400, minimum: ttl };
    const at = zone === '' ? '' : `.${zone}`;
    return soaRecord({ zone, ttl, nameServer: `ns.dns${at}`, mailbox: `hostmaster${at}`, ...numbers });
  }
}

const dnsService = { namespace: 'kube-system', name: 'kube-dns' };

function isReverse(zone: string): boolean {
  return isWithin(zone, 'in-addr.arpa') || isWithin(zone, 'ip6.arpa');
}

/** The ports that a question means: all, or those of a name and protocol. Without any declared there is one without a number. */
function matching(ports: readonly PortEntry[], { port, protocol }: ClusterName): (number | undefined)[] {
  if (ports.length === 0) return port === undefined && protocol === undefined ? [undefined] : [];
  return ports
    .filter((each) => (port === undefined || port === each.name) && (protocol === undefined || protocol === each.protocol))
    .map((each) => each.port);
}
