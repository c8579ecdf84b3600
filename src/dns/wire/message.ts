/**
 * Answers on the wire. The part after the question is encoded once for a name, with names compressed, and used for every client who asks;
 * each answer is then a header, the question as that client wrote it, and these bytes.
 */
import { rcodes, typeNumbers } from './codes.ts';
import { labelsOf, readName } from './names.ts';
import type { Edns, Query } from './query.ts';
import { compressibleNames, type DnsRecord } from './records.ts';

/** An answer before it is anybody's. Immutable; what it looks like on the wire is remembered with it. */
export interface Sections {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

export class Outcome implements Sections {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
  /** Seconds that every record is given instead of its own, for what comes from a cache. */
  readonly ttl: number | undefined;
  readonly #encoded: { name: string | undefined; body: Body | undefined };

  constructor(sections: Partial<Sections> & { readonly rcode: number }, from?: { readonly outcome: Outcome; readonly ttl: number }) {
    this.rcode = sections.rcode;
    this.authoritative = sections.authoritative ?? false;
    this.answers = sections.answers ?? [];
    this.authorities = sections.authorities ?? [];
    this.additionals = sections.additionals ?? [];
    this.ttl = from?.ttl;
    this.#encoded = from ? from.outcome.#encoded : { name: undefined, body: undefined };
  }

  /** The same answer with another lifetime; shares what is encoded. */
  withTtl(ttl: number): Outcome {
    return new Outcome(this, { outcome: this, ttl });
  }

  /** The bytes after a question for `name`. */
  body(name: string): Body {
    const encoded = this.#encoded;
    if (encoded.name !== name || !encoded.body) {
      encoded.name = name;
      encoded.body = encodeBody(name, this);
    }
    return encoded.body;
  }
}

export interface Body {
  readonly bytes: Buffer;
  /** Where each record ends, in `bytes`. */
  readonly ends: readonly number[];
  /** Where each record's lifetime stands, in `bytes`. */
  readonly ttls: readonly number[];
  readonly counts: readonly [answers: number, authorities: number, additionals: number];
  /** Addresses of one name that lie beside each other, all of a size: they may start anywhere. */
  readonly addresses: { readonly at: number; readonly count: number; readonly bytes: number } | undefined;
  /** Some records were left out since no message is that long. */
  readonly cut: boolean;
}

const headerBytes = 12;
const optBytes = 11;
const maxMessage = 65_535;
const maxPointer = 0x3fff;

function encodeBody(name: string, { answers, authorities, additionals }: Sections): Body {
  const questionBytes = labelsOf(name).reduce((sum, label) => sum + label.length + 1, 1) + 4;
  const writer = new Writer(headerBytes + questionBytes);
  writer.know(name, headerBytes);
  const counts: [number, number, number] = [0, 0, 0];
  const limit = maxMessage - headerBytes - questionBytes - optBytes;
  let cut = false;
  [answers, authorities, additionals].forEach((records, section) => {
    for (const record of records) {
      if (cut) return;
      const before = writer.length;
      writer.record(record);
      if (writer.length > limit) {
        writer.dropTo(before);
        cut = true;
        return;
      }
      counts[section]!++;
    }
  });
  return {
    bytes: writer.bytes(),
    ends: writer.ends,
    ttls: writer.ttls,
    counts,
    addresses: addressRun(answers, writer.ends, counts[0]),
    cut,
  };
}

/** The addresses at the end of the answers, such as all of a headless Service. */
function addressRun(answers: readonly DnsRecord[], ends: readonly number[], count: number): Body['addresses'] {
  const last = answers[count - 1];
  if (!last || (last.type !== typeNumbers.A && last.type !== typeNumbers.AAAA)) return undefined;
  let first = count - 1;
  const start = (index: number): number => (index === 0 ? 0 : ends[index - 1]!);
  const bytes = ends[count - 1]! - start(count - 1);
  const alike = (index: number): boolean => {
    const record = answers[index]!;
    return record.type === last.type && record.name === last.name && ends[index]! - start(index) === bytes;
  };
  while (first > 0 && alike(first - 1)) first--;
  return count - first > 1 ? { at: start(first), count: count - first, bytes } : undefined;
}

class Writer {
  readonly ends: number[] = [];
  readonly ttls: number[] = [];
  readonly #known = new Map<string, number>();
  readonly #offset: number;
  #buffer = Buffer.allocUnsafe(512);
  length = 0;

