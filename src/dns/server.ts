/**
 * The DNS server: UDP and TCP on one address, answers from the zone, asks upstream for the rest. A malformed message is dropped; nothing a
 * client sends ends the server.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import packet, { type Answer as DnsAnswer, type DecodedPacket, type Packet } from 'dns-packet';
import type { Clock } from '../base/index.ts';
import { answer, type AnswerOptions } from './answer.ts';
import { createUpstream } from './upstream.ts';

export interface DnsServerOptions {
  readonly address: string;
  readonly port: number;
  readonly domain: string;
  readonly reverseZones: readonly string[];
  readonly upstreams: readonly string[];
  readonly upstreamPort?: number;
  readonly clock: Clock;
}

export interface DnsServer {
  /** The port that it listens on, for both transports. */
  readonly port: number;
  /** From now on questions are answered from this zone. */
  setZone(zone: AnswerOptions['zone']): void;
  close(): Promise<void>;
}

/** Without EDNS a datagram has at most 512 bytes. */
const plainUdpBytes = 512;
const maxUdpBytes = 1232;
const idleTcpMs = 10_000;
const maxTcpClients = 256;
const rcodes: Readonly<Record<string, number>> = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 };

export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  let zone: AnswerOptions['zone'] = new Map();
  let serial = 1;
  const upstream = createUpstream({
    servers: options.upstreams,
    clock: options.clock,
    ...(options.upstreamPort !== undefined && { port: options.upstreamPort }),
  });

  const respond = async (bytes: Buffer): Promise<{ response: Packet; maxBytes: number } | undefined> => {
    const query = decodeQuery(bytes);
    if (!query) return undefined;
    const edns = query.additionals?.find((record) => record.type === 'OPT');
    const maxBytes = edns ? Math.min(Math.max(edns.udpPayloadSize, plainUdpBytes), maxUdpBytes) : plainUdpBytes;
    const build = (
      rcode: string,
      records: { answers?: readonly DnsAnswer[]; authorities?: readonly DnsAnswer[]; authoritative?: boolean } = {},
    ): { response: Packet; maxBytes: number } => ({
      maxBytes,
      response: {
        type: 'response',
        id: query.id ?? 0,
        flags:
          packet.RECURSION_AVAILABLE |
          (query.flag_rd ? packet.RECURSION_DESIRED : 0) |
          (records.authoritative ? packet.AUTHORITATIVE_ANSWER : 0) |
          (rcodes[rcode] ?? 2),
        questions: query.questions ?? [],
        answers: [...(records.answers ?? [])],
        authorities: [...(records.authorities ?? [])],
        additionals: edns
          ? [
              {
                type: 'OPT',
                name: '.',
                udpPayloadSize: maxUdpBytes,
                extendedRcode: 0,
                ednsVersion: 0,
                flags: 0,
                flag_do: false,
                options: [],
              },
            ]
          : [],
      },
    });
    if (query.opcode !== 'QUERY') return build('NOTIMP');
    const [question] = query.questions ?? [];
    if (!question || query.questions!.length > 1) return build('FORMERR');
    const reply = answer(question, { zone, domain: options.domain, reverseZones: options.reverseZones, serial });
    if (reply.type === 'answer') return build(reply.rcode, reply);
    const answered = (await upstream.ask(reply.question)) as (DecodedPacket & { readonly rcode?: string }) | undefined;
    // What leads out of the zone is true even when nobody answers beyond it.
    if (!answered) return reply.prefix.length > 0 ? build('NOERROR', { answers: reply.prefix }) : build('SERVFAIL');
    return build(answered.rcode ?? 'NOERROR', {
      answers: [...reply.prefix, ...(answered.answers ?? [])],
      authorities: answered.authorities ?? [],
    });
  };

  const tcp = await listenTcp(options, async (bytes) => {
    const result = await respond(bytes);
    return result && packet.streamEncode(result.response);
  });
  const port = (tcp.address() as { port: number }).port;
  const udp = await listenUdp({ address: options.address, port }, async (bytes) => {
    const result = await respond(bytes);
    return result && truncated(result.response, result.maxBytes);
  });
  return {
    port,
    setZone: (next) => {
      zone = next;
      serial = Math.floor(options.clock.now() / 1000);
    },
    close: async () => {
      await Promise.all([new Promise<void>((resolve) => udp.close(resolve)), new Promise<void>((resolve) => tcp.close(() => resolve()))]);
    },
  };
}

/** The package decodes the operation too, which its types leave out. */
type Query = DecodedPacket & { readonly opcode?: string };

function decodeQuery(bytes: Buffer): Query | undefined {
  try {
    const query: Query = packet.decode(bytes);
    return query.type === 'query' ? query : undefined;
  } catch {
    return undefined; // Not a DNS message: dns-packet throws, and nothing is owed to whoever sent it.
  }
}

/** The message, or, where it does not fit, the question alone with the mark that says: ask by TCP. */
function truncated(response: Packet, maxBytes: number): Buffer {
  const whole = packet.encode(response);
  if (whole.length <= maxBytes) return whole;
  return packet.encode({ ...response, flags: (response.flags ?? 0) | packet.TRUNCATED_RESPONSE, answers: [], authorities: [] });
}

function listenUdp(
  at: { readonly address: string; readonly port: number },
  respond: (bytes: Buffer) => Promise<Buffer | undefined>,
): Promise<UdpSocket> {
  const socket = createSocket(at.address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (bytes, peer) => {
    void respond(bytes).then((response) => response && socket.send(response, peer.port, peer.address));
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(at.port, at.address, () => {
      socket.off('error', reject);
      // A client that is gone answers with "port unreachable"; that is its business.
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

function listenTcp(
  at: { readonly address: string; readonly port: number },
  respond: (bytes: Buffer) => Promise<Buffer | undefined>,
): Promise<Server> {
  const server = createServer((socket) => serveConnection(socket, respond));
  server.maxConnections = maxTcpClients;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.address, () => resolve(server));
  });
}

function serveConnection(socket: Socket, respond: (bytes: Buffer) => Promise<Buffer | undefined>): void {
  let pending = Buffer.alloc(0);
  socket.setTimeout(idleTcpMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const length = pending.readUInt16BE(0);
      const message = pending.subarray(2, 2 + length);
      pending = pending.subarray(2 + length);
      void respond(message).then((response) => (response ? socket.write(response) : socket.destroy()));
    }
  });
}
