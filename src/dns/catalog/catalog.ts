/**
 * What the answering thread knows of the cluster: Services with their endpoints, found by name and by address. A change touches its own
 * Service only; what was answered about others stays.
 */
import { canonicalAddress } from '../wire/addresses.ts';
import type { Outcome } from '../wire/message.ts';
import type { CatalogDelta, NamespaceEntry, PodEntry, ServiceEntry, SliceEntry } from './entries.ts';

export interface KnownService {
  /** Undefined while only its slices are known. */
  readonly entry: ServiceEntry | undefined;
  readonly slices: ReadonlyMap<string, SliceEntry>;
  /** Answers given out of it, by who gave them and what was asked; emptied when it changes. */
  readonly answers: Map<string, Outcome>;
}

interface MutableService extends KnownService {
  entry: ServiceEntry | undefined;
  readonly slices: Map<string, SliceEntry>;
}

export interface CatalogOptions {
  /** Told of each slice that arrives. */
  readonly onSlice?: (slice: SliceEntry, service: ServiceEntry | undefined) => void;
}

export class Catalog {
  readonly #options: CatalogOptions;
  readonly #services = new Map<string, MutableService>();
  readonly #serviceOfSlice = new Map<string, string>();
  readonly #namespaces = new Map<string, NamespaceEntry>();
  readonly #pods = new Map<string, PodEntry>();
  readonly #servicesByIp = new Map<string, Set<string>>();
  readonly #hostsByIp = new Map<string, Set<string>>();
  readonly #podsByIp = new Map<string, Set<string>>();
  /** Nothing is known yet of a cluster that nobody told of. */
  filled = false;
  changes = 0;

  constructor(options: CatalogOptions = {}) {
    this.#options = options;
  }

  service(key: string): KnownService | undefined {
    return this.#services.get(key);
  }

  namespace(name: string): NamespaceEntry | undefined {
    return this.#namespaces.get(name);
  }

  /** Services that have this address for their own. */
  servicesAt(ip: string): readonly ServiceEntry[] {
    return [...(this.#servicesByIp.get(ip) ?? [])].flatMap((key) => this.#services.get(key)?.entry ?? []);
  }

  /** Names of the endpoints with a hostname at this address: `[hostname, Service]`. */
  hostsAt(ip: string): readonly (readonly [hostname: string, service: ServiceEntry])[] {
    return [...(this.#hostsByIp.get(ip) ?? [])].flatMap((host) => {
      const [hostname = '', key = ''] = host.split(' ');
      const entry = this.#services.get(key)?.entry;
      return entry ? [[hostname, entry] as const] : [];
    });
  }

  podsAt(ip: string): readonly PodEntry[] {
    return [...(this.#podsByIp.get(ip) ?? [])].flatMap((id) => this.#pods.get(id) ?? []);
  }

  apply({ reset, services, slices, namespaces, pods }: CatalogDelta): void {
    if (reset) this.#forget();
    for (const key of services.gone) this.#setService(key, undefined);
    for (const entry of services.put) this.#setService(entry.key, entry);
    for (const id of slices.gone) this.#dropSlice(id);
    for (const entry of slices.put) this.#putSlice(entry);
    for (const name of namespaces.gone) this.#namespaces.delete(name);
    for (const entry of namespaces.put) this.#namespaces.set(entry.name, entry);
    for (const id of pods.gone) this.#setPod(id, undefined);
    for (const entry of pods.put) this.#setPod(entry.id, entry);
    this.filled = true;
    this.changes++;
  }

  #forget(): void {
    const all = [this.#services, this.#serviceOfSlice, this.#namespaces, this.#pods, this.#servicesByIp, this.#hostsByIp, this.#podsByIp];
    for (const each of all) each.clear();
  }

  #at(key: string): MutableService {
    let known = this.#services.get(key);
    if (!known) this.#services.set(key, (known = { entry: undefined, slices: new Map(), answers: new Map() }));
    return known;
  }

  #setService(key: string, entry: ServiceEntry | undefined): void {
    const known = this.#at(key);
    for (const ip of known.entry?.ips ?? []) unlink(this.#servicesByIp, ip, key);
    known.entry = entry;
    known.answers.clear();
    for (const ip of entry?.ips ?? []) link(this.#servicesByIp, ip, key);
    if (!entry && known.slices.size === 0) this.#services.delete(key);
  }

  #dropSlice(id: string): void {
    const key = this.#serviceOfSlice.get(id);
    const known = key === undefined ? undefined : this.#services.get(key);
    if (key === undefined || !known) return;
    this.#serviceOfSlice.delete(id);
    this.#linkHosts(known.slices.get(id), unlink);
    known.slices.delete(id);
    known.answers.clear();
    if (!known.entry && known.slices.size === 0) this.#services.delete(key);
  }

  #putSlice(entry: SliceEntry): void {
    const { id, service } = entry;
    // A slice may be handed to another Service.
    this.#dropSlice(id);
    const known = this.#at(service);
    known.slices.set(id, entry);
    known.answers.clear();
    this.#serviceOfSlice.set(id, service);
    this.#linkHosts(entry, link);
    this.#options.onSlice?.(entry, known.entry);
  }

  #linkHosts(slice: SliceEntry | undefined, change: typeof link): void {
    for (const { ips, hostname } of slice?.endpoints ?? []) {
      if (hostname !== undefined) for (const ip of ips) change(this.#hostsByIp, ip, `${hostname} ${slice!.service}`);
    }
  }

  #setPod(id: string, entry: PodEntry | undefined): void {
    for (const ip of this.#pods.get(id)?.ips ?? []) unlink(this.#podsByIp, ip, id);
    if (entry) this.#pods.set(id, entry);
    else this.#pods.delete(id);
    for (const ip of entry?.ips ?? []) link(this.#podsByIp, ip, id);
  }
}

function link(index: Map<string, Set<string>>, ip: string, value: string): void {
  const key = canonicalAddress(ip) ?? ip;
  const known = index.get(key);
  if (known) known.add(value);
  else index.set(key, new Set([value]));
}

function unlink(index: Map<string, Set<string>>, ip: string, value: string): void {
  const key = canonicalAddress(ip) ?? ip;
  const known = index.get(key);
  known?.delete(value);
  if (known?.size === 0) index.delete(key);
}
