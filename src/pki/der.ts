/**
 * Reads DER (X.690), as much of it as certificate requests take. Everything it meets may come from an enemy: each length is checked
 * against what is there, nothing is read twice, and nothing nests by recursion of its own.
 */
import { PkiError } from './errors.ts';

/** One value: what it is, its bytes with its head, and those of its content. */
export interface DerValue {
  /** Class, constructed bit and number, as the first byte has them. */
  readonly tag: number;
  readonly whole: Buffer;
  readonly content: Buffer;
}

export const derTags = {
  integer: 0x02,
  bitString: 0x03,
  objectIdentifier: 0x06,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The values that stand one after the other in `bytes`. @throws PkiError INVALID_REQUEST when they are cut off */
export function readDerValues(bytes: Buffer): DerValue[] {
  const values: DerValue[] = [];
  let at = 0;
  while (at < bytes.length) {
    const { value, end } = readAt(bytes, at);
    values.push(value);
    at = end;
  }
  return values;
}

/** The one value that `bytes` are. @throws PkiError INVALID_REQUEST when more follows, or it is another */
export function readDerValue(bytes: Buffer, tag: number): DerValue {
  const { value, end } = readAt(bytes, 0);
  if (end !== bytes.length) throw malformed('syntax error: trailing data');
  return expectTag(value, tag);
}

/** @throws PkiError INVALID_REQUEST when there is no value, or one of another kind */
export function expectTag(value: DerValue | undefined, tag: number): DerValue {
  if (!value) throw malformed('syntax error: sequence truncated');
  if (value.tag !== tag) throw malformed(`structure error: tags don't match (${tag & 0x1f} vs ${value.tag & 0x1f})`);
  return value;
}

/** `1.2.840.113549.1.1.11` of an object identifier. */
export function objectIdentifierText({ content }: DerValue): string {
  const parts: number[] = [];
  let part = 0;
  for (const byte of content) {
    part = part * 128 + (byte & 0x7f);
    if (byte & 0x80) continue;
    if (parts.length === 0) {
      const first = Math.min(2, Math.floor(part / 40));
      parts.push(first, part - first * 40);
    } else parts.push(part);
    part = 0;
  }
  return parts.join('.');
}

function readAt(bytes: Buffer, at: number): { readonly value: DerValue; readonly end: number } {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) throw malformed('syntax error: data truncated');
  if ((tag & 0x1f) === 0x1f) throw malformed('structure error: unsupported tag');
  let length = first;
  let start = at + 2;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0) throw malformed('syntax error: indefinite length found (not DER)');
    if (count > 4) throw malformed('structure error: length too large');
    if (start + count > bytes.length) throw malformed('syntax error: data truncated');
    length = bytes.readUIntBE(start, count);
    start += count;
  }
  const end = start + length;
  if (end > bytes.length) throw malformed('syntax error: data truncated');
  return { value: { tag, whole: bytes.subarray(at, end), content: bytes.subarray(start, end) }, end };
}

function malformed(what: string): PkiError {
  return new PkiError('INVALID_REQUEST', `asn1: ${what}`);
}
