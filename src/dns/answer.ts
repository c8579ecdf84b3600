/**
 * One question, answered from the zone, or handed on. Pure: knows no socket.
 * @source RFC 1034, RFC 2308 (negative answers), CoreDNS' defaults for lifetimes
 */
import type { Answer as DnsAnswer, Question, RecordType } from 'dns-packet';
import type { NameRecords, Zone } from './zone.ts';

/** Seconds for which an answer may be kept. */
const ttl = 30;
const negativeTtl = 5;
/** Service names that point to one another are followed this far. */
const maxCnames = 8;

export type Reply =
  | {
      readonly type: 'answer';
      readonly rcode: 'NOERROR' | 'NXDOMAIN' | 'NOTIMP' | 'REFUSED';
      readonly authoritative: boolean;
      readonly answers: readonly DnsAnswer[];
      readonly authorities: readonly DnsAnswer[];
    }
  /** Not ours: ask the upstream resolvers. `prefix` are records of ours that lead there (a CNAME out of the zone). */
  | { readonly type: 'forward'; readonly question: Question; readonly prefix: readonly DnsAnswer[] };

export interface AnswerOptions {
  readonly zone: Zone;
  readonly domain: string;
  /** Reverse zones that are ours: names below these are never asked upstream, such as `96.10.in-addr.arpa`. */
  readonly reverseZones: readonly string[];
  /** Serial number of the zone. */
  readonly serial: number;
}

export function answer(question: Question, options: AnswerOptions): Reply {
  if ((question.class ?? 'IN') !== 'IN') return reply(options, { rcode: 'NOTIMP' });
  const name = question.name.toLowerCase().replace(/\.$/, '');
  if (!isOurs(name, options)) return { type: 'forward', question, prefix: [] };
  const answers: DnsAnswer[] = [];
  let current = name;
  for (let hops = 0; hops < maxCnames; hops++) {
    const records = options.zone.get(current) ?? podRecords(current, options.domain);
    if (!records) return reply(options, { rcode: answers.length > 0 ? 'NOERROR' : 'NXDOMAIN', answers });
    if (records.cname === undefined || question.type === 'CNAME') {
      answers.push(...recordsOf(current, question.type, records, options.zone));
      return reply(options, { rcode: 'NOERROR', answers });
    }
    answers.push({ type: 'CNAME', name: current, ttl, data: records.cname });
    current = records.cname;
    if (!isOurs(current, options)) return { type: 'forward', question: { ...question, name: current }, prefix: answers };
  }
  return reply(options, { rcode: 'NOERROR', answers });
}

function isOurs(name: string, { domain, reverseZones }: AnswerOptions): boolean {
  return [domain, ...reverseZones].some((zone) => name === zone || name.endsWith(`.${zone}`));
}

/** `10-244-1-2.shop.pod.cluster.local`: any address, as asked, without a look whether such a pod exists. */
function podRecords(name: string, domain: string): NameRecords | undefined {
  const match = new RegExp(`^(\\d{1,3}(?:-\\d{1,3}){3})\\.[a-z0-9-]+\\.pod\\.${domain.replaceAll('.', '\\.')}$`).exec(name);
  const octets = match?.[1]!.split('-').map(Number);
  return octets?.every((octet) => octet <= 255) ? { a: [octets.join('.')] } : undefined;
}

function recordsOf(name: string, type: RecordType | 'ANY', records: NameRecords, zone: Zone): DnsAnswer[] {
  const all = type === 'ANY';
  return [
    ...(type === 'A' || all ? shuffled(records.a).map((data): DnsAnswer => ({ type: 'A', name, ttl, data })) : []),
    ...(type === 'AAAA' || all ? shuffled(records.aaaa).map((data): DnsAnswer => ({ type: 'AAAA', name, ttl, data })) : []),
    ...(type === 'PTR' || all ? (records.ptr ?? []).map((data): DnsAnswer => ({ type: 'PTR', name, ttl, data })) : []),
    ...((type === 'TXT' || all) && records.txt !== undefined ? [{ type: 'TXT', name, ttl, data: records.txt } as DnsAnswer] : []),
    ...((type === 'CNAME' || all) && records.cname !== undefined ? [{ type: 'CNAME', name, ttl, data: records.cname } as DnsAnswer] : []),
    ...(type === 'SRV' || all ? serviceRecords(name, records, zone) : []),
  ];
}

function serviceRecords(name: string, { srv = [] }: NameRecords, zone: Zone): DnsAnswer[] {
  const weight = Math.floor(100 / Math.max(srv.length, 1));
  const targets = srv.map(({ target, port }): DnsAnswer => ({ type: 'SRV', name, ttl, data: { priority: 0, weight, port, target } }));
  // The targets' addresses come along, as every resolver of the field sends them.
  return [
    ...targets,
    ...[...new Set(srv.map(({ target }) => target))].flatMap((target) => recordsOf(target, 'A', zone.get(target) ?? {}, zone)),
  ];
}

let turn = 0;
/** The same addresses starting elsewhere each time, so that clients that take the first one spread. */
function shuffled(addresses: readonly string[] = []): string[] {
  if (addresses.length < 2) return [...addresses];
  const start = turn++ % addresses.length;
  return [...addresses.slice(start), ...addresses.slice(0, start)];
}

function reply(
  { domain, serial }: AnswerOptions,
  result: { readonly rcode: 'NOERROR' | 'NXDOMAIN' | 'NOTIMP'; readonly answers?: readonly DnsAnswer[] },
): Reply {
  const { rcode, answers = [] } = result;
  const soa: DnsAnswer = {
    type: 'SOA',
    name: domain,
    ttl: negativeTtl,
    data: {
      mname: `ns.dns.${domain}`,
      rname: `hostmaster.${domain}`,
      serial,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: negativeTtl,
    },
  };
  return { type: 'answer', rcode, authoritative: true, answers, authorities: answers.length === 0 && rcode !== 'NOTIMP' ? [soa] : [] };
}
