/**
 * JSON trees as CBOR and back, with the limits and strictness of upstream: keys said twice, numbers that JSON cannot say and values
 * that are neither true, false nor null are refused; byte strings are texts; tags that nobody knows are passed over.
 * @source apimachinery runtime/serializer/cbor, internal/modes
 */
import { decode, encode } from 'cborg';
import type { Draft, JsonValue } from '../object.ts';
import { LimitedTokens } from './limited-tokens.ts';

/** Bytes that are no CBOR, or more than JSON can say. */
export class CborError extends Error {
  override readonly name = 'CborError';
}

/** "This is CBOR": a tag around every document. */
const selfDescribed = [0xd9, 0xd9, 0xf7];

/** A document; properties that are undefined are left out. */
export function encodeCbor(value: unknown): Uint8Array<ArrayBuffer> {
  const body = encode(value, { ignoreUndefinedProperties: true });
  const bytes = new Uint8Array(selfDescribed.length + body.length);
  bytes.set(selfDescribed);
  bytes.set(body, selfDescribed.length);
  return bytes;
}

/** Reads one document. @throws CborError */
export function decodeCbor(bytes: Uint8Array): Draft<JsonValue> {
  const options = {
    allowBigInt: true,
    allowUndefined: false,
    allowInfinity: false,
    allowNaN: false,
    rejectDuplicateMapKeys: true,
  };
  try {
    return decode(bytes, { ...options, tokenizer: new LimitedTokens(bytes, options) }) as Draft<JsonValue>;
  } catch (error) {
    // Everything that the library and the limits throw is about the bytes.
    throw new CborError((error as Error).message, { cause: error });
  }
}
