/** Resource records as data: what plugins make and what goes onto the wire. Their data are bytes with names written out in full. */
import { addressBytes } from './addresses.ts';
import { typeNumbers } from './codes.ts';
import { nameBytes, parseName, readName } from './names.ts';

export interface DnsRecord {
  /** Owner, in lower case. */
  readonly name: string;
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  readonly data: Uint8Array;
}

/** Names inside a record's data: offsets at which they start, for the types whose names may be compressed. @source RFC 3597 §4 */
export function compressibleNames(type: number): readonly ('name' | number)[] | undefined {
  switch (type) {
    case typeNumbers.NS:
    case typeNumbers.CNAME:
    case typeNumbers.PTR:
      return ['name'];
    case typeNumbers.MX:
      return [2, 'name'];
    case typeNumbers.SOA:
      return ['name', 'name', 20];
    default:
      return undefined;
  }
}

/** The name at which CNAME, NS, PTR, MX and SRV records point; undefined for other types. */
export function targetOf({ type, data }: DnsRecord): string | undefined {
  const at = targetOffsets.get(type);
  return at === undefined ? undefined : readName(data, at, { pointers: false })?.name;
}

const targetOffsets = new Map<number, number>([
  [typeNumbers.CNAME, 0],
  [typeNumbers.NS, 0],
  [typeNumbers.PTR, 0],
  [typeNumbers.DNAME, 0],
  [typeNumbers.MX, 2],
  [typeNumbers.SRV, 6],
]);

/** The record with another target; as it is where its type has none. */
export function withTarget(record: DnsRecord, target: string): DnsRecord {
  const at = targetOffsets.get(record.type);
  return at === undefined ? record : { ...record, data: Buffer.concat([record.data.subarray(0, at), nameBytes(target)]) };
}

/** An A or AAAA record; undefined for what is no address. */
export function addressRecord(name: string, ip: string, ttl: number): DnsRecord | undefined {
  const data = addressBytes(ip);
  return data && { name, type: data.length === 4 ? typeNumbers.A : typeNumbers.AAAA, ttl, data };
}

export function nameRecord(
  type: 'CNAME' | 'NS' | 'PTR',
  record: { readonly name: string; readonly target: string; readonly ttl: number },
): DnsRecord {
  return { name: record.name, type: typeNumbers[type], ttl: record.ttl, data: nameBytes(record.target) };
}

export interface SrvFields {
  readonly name: string;
  readonly ttl: number;
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

export function srvRecord({ name, ttl, priority, weight, port, target }: SrvFields): DnsRecord {
  const numbers = Buffer.allocUnsafe(6);
  numbers.writeUInt16BE(priority, 0);
  numbers.writeUInt16BE(weight, 2);
  numbers.writeUInt16BE(port, 4);
  return { name, type: typeNumbers.SRV, ttl, data: Buffer.concat([numbers, nameBytes(target)]) };
}

/** @param strings cut into pieces of 255 bytes */
export function txtRecord(name: string, strings: readonly string[], ttl: number): DnsRecord {
  const pieces = strings.flatMap((text) => {
    const bytes = Buffer.from(text, 'latin1');
    const cut: Buffer[] = [];
    for (let at = 0; at === 0 || at < bytes.length; at += 255) {
      const piece = bytes.subarray(at, at + 255);
      cut.push(Buffer.from([piece.length]), piece);
    }
    return cut;
  });
  return { name, type: typeNumbers.TXT, ttl, data: Buffer.concat(pieces) };
}

export interface SoaFields {
  readonly zone: string;
  readonly ttl: number;
  readonly nameServer: string;
  readonly mailbox: string;
  readonly serial: number;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  readonly minimum: number;
}

export function soaRecord(soa: SoaFields): DnsRecord {
  const numbers = Buffer.allocUnsafe(20);
  [soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum].forEach((value, index) => numbers.writeUInt32BE(value >>> 0, index * 4));
  return {
    name: soa.zone,
    type: typeNumbers.SOA,
    ttl: soa.ttl,
    data: Buffer.concat([nameBytes(soa.nameServer), nameBytes(soa.mailbox), numbers]),
  };
}

/** For how many seconds the absence that an SOA record comes with may be remembered: its minimum. @source RFC 2308 §5 */
export function soaMinimum({ data }: DnsRecord): number {
  return data.length < 20 ? 0 : Buffer.from(data.buffer, data.byteOffset, data.length).readUInt32BE(data.length - 4);
}

/**
 * A record in the text of zone files, such as `www.example.org. 60 IN A 192.0.2.1`; names are taken as full.
 * @returns a message where it is none
 */
export function parseRecord(text: string): DnsRecord | string {
  const words = text.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];
  const name = parseName(words.shift() ?? '');
  if (name === undefined) return `no name at the start of "${text}"`;
  let ttl = defaultTtl;
  if (/^\d{1,9}$/.test(words[0] ?? '')) ttl = Number(words.shift());
  if (words[0]?.toUpperCase() === 'IN') words.shift();
  const type = words.shift()?.toUpperCase() ?? '';
  const record = recordOf(type, { name, ttl }, words);
  return record ?? `cannot read the data of a record of type "${type}" in "${text}"`;
}

const defaultTtl = 3600;

function recordOf(
  type: string,
  { name, ttl }: { readonly name: string; readonly ttl: number },
  words: readonly string[],
): DnsRecord | undefined {
  const [first = '', second = '', third = '', fourth = ''] = words;
  switch (type) {
    case 'A':
    case 'AAAA': {
      const record = addressRecord(name, first, ttl);
      return record?.type === typeNumbers[type] ? record : undefined;
    }
    case 'CNAME':
    case 'NS':
    case 'PTR': {
      const target = parseName(first);
      return target === undefined ? undefined : nameRecord(type, { name, target, ttl });
    }
    case 'MX': {
      const target = parseName(second);
      const preference = numberOf(first, 0xffff);
      if (target === undefined || preference === undefined) return undefined;
      return {
        name,
        type: typeNumbers.MX,
        ttl,
        data: Buffer.concat([Buffer.from([preference >> 8, preference & 0xff]), nameBytes(target)]),
      };
    }
    case 'SRV': {
      const [priority, weight, port] = [first, second, third].map((word) => numberOf(word, 0xffff));
      const target = parseName(fourth);
      if (priority === undefined || weight === undefined || port === undefined || target === undefined) return undefined;
      return srvRecord({ name, ttl, priority, weight, port, target });
    }
    case 'TXT':
      return words.length === 0
        ? undefined
        : txtRecord(
            name,
            words.map((word) => word.replace(/^"(.*)"$/s, '$1').replaceAll(/\\(.)/gs, '$1')),
            ttl,
          );
    case 'SOA': {
      const [nameServer, mailbox] = [parseName(first), parseName(second)];
      const numbers = words.slice(2, 7).map((word) => numberOf(word, 0xffff_ffff));
      const [serial, refresh, retry, expire, minimum] = numbers;
      if (nameServer === undefined || mailbox === undefined || serial === undefined || refresh === undefined) return undefined;
      if (retry === undefined || expire === undefined || minimum === undefined) return undefined;
      return soaRecord({ zone: name, ttl, nameServer, mailbox, serial, refresh, retry, expire, minimum });
    }
    default:
      return undefined;
  }
}

function numberOf(word: string, max: number): number | undefined {
  return /^\d{1,10}$/.test(word) && Number(word) <= max ? Number(word) : undefined;
}
