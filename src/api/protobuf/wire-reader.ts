/** Reads the protobuf wire format: varints, lengths, fixed numbers. Knows no messages. */
import { textOf } from '../json/text-codec.ts';

/** Bytes that are no protobuf message, or not of the type they should be. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
}

/** How a field is written; 3 begins a group, which nothing here has and which is skipped. */
export type WireType = 0 | 1 | 2 | 3 | 5;

/** Groups within groups that are skipped. */
const maxGroups = 100;

/** Longer texts are left to the platform. */
const shortText = 24;

const ascii = Array.from({ length: 0x80 }, (_, code) => String.fromCharCode(code));

/** Beyond the fifth byte of a number. */
const maxScale = 2 ** 35;

export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** The next field's number and form. @throws ProtobufError */
  tag(): { readonly field: number; readonly wire: WireType } {
    const tag = this.#count();
    const wire = tag % 8;
    if (wire === 4) throw new ProtobufError('proto: wiretype end group for non-group');
    if (wire > 5) throw new ProtobufError(`proto: illegal wireType ${wire}`);
    const field = Math.floor(tag / 8) | 0;
    if (field <= 0) throw new ProtobufError(`proto: illegal tag ${field} (wire type ${tag})`);
    // The two others were refused above.
    return { field, wire: wire as WireType };
  }

  /** An integer of up to 64 bits, signed. */
  int(): number | bigint {
    const byte = this.#bytes[this.#at];
    if (byte !== undefined && byte < 0x80 && this.#at < this.#end) {
      this.#at++;
      return byte;
    }
    const small = this.#smallVarint();
    if (small !== undefined) return small;
    const value = BigInt.asIntN(64, this.varint());
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
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
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at).getFloat64(0, true);
  }

  /** What a length stands before: text, bytes or a message. */
  block(): Uint8Array {
    const length = this.#count();
    const at = this.#skipBytes(length);
    return this.#bytes.subarray(at, at + length);
  }

  text(): string {
    const length = this.#count();
    const at = this.#skipBytes(length);
    return (length <= shortText ? this.#shortAscii(at, length) : undefined) ?? textOf(this.#bytes.subarray(at, at + length));
  }

  skip(wire: WireType): void {
    if (wire === 0) this.varint();
    else if (wire === 2) this.block();
    else if (wire === 3) this.#skipGroup();
    else this.#skipBytes(wire === 1 ? 8 : 4);
  }

  #skipGroup(): void {
    const endGroup = 4;
    for (let depth = 1; depth > 0;) {
      const wire = this.#count() % 8;
      if (wire === 3) depth++;
      else if (wire === endGroup) depth--;
      else if (wire > 5) throw new ProtobufError(`proto: illegal wireType ${wire}`);
      // The two above are neither.
      else this.skip(wire as WireType);
      if (depth > maxGroups) throw new ProtobufError('exceeded max depth');
    }
  }

  /** A small number: a tag or a length. */
  #count(): number {
    const byte = this.#bytes[this.#at];
    if (byte !== undefined && byte < 0x80 && this.#at < this.#end) {
      this.#at++;
      return byte;
    }
    return this.#smallVarint() ?? Number(this.varint());
  }

  /** A number of up to five bytes; undefined, and nothing is read, when it is longer. */
  #smallVarint(): number | undefined {
    let value = 0;
    let scale = 1;
    for (let at = this.#at; at < this.#end && scale < maxScale; at++) {
      const byte = this.#bytes[at]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.#at = at + 1;
        return value;
      }
      scale *= 0x80;
    }
    return undefined;
  }

  /** Undefined when there is more in it than ASCII. */
  #shortAscii(at: number, length: number): string | undefined {
    let text = '';
    for (let i = at; i < at + length; i++) {
      const char = ascii[this.#bytes[i]!];
      if (char === undefined) return undefined;
      text += char;
    }
    return text;
  }

  #skipBytes(count: number): number {
    const at = this.#at;
    if (count < 0 || at + count > this.#end) throw new ProtobufError('unexpected EOF');
    this.#at = at + count;
    return at;
  }
}
