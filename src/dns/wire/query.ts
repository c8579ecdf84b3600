/**
 * A question as it comes from the wire, read by hand: this is the path that every packet takes. Whatever bytes come, reading them ends and
 * throws nothing.
 */
import { rcodes, typeNumbers } from './codes.ts';
import { readName } from './names.ts';

export interface Edns {
  /** What the client takes in one datagram. */
  readonly udpBytes: number;
  readonly version: number;
  /** The client wants DNSSEC's records. */
  readonly dnssecOk: boolean;
}

export interface Query {
  readonly id: number;
  readonly opcode: number;
  readonly recursionDesired: boolean;
  readonly checkingDisabled: boolean;
  /** The name asked for, in lower case. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** The question as it was sent, with the client's capitals; answers repeat it. Empty when it could not be read. */
  readonly question: Buffer;
  readonly edns: Edns | undefined;
  /** Set where the message is answered with this code at once. */
  readonly fault: number | undefined;
}

const headerBytes = 12;
const noQuestion = Buffer.alloc(0);

/** @returns undefined for what is owed no answer: too short to be a message, or an answer itself */
export function parseQuery(bytes: Buffer): Query | undefined {
  if (bytes.length < headerBytes || bytes[2]! >= 0x80) return undefined;
  const opcode = (bytes[2]! >> 3) & 0x0f;
  const base = {
    id: bytes.readUInt16BE(0),
    opcode,
    recursionDesired: (bytes[2]! & 1) === 1,
    checkingDisabled: (bytes[3]! & 0x10) !== 0,
  };
  const unread = (fault: number): Query => ({ ...base, name: '', type: 0, class: 1, question: noQuestion, edns: undefined, fault });
  if (opcode !== 0) return unread(rcodes.NOTIMP);
  if (bytes.readUInt16BE(4) !== 1) return unread(rcodes.FORMERR);
  const read = readName(bytes, headerBytes, { pointers: false });
  if (!read || read.end + 4 > bytes.length) return unread(rcodes.FORMERR);
  const end = read.end + 4;
  const edns = readEdns(bytes, end);
  return {
    ...base,
    name: read.name,
    type: bytes.readUInt16BE(read.end),
    class: bytes.readUInt16BE(read.end + 2),
    question: bytes.subarray(headerBytes, end),
    edns: edns === 'malformed' ? undefined : edns,
    fault: edns === 'malformed' ? rcodes.FORMERR : edns && edns.version > 0 ? rcodes.BADVERS : undefined,
  };
}

function readEdns(bytes: Buffer, from: number): Edns | 'malformed' | undefined {
  const before = bytes.readUInt16BE(6) + bytes.readUInt16BE(8);
  const count = before + bytes.readUInt16BE(10);
  let at = from;
  let found: Edns | undefined;
  for (let i = 0; i < count; i++) {
    const name = readName(bytes, at, { pointers: true });
    if (!name || name.end + 10 > bytes.length) return 'malformed';
    const end = name.end + 10 + bytes.readUInt16BE(name.end + 8);
    if (end > bytes.length) return 'malformed';
    if (bytes.readUInt16BE(name.end) === typeNumbers.OPT) {
      // One of them, of the root, among the additional records.
      if (found || name.name !== '' || i < before) return 'malformed';
      found = {
        udpBytes: bytes.readUInt16BE(name.end + 2),
        version: bytes[name.end + 5]!,
        dnssecOk: (bytes[name.end + 6]! & 0x80) !== 0,
      };
    }
    at = end;
  }
  return found;
}
