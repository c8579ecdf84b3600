/** Answers of other servers, read into records whose data stand on their own. Whatever bytes come, reading them throws nothing. */
import { type DnsRecord, compressibleNames } from './records.ts';
import { typeNumbers } from './codes.ts';
import { nameBytes, readName } from './names.ts';

export interface Response {
  readonly id: number;
  readonly truncated: boolean;
  readonly authoritative: boolean;
  readonly rcode: number;
  /** The question as the other server repeats it, capitals and all; undefined when it does not. */
  readonly question: Buffer | undefined;
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

/** @returns undefined for what is no answer */
export function parseResponse(bytes: Buffer): Response | undefined {
  if (bytes.length < 12 || bytes[2]! < 0x80) return undefined;
  const questions = bytes.readUInt16BE(4);
  let at = 12;
  for (let i = 0; i < questions; i++) {
    const name = readName(bytes, at, { pointers: i > 0 });
    if (!name || name.end + 4 > bytes.length) return undefined;
    at = name.end + 4;
  }
  const question = questions === 1 ? bytes.subarray(12, at) : undefined;
  const reader = { bytes, at };
  const sections: DnsRecord[][] = [];
  let extended = 0;
  for (const countAt of [6, 8, 10]) {
    const records: DnsRecord[] = [];
    for (let count = bytes.readUInt16BE(countAt); count > 0; count--) {
      const record = readRecord(reader);
      if (!record) return undefined;
      if (record.type === typeNumbers.OPT) extended = record.ttl >>> 24;
      else if (record.class === 1) records.push(record);
    }
    sections.push(records);
  }
  const [answers = [], authorities = [], additionals = []] = sections;
  return {
    id: bytes.readUInt16BE(0),
    truncated: (bytes[2]! & 2) !== 0,
    authoritative: (bytes[2]! & 4) !== 0,
    rcode: (extended << 4) | (bytes[3]! & 0x0f),
    question,
    answers,
    authorities,
    additionals,
  };
}

function readRecord(reader: { readonly bytes: Buffer; at: number }): (DnsRecord & { readonly class: number }) | undefined {
  const { bytes } = reader;
  const owner = readName(bytes, reader.at, { pointers: true });
  if (!owner || owner.end + 10 > bytes.length) return undefined;
  const type = bytes.readUInt16BE(owner.end);
  const from = owner.end + 10;
  const end = from + bytes.readUInt16BE(owner.end + 8);
  if (end > bytes.length) return undefined;
  const data = ownData(bytes, { type, from, end });
  if (!data) return undefined;
  reader.at = end;
  // Lifetimes are numbers of 31 bits; others mean "none". RFC 2181 §8.
  const ttl = bytes.readUInt32BE(owner.end + 4);
  const lifetime = type !== typeNumbers.OPT && ttl > 0x7fff_ffff ? 0 : ttl;
  return { name: owner.name, type, class: bytes.readUInt16BE(owner.end + 2), ttl: lifetime, data };
}

/** The data with compressed names written out. */
function ownData(
  bytes: Buffer,
  { type, from, end }: { readonly type: number; readonly from: number; readonly end: number },
): Buffer | undefined {
  // A target that should not be compressed, and sometimes is.
  const layout = type === typeNumbers.SRV ? ([6, 'name'] as const) : compressibleNames(type);
  if (!layout) return Buffer.from(bytes.subarray(from, end));
  const parts: Buffer[] = [];
  let at = from;
  for (const part of layout) {
    if (part === 'name') {
      const name = readName(bytes, at, { pointers: true });
      if (!name || name.end > end) return undefined;
      parts.push(nameBytes(name.name));
      at = name.end;
    } else {
      if (at + part > end) return undefined;
      parts.push(bytes.subarray(at, at + part));
      at += part;
    }
  }
  return at === end ? Buffer.concat(parts) : undefined;
}