  constructor(offset: number) {
    this.#offset = offset;
  }

  /** A name, and what it ends in, stands at this place of the message. */
  know(name: string, at: number): void {
    let rest = name;
    let place = at;
    while (rest !== '' && place <= maxPointer) {
      if (this.#known.has(rest)) return;
      this.#known.set(rest, place);
      const [label, after] = split(rest);
      place += label.length + 1;
      rest = after;
    }
  }

  record({ name, type, ttl, data }: DnsRecord): void {
    this.#name(name);
    this.#room(10);
    this.#buffer.writeUInt16BE(type, this.length);
    this.#buffer.writeUInt16BE(1, this.length + 2);
    this.ttls.push(this.length + 4);
    this.#buffer.writeUInt32BE(ttl >>> 0, this.length + 4);
    const lengthAt = this.length + 8;
    this.length += 10;
    const from = this.length;
    this.#data(type, data);
    this.#buffer.writeUInt16BE(this.length - from, lengthAt);
    this.ends.push(this.length);
  }

  dropTo(length: number): void {
    this.length = length;
    this.ends.pop();
    this.ttls.pop();
  }

  bytes(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.length));
  }

  #data(type: number, data: Uint8Array): void {
    const layout = compressibleNames(type);
    if (!layout) return this.#raw(data);
    let at = 0;
    for (const part of layout) {
      if (part !== 'name') {
        this.#raw(data.subarray(at, at + part));
        at += part;
        continue;
      }
      const read = readName(data, at, { pointers: false });
      // What is not of its type's form goes out as it came.
      if (!read) return this.#raw(data.subarray(at));
      this.#name(read.name);
      at = read.end;
    }
  }

  #name(name: string): void {
    let rest = name;
    while (rest !== '') {
      const known = this.#known.get(rest);
      if (known !== undefined) {
        this.#room(2);
        this.#buffer.writeUInt16BE(0xc000 | known, this.length);
        this.length += 2;
        return;
      }
      const place = this.#offset + this.length;
      if (place <= maxPointer) this.#known.set(rest, place);
      const [label, after] = split(rest);
      this.#room(label.length + 1);
      this.#buffer[this.length] = label.length;
      this.#buffer.write(label, this.length + 1, 'latin1');
      this.length += label.length + 1;
      rest = after;
    }
    this.#room(1);
    this.#buffer[this.length++] = 0;
  }

  #raw(data: Uint8Array): void {
    this.#room(data.length);
    this.#buffer.set(data, this.length);
    this.length += data.length;
  }

  #room(more: number): void {
    if (this.length + more <= this.#buffer.length) return;
    const bigger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.length + more));
    this.#buffer.copy(bigger, 0, 0, this.length);
    this.#buffer = bigger;
  }
}

/** First label, unescaped, and the rest of the name. */
function split(name: string): [label: string, rest: string] {
  let at = name.indexOf('.');
  while (at > 0 && name[at - 1] === '\\') at = name.indexOf('.', at + 1);
  const label = at < 0 ? name : name.slice(0, at);
  return [label.includes('\\') ? label.replaceAll(/\\(.)/gs, '$1') : label, at < 0 ? '' : name.slice(at + 1)];
}

/** What this server takes and sends in one datagram at most: larger ones would be cut into fragments on the way. */
export const maxDatagram = 1232;
const plainDatagram = 512;

/** How long an answer to this client may be. */
export function datagramLimit(edns: Edns | undefined): number {
  return edns ? Math.min(Math.max(edns.udpBytes, plainDatagram), maxDatagram) : plainDatagram;
}

export interface ResponseOptions {
  readonly maxBytes: number;
  /** With which of its addresses the answer starts; any whole number. */
  readonly turn: number;
}

