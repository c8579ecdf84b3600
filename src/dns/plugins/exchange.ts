/**
 * One question to one resolver. Forged answers have a hard time: each question has an id, a source port and capitals of its own, and only
 * what repeats all of them counts.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { type Clock, offAbort, onAbort } from '../../base/index.ts';
import type { ServerAddress } from '../corefile/forward-config.ts';
import { typeNumbers } from '../wire/codes.ts';
import { maxDatagram } from '../wire/message.ts';
import { nameBytes } from '../wire/names.ts';
import { parseResponse, type Response } from '../wire/response.ts';

export interface Asked {
  readonly name: string;
  readonly type: number;
  readonly dnssecOk: boolean;
  readonly recursionDesired: boolean;
  readonly forceTcp: boolean;
}

const timeoutMs = 2000;

export interface ExchangeOptions {
  readonly clock: Clock;
  /** Nobody waits for the answer any more. */
  readonly signal?: AbortSignal;
}

/** The server's answer; undefined: none that can be trusted came in time, or it cannot be reached. */
export async function exchange(server: ServerAddress, asked: Asked, options: ExchangeOptions): Promise<Response | undefined> {
  const query = encodeQuestion(asked);
  if (asked.forceTcp) return overTcp(server, query, options);
  const answer = await overUdp(server, query, options);
  return answer === 'doubtful' || (answer?.truncated ?? false) ? overTcp(server, query, options) : answer;
}

function encodeQuestion({ name, type, dnssecOk, recursionDesired }: Asked): Buffer {
  const labels = nameBytes(name);
  const coins = randomBytes(labels.length);
  // Capitals by chance, which servers repeat: draft-vixie-dnsext-dns0x20. Lengths of labels are below the letters.
  for (let i = 0; i < labels.length; i++) if (labels[i]! >= 0x61 && labels[i]! <= 0x7a && coins[i]! < 128) labels[i]! -= 32;
  const head = Buffer.alloc(12);
  head.writeUInt16BE(randomInt(0x10000), 0);
  head[2] = recursionDesired ? 1 : 0;
  head[5] = 1;
  head[11] = 1;
  const tail = Buffer.alloc(4 + 11);
  tail.writeUInt16BE(type, 0);
  tail.writeUInt16BE(1, 2);
  tail.writeUInt16BE(typeNumbers.OPT, 5);
  tail.writeUInt16BE(maxDatagram, 7);
  if (dnssecOk) tail[11] = 0x80;
  return Buffer.concat([head, labels, tail]);
}

function questionOf(query: Buffer): Buffer {
  return query.subarray(12, query.length - 11);
}

/** The answer to this very question; `doubtful` where a server does not repeat our capitals. */
function matching(query: Buffer, bytes: Buffer): Response | 'doubtful' | undefined {
  const answer = parseResponse(bytes);
  if (!answer || answer.id !== query.readUInt16BE(0)) return undefined;
  // Servers that refuse to read a question need not repeat it.
  if (!answer.question) return answer.rcode === 0 ? undefined : answer;
  const question = questionOf(query);
  if (question.equals(answer.question)) return answer;
  return question.toString('latin1').toLowerCase() === answer.question.toString('latin1').toLowerCase() ? 'doubtful' : undefined;
}

function overUdp(
  { address, port }: ServerAddress,
  query: Buffer,
  { clock, signal }: ExchangeOptions,
): Promise<Response | 'doubtful' | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    let ended = false;
    const end = (answer: Response | 'doubtful' | undefined): void => {
      if (ended) return;
      ended = true;
      timer.cancel();
      if (signal) offAbort(signal, giveUp);
      socket.close();
      resolve(answer);
    };
    const giveUp = (): void => end(undefined);
    const timer = clock.setTimer(timeoutMs, giveUp);
    if (signal) onAbort(signal, giveUp);
    socket.on('error', () => end(undefined));
    socket.on('message', (bytes) => {
      const answer = matching(query, bytes);
      if (answer) end(answer);
    });
    // Connected: packets from other addresses do not come through, and a closed port is told at once.
    socket.connect(port, address, () => {
      if (!ended) socket.send(query);
    });
  });
}

function overTcp({ address, port }: ServerAddress, query: Buffer, { clock, signal }: ExchangeOptions): Promise<Response | undefined> {
  return new Promise((resolve) => {
    let pending = Buffer.alloc(0);
    const socket = connect(port, address, () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(query.length);
      socket.write(Buffer.concat([length, query]));
    });
    const end = (answer: Response | undefined): void => {
      timer.cancel();
      if (signal) offAbort(signal, giveUp);
      socket.destroy();
      resolve(answer);
    };
    const giveUp = (): void => end(undefined);
    const timer = clock.setTimer(timeoutMs, giveUp);
    if (signal) onAbort(signal, giveUp);
    socket.on('error', () => end(undefined));
    socket.on('close', () => end(undefined));
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      if (pending.length < 2 || pending.length < 2 + pending.readUInt16BE(0)) return;
      const answer = matching(query, pending.subarray(2));
      // A connection is nobody's forgery: capitals that differ are taken.
      end(answer === 'doubtful' ? parseResponse(pending.subarray(2)) : answer);
    });
  });
}
