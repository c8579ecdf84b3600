/**
 * How versions stand in LMDB, format 1: `log` (revision → whole version), `heads` (key → its newest version without the value) and
 * `graves` (the keys whose head is a deletion). The versions of a key are a chain from its head through `prevRevision`. Numbers are
 * doubles, little endian in records; revisions are 8 bytes big endian as keys, so that they sort.
 */
import { compareKeys } from '../key-order.ts';
import type { KeyValue } from '../store.ts';
import type { Head, Version } from '../version-table.ts';

/** Bytes of a head, and of what stands before the key in a log record. */
const headBytes = 33;
const logHeaderBytes = headBytes + 10;
const deletedFlag = 1;

/** Room for the records of one commit, so that a batch costs one allocation and one address look-up in the binding. */
export class RecordWriter {
  readonly #bytes: Buffer;
  #end = 0;

  constructor(versions: readonly Version[]) {
    let size = 0;
    // Three bytes a UTF-16 unit is the most that a key can take.
    for (const { kv } of versions) size += logHeaderBytes + kv.key.length * 3 + kv.value.byteLength;
    this.#bytes = Buffer.allocUnsafeSlow(size);
  }

  /** Encodes a version; the two records share their bytes and stay valid as long as this writer. */
  add({ kv, deleted, prevRevision }: Version): { readonly head: Uint8Array; readonly log: Uint8Array } {
    const bytes = this.#bytes;
    const start = this.#end;
    bytes.writeDoubleLE(kv.modRevision, start);
    bytes.writeDoubleLE(kv.createRevision, start + 8);
    bytes.writeDoubleLE(kv.version, start + 16);
    bytes.writeDoubleLE(kv.lease, start + 24);
    bytes[start + 32] = deleted ? deletedFlag : 0;
    bytes.writeDoubleLE(prevRevision, start + headBytes);
    const keyStart = start + logHeaderBytes;
    const keyBytes = bytes.write(kv.key, keyStart);
    bytes.writeUInt16LE(keyBytes, start + headBytes + 8);
    bytes.set(kv.value, keyStart + keyBytes);
    this.#end = keyStart + keyBytes + kv.value.byteLength;
    return { head: bytes.subarray(start, start + headBytes), log: bytes.subarray(start, this.#end) };
  }
}

export function readHead(record: Buffer): Head {
  return {
    modRevision: record.readDoubleLE(0),
    createRevision: record.readDoubleLE(8),
    version: record.readDoubleLE(16),
    lease: record.readDoubleLE(24),
    deleted: record[32] === deletedFlag,
  };
}

/** A log record as LMDB lends it: its bytes are overwritten by the next read, so what is kept is copied. */
export class LogRecord {
  readonly #record: Buffer;
  readonly #size: number;
  readonly #keyEnd: number;

  constructor(record: Buffer, size: number) {
    this.#record = record;
    this.#size = size;
    this.#keyEnd = logHeaderBytes + record.readUInt16LE(headBytes + 8);
  }

  get prevRevision(): number {
    return this.#record.readDoubleLE(headBytes);
  }

  get modRevision(): number {
    return this.#record.readDoubleLE(0);
  }

  get deleted(): boolean {
    return this.#record[32] === deletedFlag;
  }

  get key(): string {
    return this.#record.toString('utf8', logHeaderBytes, this.#keyEnd);
  }

  /** The key with its value copied out. `key` saves decoding it where the caller knows it. */
  kv(key: string = this.key): KeyValue {
    const { modRevision, createRevision, version, lease } = readHead(this.#record);
    const value = Uint8Array.prototype.slice.call(this.#record, this.#keyEnd, this.#size);
    return { key, value, createRevision, modRevision, version, lease };
  }

  get whole(): Version {
    return { kv: this.kv(), deleted: this.deleted, prevRevision: this.prevRevision };
  }
}

/** Revisions as keys, for the binding: written straight into its buffer. */
export const revisionKeys = {
  writeKey(revision: number, target: Buffer, start: number): number {
    writeUint32BE(target, Math.floor(revision / 2 ** 32), start);
    writeUint32BE(target, revision >>> 0, start + 4);
    return start + 8;
  },
  readKey(source: Buffer, start: number): number {
    return source.readUInt32BE(start) * 2 ** 32 + source.readUInt32BE(start + 4);
  },
};

/** Keys as keys: their UTF-8 bytes, so that LMDB's order is the contract's. */
export const textKeys = {
  writeKey(key: string | Uint8Array, target: Buffer, start: number): number {
    if (typeof key === 'string') return start + target.write(key, start);
    target.set(key, start);
    return start + key.byteLength;
  },
  readKey(source: Buffer, start: number, end: number): string {
    return source.toString('utf8', start, end);
  },
};

/** A bound right after all keys that start with `prefix`: no UTF-8 holds the byte 255. */
export function endOfPrefix(prefix: string): Uint8Array {
  return Buffer.concat([Buffer.from(prefix), Buffer.of(255)]);
}

/** The first key there can be after `after`, or under `prefix`; keys hold no zero byte. */
export function firstKeyOf(prefix: string, after: string): string {
  return after !== '' && compareKeys(after, prefix) >= 0 ? `${after}\u0001` : prefix || '\u0001';
}

function writeUint32BE(target: Uint8Array, value: number, start: number): void {
  target[start] = value >>> 24;
  target[start + 1] = value >>> 16;
  target[start + 2] = value >>> 8;
  target[start + 3] = value;
}
