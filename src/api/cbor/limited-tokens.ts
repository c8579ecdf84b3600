/**
 * The tokens of a CBOR document as the tree of JSON needs them: nesting and sizes are limited, tags are taken off and acted upon, byte
 * strings become texts. Stands between the library's reader and its tree builder.
 */
import { type DecodeOptions, Token, Tokenizer, Type } from 'cborg';
import { textOf } from '../json/text-codec.ts';
import { encodeBase64 } from '../protobuf/base64.ts';

/** @source apimachinery cbor/internal/modes/decode.go */
const maxNesting = 64;
const maxItems = 1_024;

const maxInt64 = 2n ** 63n - 1n;

/** Tags that say what a byte string is to be as text, and the two whose numbers JSON cannot say. */
const tags = { epochTime: 1, bigPositive: 2, bigNegative: 3, base64Url: 21, base64: 22, base16: 23 };

export class LimitedTokens {
  readonly #tokens: Tokenizer;
  /** Items that are still to come of each list and map around here; infinite when a break ends it. */
  readonly #open: number[] = [];

  constructor(bytes: Uint8Array, options: DecodeOptions) {
    // The reader takes slices by the class of what it is given.
    this.#tokens = new Tokenizer(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), options);
  }

  done(): boolean {
    return this.#tokens.done();
  }

  pos(): number {
    return this.#tokens.pos();
  }

  next(): Token {
    let tag: number | bigint | undefined;
    let nesting = this.#open.length;
    for (;;) {
      if (this.#tokens.done()) throw new Error('unexpected EOF');
      const token = this.#tokens.next();
      if (!Type.equals(token.type, Type.tag)) {
        this.#count(token);
        return readable(token, tag);
      }
      tag = token.value as number | bigint;
      if (tag === tags.bigPositive || tag === tags.bigNegative) throw new Error(`cbor: big numbers are forbidden (tag ${tag})`);
      if (++nesting > maxNesting) throw tooDeep();
    }
  }

  #count(token: Token): void {
    const open = this.#open;
    if (Type.equals(token.type, Type.break)) {
      if (open.pop() !== Infinity) throw new Error('cbor: unexpected "break" code');
      this.#closeFull();
      return;
    }
    const last = open.length - 1;
    if (last >= 0) open[last]!--;
    const isMap = Type.equals(token.type, Type.map);
    if (isMap || Type.equals(token.type, Type.array)) {
      const items = Number(token.value);
      if (items > maxItems && items !== Infinity) {
        throw new Error(
          `cbor: exceeded max number of ${isMap ? 'key-value pairs' : 'elements'} ${maxItems} for CBOR ${isMap ? 'map' : 'array'}`,
        );
      }
      open.push(isMap ? items * 2 : items);
      if (open.length > maxNesting) throw tooDeep();
    }
    this.#closeFull();
  }

  #closeFull(): void {
    while (this.#open.at(-1) === 0) this.#open.pop();
  }
}

function tooDeep(): Error {
  return new Error(`cbor: exceeded max nested level ${maxNesting}`);
}

/** The token as JSON could say it. */
function readable(token: Token, tag: number | bigint | undefined): Token {
  const { type, value } = token;
  if (Type.equals(type, Type.bytes)) return new Token(Type.string, textOfBytes(value as Uint8Array, tag), token.encodedLength);
  if (typeof value === 'bigint' && (value > maxInt64 || value < -maxInt64 - 1n))
    throw new Error('cbor: cannot unmarshal number into int64');
  if (tag === tags.epochTime && (typeof value === 'number' || typeof value === 'bigint')) {
    return new Token(Type.string, new Date(Number(value) * 1_000).toISOString(), token.encodedLength);
  }
  return token;
}

function textOfBytes(bytes: Uint8Array, tag: number | bigint | undefined): string {
  switch (tag) {
    case tags.base64:
      return encodeBase64(bytes);
    case tags.base64Url:
      return encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
    case tags.base16:
      return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    default:
      return textOf(bytes);
  }
}
