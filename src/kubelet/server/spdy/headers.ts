/**
 * Header blocks of SPDY: names and values, compressed with one zlib stream a direction for the life of the connection. What is sent
 * is stored, not compressed: headers of streams are a few words, stored blocks need no state and no waiting, and every peer reads
 * them.
 */
import { constants, createInflate, type Inflate } from 'node:zlib';
import { SpdyProtocolError } from './frames.ts';
import { headerDictionary } from './header-dictionary.ts';

/** Values by lower-case name. */
export type StreamHeaders = ReadonlyMap<string, string>;

/** Most bytes that one header block may unpack to, and most headers in it. */
const maxBlockBytes = 64 * 1024;
const maxHeaders = 256;
/** Deflate, 32 KiB window, no dictionary, fastest. */
const zlibHead = Buffer.from([0x78, 0x01]);
/** An empty stored block, after which a reader hands out what it has. */
const syncMark = Buffer.from([0x00, 0x00, 0x00, 0xff, 0xff]);
/** A deflate block can store no more. */
const maxStoredBytes = 0xffff;

export class HeaderEncoder {
  #isFirst = true;

  encode(headers: StreamHeaders): Buffer {
    const parts: Buffer[] = [word(headers.size)];
    for (const [name, value] of headers) parts.push(text(name.toLowerCase()), text(value));
    const plain = Buffer.concat(parts);
    const blocks: Buffer[] = this.#isFirst ? [zlibHead] : [];
    this.#isFirst = false;
    for (let from = 0; from < plain.length; from += maxStoredBytes) blocks.push(storedBlock(plain.subarray(from, from + maxStoredBytes)));
    return Buffer.concat([...blocks, syncMark]);
  }
}

function storedBlock(bytes: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt16LE(bytes.length, 1);
  head.writeUInt16LE(bytes.length ^ 0xffff, 3);
  return Buffer.concat([head, bytes]);
}

function word(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([word(bytes.length), bytes]);
}

/** Blocks must be decoded one after the other, in the order of the wire: each continues the one before. */
export class HeaderDecoder {
  readonly #inflate: Inflate;
  #output: Buffer[] = [];
  #outputBytes = 0;
  #failure: Error | undefined;
  #done: () => void = () => {};

  constructor() {
    this.#inflate = createInflate({ dictionary: headerDictionary, flush: constants.Z_SYNC_FLUSH });
    this.#inflate.on('data', (chunk: Buffer) => {
      this.#outputBytes += chunk.length;
      if (this.#outputBytes <= maxBlockBytes) this.#output.push(chunk);
    });
    this.#inflate.on('error', (error) => {
      this.#failure = error;
      this.#done();
    });
    this.#inflate.on('close', () => this.#done());
  }

  /** @throws SpdyProtocolError for what is no header block */
  async decode(block: Buffer): Promise<StreamHeaders> {
    if (this.#failure || this.#inflate.destroyed) throw new SpdyProtocolError('header block after a broken one');
    this.#output = [];
    this.#outputBytes = 0;
    // Copied: the compressor reads it later, and the block is a part of what the socket gave.
    await new Promise<void>((resolve) => {
      // After an error zlib forgets to call back.
      this.#done = resolve;
      this.#inflate.write(Buffer.from(block), () => resolve());
    });
    if (this.#failure) throw new SpdyProtocolError('header block is not zlib', { cause: this.#failure });
    if (this.#outputBytes > maxBlockBytes) throw new SpdyProtocolError('header block is too long');
    return parseBlock(Buffer.concat(this.#output));
  }

  close(): void {
    this.#inflate.destroy();
  }
}

function parseBlock(bytes: Buffer): StreamHeaders {
  const headers = new Map<string, string>();
  let at = 0;
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new SpdyProtocolError('header block is cut');
    at += length;
    return bytes.subarray(at - length, at);
  };
  const takeText = (): string => take(take(4).readUInt32BE(0)).toString('utf8');
  const count = take(4).readUInt32BE(0);
  if (count > maxHeaders) throw new SpdyProtocolError(`header block has ${count} headers`);
  for (let index = 0; index < count; index++) {
    const name = takeText();
    headers.set(name.toLowerCase(), takeText());
  }
  return headers;
}
