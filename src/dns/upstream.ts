/**
 * Questions that are not about the cluster, asked of real resolvers, with a small cache in front.
 * Invariants: every question ends, by an answer or by its deadline; the cache has a named limit and drops the oldest.
 */
import { createSocket } from 'node:dgram';
import { randomInt } from 'node:crypto';
import { connect } from 'node:net';
import packet, { type Packet, type Question } from 'dns-packet';
import type { Clock } from '../base/index.ts';

const port = 53;
const timeoutMs = 2000;
const maxCached = 4096;
/** Longest time an answer is kept, whatever it allows. */
const maxCacheMs = 30_000;
const ednsBytes = 1232;

export interface Upstream {
  /** The resolvers' answer; undefined when none of them answered in time. */
  ask(question: Question): Promise<Packet | undefined>;
}

export function createUpstream(options: { readonly servers: readonly string[]; readonly clock: Clock; readonly port?: number }): Upstream {
  const cache = new Map<string, { readonly answer: Packet; readonly untilMs: number }>();
  const target = options.port ?? port;
  return {
    ask: async (question) => {
      const key = `${question.type} ${question.name.toLowerCase()}`;
      const known = cache.get(key);
      if (known && known.untilMs > options.clock.monotonic()) return known.answer;
      cache.delete(key);
      const query = encodeQuery(question);
      for (const server of options.servers) {
        let answer = await overUdp(server, target, query, options.clock);
        if (answer?.flag_tc) answer = await overTcp(server, target, query, options.clock);
        if (!answer || answer.rcode === 'SERVFAIL' || answer.rcode === 'REFUSED') continue;
        remember(cache, key, answer, options.clock.monotonic());
        return answer;
      }
      return undefined;
    },
  };
}

interface DecodedPacket extends Packet {
  readonly rcode?: string;
  readonly flag_tc?: boolean;
}

function encodeQuery(question: Question): Buffer {
  return packet.encode({
    type: 'query',
    id: randomInt(0x10000),
    flags: packet.RECURSION_DESIRED,
    questions: [question],
    additionals: [
      { type: 'OPT', name: '.', udpPayloadSize: ednsBytes, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] },
    ],
  });
}

function remember(cache: Map<string, { answer: Packet; untilMs: number }>, key: string, answer: Packet, nowMs: number): void {
  const lifetimes = [...(answer.answers ?? []), ...(answer.authorities ?? [])].flatMap((record) =>
    'ttl' in record && record.ttl !== undefined ? [record.ttl] : [],
  );
  const keepMs = Math.min(maxCacheMs, ...lifetimes.map((seconds) => seconds * 1000));
  if (lifetimes.length === 0 || keepMs <= 0) return;
  if (cache.size >= maxCached) cache.delete(cache.keys().next().value!);
  cache.set(key, { answer, untilMs: nowMs + keepMs });
}

/** A decoded answer to this very query; anything else is somebody's forgery or noise. */
function matching(query: Buffer, bytes: Buffer): DecodedPacket | undefined {
  try {
    const answer = packet.decode(bytes) as DecodedPacket;
    return answer.type === 'response' && answer.id === query.readUInt16BE(0) ? answer : undefined;
  } catch {
    return undefined; // dns-packet throws RangeError and Error on malformed messages.
  }
}

function overUdp(server: string, target: number, query: Buffer, clock: Clock): Promise<DecodedPacket | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(server.includes(':') ? 'udp6' : 'udp4');
    const end = (answer: DecodedPacket | undefined): void => {
      timer.cancel();
      socket.close();
      resolve(answer);
    };
    const timer = clock.setTimer(timeoutMs, () => end(undefined));
    socket.once('error', () => end(undefined));
    socket.on('message', (bytes) => {
      const answer = matching(query, bytes);
      if (answer) end(answer);
    });
    // Connected: packets from other addresses do not come through.
    socket.connect(target, server, () => socket.send(query));
  });
}

function overTcp(server: string, target: number, query: Buffer, clock: Clock): Promise<DecodedPacket | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(target, server, () => socket.write(packet.streamEncode(packet.decode(query))));
    const end = (answer: DecodedPacket | undefined): void => {
      timer.cancel();
      socket.destroy();
      resolve(answer);
    };
    const timer = clock.setTimer(timeoutMs, () => end(undefined));
    socket.once('error', () => end(undefined));
    socket.once('close', () => end(undefined));
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      if (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) end(matching(query, bytes.subarray(2)));
    });
  });
}