/** The message for this client. What does not fit is left out at its end, and the message says so (TC). */
export function encodeResponse(query: Query, outcome: Outcome, { maxBytes, turn }: ResponseOptions): Buffer {
  const { question, edns } = query;
  const body = outcome.body(query.name);
  const opt = edns ? optBytes : 0;
  const bodyAt = headerBytes + question.length;
  const fits = question.length === 0 ? 0 : recordsThatFit(body, maxBytes - bodyAt - opt);
  const bodyLength = fits === 0 ? 0 : body.ends[fits - 1]!;
  const bytes = Buffer.allocUnsafe(bodyAt + bodyLength + opt);
  const truncated = body.cut || fits < body.ends.length;
  bytes.writeUInt16BE(query.id, 0);
  bytes[2] = 0x80 | (query.opcode << 3) | (outcome.authoritative ? 4 : 0) | (truncated ? 2 : 0) | (query.recursionDesired ? 1 : 0);
  bytes[3] = 0x80 | (query.checkingDisabled ? 0x10 : 0) | (outcome.rcode & 0x0f);
  const [answers, authorities] = body.counts;
  bytes.writeUInt16BE(question.length === 0 ? 0 : 1, 4);
  bytes.writeUInt16BE(Math.min(answers, fits), 6);
  bytes.writeUInt16BE(Math.max(0, Math.min(authorities, fits - answers)), 8);
  bytes.writeUInt16BE(Math.max(0, fits - answers - authorities) + (edns ? 1 : 0), 10);
  bytes.set(question, headerBytes);
  copyBody(bytes, { body, at: bodyAt, length: bodyLength, turn });
  if (outcome.ttl !== undefined) for (let i = 0; i < fits; i++) bytes.writeUInt32BE(outcome.ttl, bodyAt + body.ttls[i]!);
  if (edns) writeOpt(bytes, bodyAt + bodyLength, { rcode: outcome.rcode, dnssecOk: edns.dnssecOk });
  return bytes;
}

function recordsThatFit({ ends }: Body, room: number): number {
  let fits = ends.length;
  if (fits === 0 || ends[fits - 1]! <= room) return fits;
  let low = 0;
  while (low < fits) {
    const middle = (low + fits) >> 1;
    if (ends[middle]! <= room) low = middle + 1;
    else fits = middle;
  }
  return low;
}

function copyBody(
  to: Buffer,
  { body, at, length, turn }: { readonly body: Body; readonly at: number; readonly length: number; readonly turn: number },
): void {
  const { bytes, addresses } = body;
  const shift = addresses ? (turn % addresses.count) * addresses.bytes : 0;
  if (!addresses || shift === 0 || length <= addresses.at) {
    bytes.copy(to, at, 0, length);
    return;
  }
  const end = addresses.at + addresses.count * addresses.bytes;
  const run = Math.min(length, end) - addresses.at;
  const tail = Math.min(run, end - addresses.at - shift);
  bytes.copy(to, at, 0, addresses.at);
  bytes.copy(to, at + addresses.at, addresses.at + shift, addresses.at + shift + tail);
  bytes.copy(to, at + addresses.at + tail, addresses.at, addresses.at + run - tail);
  bytes.copy(to, at + addresses.at + run, addresses.at + run, length);
}

function writeOpt(bytes: Buffer, at: number, { rcode, dnssecOk }: { readonly rcode: number; readonly dnssecOk: boolean }): void {
  bytes[at] = 0;
  bytes.writeUInt16BE(typeNumbers.OPT, at + 1);
  bytes.writeUInt16BE(maxDatagram, at + 3);
  bytes[at + 5] = rcode >> 4;
  bytes[at + 6] = 0;
  bytes.writeUInt16BE(dnssecOk ? 0x8000 : 0, at + 7);
  bytes.writeUInt16BE(0, at + 9);
}

export const refused = new Outcome({ rcode: rcodes.REFUSED });
export const servfail = new Outcome({ rcode: rcodes.SERVFAIL });
