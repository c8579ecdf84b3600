/**
 * SPDY/3.1 frames as bytes: what Kubernetes' clients and container engines speak after an upgrade. Pure; it knows neither streams
 * nor sockets. Only frames that those peers use can be written; all can be read.
 * @source SPDY protocol draft 3.1
 */

/** The peer broke the protocol; the connection is of no use any more. */
export class SpdyProtocolError extends Error {
  override readonly name = 'SpdyProtocolError';
}

export type Frame =
  | { readonly type: 'synStream'; readonly streamId: number; readonly fin: boolean; readonly headerBlock: Buffer }
  | { readonly type: 'synReply' | 'headers'; readonly streamId: number; readonly fin: boolean; readonly headerBlock: Buffer }
  | { readonly type: 'rstStream'; readonly streamId: number; readonly status: number }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'goAway'; readonly lastStreamId: number }
  /** A part of a data frame, handed on as it comes; `fin` is on the last part. */
  | { readonly type: 'data'; readonly streamId: number; readonly chunk: Buffer; readonly fin: boolean }
  /** Settings, window updates and frames that are not known: nothing here depends on them. */
  | { readonly type: 'ignored'; readonly controlType: number };

/** Why a stream is reset. */
export const resetStatus = { protocolError: 1, invalidStream: 2, refusedStream: 3, cancel: 5 } as const;
/** Why a session ends. */
export const goAwayStatus = { ok: 0, protocolError: 1 } as const;

const controlType = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goAway: 7, headers: 8 } as const;
const flagFin = 1;
const headBytes = 8;
const version = 3;
const idMask = 0x7fff_ffff;
/** Longest control frame, in bytes: headers of streams are a few short words. */
const maxControlBytes = 64 * 1024;

function controlFrame(type: number, flags: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt16BE(0x8000 | version, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt32BE(payload.length, 4);
  head[4] = flags;
  return Buffer.concat([head, payload]);
}

function words(...values: number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) buffer.writeUInt32BE(value >>> 0, index * 4);
  return buffer;
}

export function synStreamFrame(streamId: number, headerBlock: Buffer): Buffer {
  // No associated stream, highest priority, no credential slot.
  return controlFrame(controlType.synStream, 0, Buffer.concat([words(streamId, 0), Buffer.alloc(2), headerBlock]));
}

export function synReplyFrame(streamId: number, headerBlock: Buffer): Buffer {
  return controlFrame(controlType.synReply, 0, Buffer.concat([words(streamId), headerBlock]));
}

export function rstStreamFrame(streamId: number, status: number): Buffer {
  return controlFrame(controlType.rstStream, 0, words(streamId, status));
}

export function pingFrame(id: number): Buffer {
  return controlFrame(controlType.ping, 0, words(id));
}

export function goAwayFrame(lastStreamId: number, status: number): Buffer {
  return controlFrame(controlType.goAway, 0, words(lastStreamId, status));
}

/** The head of a data frame; the bytes follow it on the wire as they are. @param length below 2^24 */
export function dataHead(streamId: number, length: number, fin: boolean): Buffer {
  const head = words(streamId, length);
  head[4] = fin ? flagFin : 0;
  return head;
}

/** Cuts a byte stream into frames. Data is handed on without waiting for the end of its frame. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);
  /** The data frame that is being read. */
  #data: { readonly streamId: number; readonly fin: boolean; left: number } | undefined;

  /** @throws SpdyProtocolError */
  push(chunk: Buffer): Frame[] {
    let bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const frames: Frame[] = [];
    for (;;) {
      if (this.#data) {
        if (bytes.length === 0 && this.#data.left > 0) break;
        const part = bytes.subarray(0, this.#data.left);
        bytes = bytes.subarray(part.length);
        this.#data.left -= part.length;
        const isLast = this.#data.left === 0;
        frames.push({ type: 'data', streamId: this.#data.streamId, chunk: part, fin: isLast && this.#data.fin });
        if (isLast) this.#data = undefined;
        continue;
      }
      if (bytes.length < headBytes) break;
      const flags = bytes[4]!;
      const length = bytes.readUIntBE(5, 3);
      if ((bytes[0]! & 0x80) === 0) {
        this.#data = { streamId: bytes.readUInt32BE(0) & idMask, fin: (flags & flagFin) !== 0, left: length };
        bytes = bytes.subarray(headBytes);
        continue;
      }
      if ((bytes.readUInt16BE(0) & 0x7fff) !== version) throw new SpdyProtocolError('not a frame of SPDY/3');
      if (length > maxControlBytes) throw new SpdyProtocolError(`control frame of ${length} bytes is too long`);
      if (bytes.length < headBytes + length) break;
      frames.push(parseControl(bytes.readUInt16BE(2), flags, bytes.subarray(headBytes, headBytes + length)));
      bytes = bytes.subarray(headBytes + length);
    }
    // A copy, so that a few bytes do not hold a large chunk in memory.
    this.#pending = Buffer.from(bytes);
    return frames;
  }
}

const minControlBytes: Readonly<Record<number, number>> = {
  [controlType.synStream]: 10,
  [controlType.synReply]: 4,
  [controlType.rstStream]: 8,
  [controlType.ping]: 4,
  [controlType.goAway]: 8,
  [controlType.headers]: 4,
};

function parseControl(type: number, flags: number, payload: Buffer): Frame {
  if (payload.length < (minControlBytes[type] ?? 0)) throw new SpdyProtocolError(`control frame of type ${type} is too short`);
  const fin = (flags & flagFin) !== 0;
  const streamId = payload.length >= 4 ? payload.readUInt32BE(0) & idMask : 0;
  switch (type) {
    case controlType.synStream:
      return { type: 'synStream', streamId, fin, headerBlock: payload.subarray(10) };
    case controlType.synReply:
      return { type: 'synReply', streamId, fin, headerBlock: payload.subarray(4) };
    case controlType.headers:
      return { type: 'headers', streamId, fin, headerBlock: payload.subarray(4) };
    case controlType.rstStream:
      return { type: 'rstStream', streamId, status: payload.readUInt32BE(4) };
    case controlType.ping:
      return { type: 'ping', id: payload.readUInt32BE(0) };
    case controlType.goAway:
      return { type: 'goAway', lastStreamId: streamId };
    default:
      return { type: 'ignored', controlType: type };
  }
}
