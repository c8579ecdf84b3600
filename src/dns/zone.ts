/**
 * The cluster's DNS zone as data: Services and their endpoints turned into names and records. Pure.
 * @source Kubernetes DNS-Based Service Discovery 1.1.0; CoreDNS' kubernetes plugin where the specification is silent
 */
import type { corev1, discoveryv1 } from '../api/index.ts';

/** The records of one name. Absent lists are empty; a name without any record still exists (NODATA, not NXDOMAIN). */
export interface NameRecords {
  readonly a?: readonly string[];
  readonly aaaa?: readonly string[];
  readonly cname?: string;
  readonly srv?: readonly { readonly target: string; readonly port: number }[];
  readonly ptr?: readonly string[];
  readonly txt?: string;
}

/** Lower-case name without the final dot → records. */
export type Zone = ReadonlyMap<string, NameRecords>;

export interface ZoneInput {
  readonly domain: string;
  readonly services: readonly corev1.Service[];
  readonly slicesOf: (namespace: string, service: string) => readonly discoveryv1.EndpointSlice[];
}

interface MutableRecords {
  a?: string[];
  aaaa?: string[];
  cname?: string;
  srv?: { target: string; port: number }[];
  ptr?: string[];
  txt?: string;
}

export function buildZone({ domain, services, slicesOf }: ZoneInput): Zone {
  const zone = new ZoneBuilder(domain);
  zone.at(`dns-version.${domain}`).txt = '1.1.0';
  for (const service of services) {
    const { namespace = '', name } = service.metadata;
    const at = `${name}.${namespace}.svc.${domain}`;
    if (service.spec.type === 'ExternalName') zone.at(at).cname = (service.spec.externalName ?? '').toLowerCase().replace(/\.$/, '');
    else if (service.spec.clusterIP === 'None') addHeadless(zone, at, slicesOf(namespace, name));
    else addClusterIp(zone, at, service);
  }
  return zone.finish();
}

function addClusterIp(zone: ZoneBuilder, at: string, { spec }: corev1.Service): void {
  const ips = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []);
  zone.at(at);
  for (const ip of ips) {
    zone.address(at, ip);
    zone.pointer(ip, at);
  }
  for (const { name, port, protocol = 'TCP' } of spec.ports ?? []) if (name) zone.service(at, name, protocol, { target: at, port });
}

/** Each ready endpoint has a name of its own: its hostname, or its address with dashes. */
function addHeadless(zone: ZoneBuilder, at: string, slices: readonly discoveryv1.EndpointSlice[]): void {
  zone.at(at);
  for (const { endpoints = [], ports = [], addressType } of slices) {
    if (addressType === 'FQDN') continue;
    for (const { addresses, hostname, conditions } of endpoints ?? []) {
      if (conditions?.ready === false) continue;
      for (const ip of addresses) {
        const own = `${hostname ?? ip.replaceAll(/[.:]/g, '-')}.${at}`.toLowerCase();
        zone.address(at, ip);
        zone.address(own, ip);
        if (hostname) zone.pointer(ip, own);
        for (const { name, port, protocol = 'TCP' } of ports ?? [])
          if (name && port) zone.service(at, name, protocol, { target: own, port });
      }
    }
  }
}

class ZoneBuilder {
  readonly #names = new Map<string, MutableRecords>();
  readonly #domain: string;

  constructor(domain: string) {
    this.#domain = domain;
  }

  at(name: string): MutableRecords {
    const known = this.#names.get(name);
    if (known) return known;
    const records: MutableRecords = {};
    this.#names.set(name, records);
    return records;
  }

  address(name: string, ip: string): void {
    const list = ip.includes(':') ? (this.at(name).aaaa ??= []) : (this.at(name).a ??= []);
    if (!list.includes(ip)) list.push(ip);
  }

  pointer(ip: string, target: string): void {
    if (ip.includes('.')) (this.at(reverseName(ip)).ptr ??= []).push(target);
  }

  service(at: string, port: string, protocol: string, record: { target: string; port: number }): void {
    const list = (this.at(`_${port}._${protocol}.${at}`.toLowerCase()).srv ??= []);
    if (!list.some((each) => each.target === record.target && each.port === record.port)) list.push(record);
  }

  /** Names between a record and the zone's top exist too, without records of their own. */
  finish(): Zone {
    const top = `.${this.#domain}`;
    for (const name of this.#names.keys()) {
      for (let rest = name; rest.endsWith(top); rest = rest.slice(rest.indexOf('.') + 1)) this.at(rest);
    }
    this.at(this.#domain);
    return this.#names;
  }
}

/** `10.96.0.10` → `10.0.96.10.in-addr.arpa`. */
export function reverseName(ip: string): string {
  return `${ip.split('.').toReversed().join('.')}.in-addr.arpa`;
}
