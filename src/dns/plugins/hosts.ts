/** `hosts`: names and addresses written into the Corefile. @source CoreDNS plugin/hosts/README.md */
import { isIP } from 'node:net';
import { expectArgs, fallsThrough, fallthroughOf, type Said, ttlSeconds, zoneOf } from '../corefile/arguments.ts';
import { CorefileFault } from '../corefile/corefile-fault.ts';
import type { Directive } from '../corefile/syntax.ts';
import { reverseName } from '../wire/addresses.ts';
import { rcodes, typeNumbers } from '../wire/codes.ts';
import { Outcome } from '../wire/message.ts';
import { closestZone, parseName } from '../wire/names.ts';
import { addressRecord, type DnsRecord, nameRecord } from '../wire/records.ts';
import type { Plugin } from './plugin.ts';

export interface HostsConfig {
  readonly zones: readonly string[];
  readonly records: ReadonlyMap<string, readonly DnsRecord[]>;
  readonly fallthrough: readonly string[] | undefined;
}

/** @throws CorefileFault */
export function parseHosts(directive: Directive, blockZones: readonly string[]): HostsConfig {
  const [file, ...zones] = directive.args;
  if (file !== undefined && file !== '/etc/hosts') throw new CorefileFault(directive.line, `hosts: files are not supported: ${file}`);
  const lines: Said[] = [];
  let ttl = 3600;
  let reverse = true;
  let fallthrough: string[] | undefined;
  for (const property of directive.block) {
    if (property.name === 'ttl') ttl = ttlSeconds(property);
    else if (property.name === 'fallthrough') fallthrough = fallthroughOf(property);
    else if (property.name === 'no_reverse') {
      expectArgs(property, 0);
      reverse = false;
    } else if (property.name === 'reload') expectArgs(property, 1);
    else lines.push(property);
  }
  const records = new Map<string, DnsRecord[]>();
  const add = (record: DnsRecord | undefined): void => {
    if (record) records.set(record.name, [...(records.get(record.name) ?? []), record]);
  };
  for (const line of lines) {
    if (isIP(line.name) === 0) throw new CorefileFault(line.line, `hosts: neither an option nor an address: '${line.name}'`);
    for (const text of line.args) {
      const name = parseName(text);
      if (name === undefined) throw new CorefileFault(line.line, `hosts: invalid name '${text}'`);
      add(addressRecord(name, line.name, ttl));
      if (reverse) add(nameRecord('PTR', { name: reverseName(line.name)!, target: name, ttl }));
    }
  }
  return { zones: zones.length === 0 ? blockZones : zones.map((zone) => zoneOf(directive, zone)), records, fallthrough };
}

export function hostsPlugin({ zones, records, fallthrough }: HostsConfig): Plugin {
  const answers = new Map<string, Outcome>();
  return (next) => (request) => {
    const { name, type } = request;
    if (closestZone(name, zones) === undefined) return next(request);
    const known = records.get(name);
    if (!known) {
      // As upstream: without leave to hand names on, what is not written here does not exist.
      return fallsThrough(name, fallthrough) ? next(request) : new Outcome({ rcode: rcodes.NXDOMAIN, authoritative: true });
    }
    if (type !== typeNumbers.A && type !== typeNumbers.AAAA && type !== typeNumbers.PTR) return next(request);
    const key = `${type} ${name}`;
    let answer = answers.get(key);
    if (!answer) {
      answer = new Outcome({ rcode: rcodes.NOERROR, authoritative: true, answers: known.filter((record) => record.type === type) });
      answers.set(key, answer);
    }
    return answer;
  };
}
