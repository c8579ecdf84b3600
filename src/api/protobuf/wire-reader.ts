/** Reads the protobuf wire format: varints, lengths, fixed numbers. Knows no messages. */
import { textOf } from '../json/text-codec.ts';

/** Bytes that are no protobuf message, or not of the type they should be. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
}

/** How a field is written. */
export type WireType = 0 | 1 | 2 | 5;

export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** The next field's number and form. @throws ProtobufError */
  tag(): { readonly field: number; readonly wire: WireType } {
    const tag = this.#count();
    const wire = tag & 7;
    if (wire !== 0 && wire !== 1 && wire !== 2 && wire !== 5) throw new ProtobufError(`proto: illegal wireType ${wire}`);
    return { field: tag >>> 3, wire };
  }

  /** An integer of up to 64 bits, signed. */
  int(): number | bigint {
    const byte = this.#bytes[this.#at];
    if (byte !== undefined && byte < 0x80 && this.#at < this.#end) {
      this.#at++;
      return byte;
    }
    const value = BigInt.asIntN(64, this.varint());
    const small = Number(value);
    return Number.isSafeInteger(small) ? small : value;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.#at >= this.#end) throw new ProtobufError('unexpected EOF');
      const byte = this.#bytes[this.#at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new ProtobufError('proto: integer overflow');
  }

  double(): number {
    const at = this.#skipBytes(8);
    return this.#view.getFloat64(at, true);
  }

  /** What a length stands before: text, bytes or a message. */
  block(): Uint8Array {
    const length = this.#count();
    const at = this.#skipBytes(length);
    return this.#bytes.subarray(at, at + length);
  }

  text(): string {
    return textOf(this.block());
  }

  skip(wire: WireType): void {
    if (wire === 0) this.varint();
    else if (wire === 2) this.block();
    else this.#skipBytes(wire === 1 ? 8 : 4);
  }

  /** A small number: a tag or a length. */
  #count(): number {
    const byte = this.#bytes[this.#at];
    if (byte !== undefined && byte < 0x80 && this.#at < this.#end) {
      this.#at++;
      return byte;
    }
    return Number(this.varint());
  }

  #skipBytes(count: number): number {
    const at = this.#at;
    if (count < 0 || at + count > this.#end) throw new ProtobufError('unexpected EOF');
    this.#at = at + count;
    return at;
  }
}
