/**
 * Writes the protobuf wire format from the end to the start: a message's length stands before it and is known only after it, so
 * nothing is measured or moved twice. Knows no messages.
 */
import { bytesOf, textInto } from '../json/text-codec.ts';

const firstCapacity = 16 * 1024;

/** A writer that had to grow beyond this gives the memory back. */
const maxKeptCapacity = 1024 * 1024;

/** Longer texts are left to the platform. */
const shortText = 48;

export class WireWriter {
  #bytes = new Uint8Array(firstCapacity);
  /** Where the first written byte stands. */
  #at = firstCapacity;

  /** Bytes written so far. */
  get length(): number {
    return this.#bytes.length - this.#at;
  }

  /** A copy of what was written; the writer is empty then. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.slice(this.#at);
    this.clear();
    return taken;
  }

  /** Forgets what was written, after a failure. */
  clear(): void {
    if (this.#bytes.length > maxKeptCapacity) this.#bytes = new Uint8Array(firstCapacity);
    this.#at = this.#bytes.length;
  }

  byte(value: number): void {
    if (this.#at === 0) this.#grow(1);
    this.#bytes[--this.#at] = value;
  }

  /** A tag, a length or any other number from 0 to 2^53. */
  count(value: number): void {
    if (value < 0x80) this.byte(value);
    else if (value < 0x4000) {
      if (this.#at < 2) this.#grow(2);
      this.#bytes[--this.#at] = value >>> 7;
      this.#bytes[--this.#at] = (value & 0x7f) | 0x80;
    } else this.#longCount(value);
  }

  /** A signed integer of up to 64 bits. */
  int(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0) this.count(value);
    else this.#bigCount(BigInt.asUintN(64, BigInt(value)));
  }

  double(value: number): void {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    this.raw(bytes);
  }

  raw(bytes: Uint8Array): void {
    const { length } = bytes;
    if (this.#at < length) this.#grow(length);
    this.#at -= length;
    this.#bytes.set(bytes, this.#at);
  }

  /** A text with its length before it. */
  text(text: string): void {
    const { length } = text;
    if (length > shortText) this.#longText(text);
    else if (!this.#shortText(text)) this.block(bytesOf(text));
    else this.count(length);
  }

  /** Bytes with their length before them. */
  block(bytes: Uint8Array): void {
    this.raw(bytes);
    this.count(bytes.length);
  }

  /** False when the text is not all ASCII; nothing is written then. */
  #shortText(text: string): boolean {
    const { length } = text;
    if (this.#at < length) this.#grow(length);
    const bytes = this.#bytes;
    const start = this.#at - length;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return false;
      bytes[start + i] = code;
    }
    this.#at = start;
    return true;
  }

  #longText(text: string): void {
    const { length } = text;
    if (this.#at < length) this.#grow(length);
    const start = this.#at - length;
    // Each character is at least a byte: what fits exactly is ASCII.
    if (textInto(text, this.#bytes.subarray(start, this.#at)) < length) {
      this.block(bytesOf(text));
      return;
    }
    this.#at = start;
    this.count(length);
  }

  #longCount(value: number): void {
    const bytes: number[] = [];
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
    bytes.push(rest);
    for (let i = bytes.length - 1; i >= 0; i--) this.byte(bytes[i]!);
  }

  #bigCount(value: bigint): void {
    const bytes: number[] = [];
    let rest = value;
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    for (let i = bytes.length - 1; i >= 0; i--) this.byte(bytes[i]!);
  }

  #grow(needed: number): void {
    const { length } = this;
    let capacity = this.#bytes.length * 2;
    while (capacity - length < needed) capacity *= 2;
    const bytes = new Uint8Array(capacity);
    bytes.set(this.#bytes.subarray(this.#at), capacity - length);
    this.#bytes = bytes;
    this.#at = capacity - length;
  }
}
