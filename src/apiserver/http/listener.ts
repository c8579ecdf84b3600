/**
 * HTTP/2 and HTTP/1.1 over TLS on one port. Who is behind a connection is found out once a connection; session memory, streams and
 * resets are limited on purpose.
 */
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ServerResponse as Http1Response } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Clock, Logger, Random } from '../../base/index.ts';
import { noCertificate, type Peer, PeerReader } from '../auth/client-certificate.ts';
import type { Exchange } from './exchange.ts';
import { HandshakeAdmission } from './handshake-admission.ts';
import { Http1Exchange } from './http1-exchange.ts';
import { Http2Exchange } from './http2-exchange.ts';

export interface TlsFiles {
  /** PEM: the server's certificate with its chain, and its key. */
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** PEM: authorities of client certificates; undefined: none are accepted. */
  readonly clientCa?: string | Buffer | undefined;
  /** PEM: authorities of front proxies, who name users in headers; undefined: nobody does. */
  readonly frontProxyCa?: string | undefined;
}

export interface ListenAddress {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** @source upstream allows as many streams on a connection */
const maxConcurrentStreams = 100;
/** Megabytes that one HTTP/2 session may hold: watches that wait and lists on their way. */
const maxSessionMemoryMb = 256;
const streamWindowBytes = 256 * 1024;
const sessionWindowBytes = 2 * 1024 * 1024;
/** A client may reset many watches at once, but not thousands for long. */
const streamResets = { streamResetBurst: 2_000, streamResetRate: 200 };
/** The head of a request: long label selectors have to fit. */
const maxHeadBytes = 256 * 1024;
const maxHeaders = 2_000;
/** A connection that says nothing and waits for nothing is closed. @source Go's http.Server as upstream sets it up */
const idleMs = 90_000;
const headersTimeoutMs = 32_000;
/** What node:http and node:tls are told, which node:http2 passes on to them. */
const headLimits = { handshakeTimeout: headersTimeoutMs, maxHeaderSize: maxHeadBytes, maxHeaderListPairs: maxHeaders };
/** Clients that vanished without a word are found by TCP. */
const tcpKeepAliveMs = 60_000;

export class Listener {
  /** Takes connections; what speaks over them is `#server`'s, once their handshake may begin. */
  readonly #acceptor: TcpServer;
  readonly #handshakes: HandshakeAdmission;
  readonly #server: Http2SecureServer;
  readonly #serve: (exchange: Exchange) => Promise<void>;
  readonly #goaway: { readonly chance: number; readonly random: Random };
  readonly #peerReader: PeerReader;
  /** Found out once a connection. */
  readonly #peers = new WeakMap<object, Peer>();
  readonly #sessions = new Set<Http2Session>();
  readonly #sockets = new Set<TLSSocket>();
  /** Connections without their TLS, by where the client is. */
  readonly #admitted = new Map<string, Socket>();

  constructor(options: {
    readonly tls: TlsFiles;
    readonly log: Logger;
    readonly clock: Clock;
    readonly random: Random;
    /** How probably a request ends its HTTP/2 connection, so that clients spread over servers; 0: never. */
    readonly goawayChance: number;
    readonly serve: (exchange: Exchange) => Promise<void>;
  }) {
    this.#serve = options.serve;
    this.#goaway = { chance: options.goawayChance, random: options.random };
    const { cert, key, clientCa, frontProxyCa } = options.tls;
    this.#peerReader = new PeerReader({ clients: clientCa?.toString() ?? '', frontProxies: frontProxyCa });
    const authorities = [clientCa, frontProxyCa].filter((pem) => pem !== undefined);
    this.#server = createSecureServer({
      allowHTTP1: true,
      cert,
      key,
      ...(authorities.length > 0 && { ca: authorities }),
      requestCert: authorities.length > 0,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      ...headLimits,
      settings: { maxConcurrentStreams, initialWindowSize: streamWindowBytes, maxHeaderListSize: maxHeadBytes },
      maxSessionMemory: maxSessionMemoryMb,
      ...streamResets,
    });
    this.#handshakes = new HandshakeAdmission({
      clock: options.clock,
      begin: (socket) => void this.#server.emit('connection', socket),
    });
    this.#acceptor = createTcpServer({ pauseOnConnect: true }, (socket) => {
      // Where the client is, names the connection in both of its forms.
      const client = clientOf(socket);
      this.#admitted.set(client, socket);
      socket.once('close', () => this.#admitted.delete(client));
      this.#handshakes.add(socket);
    });
    this.#wire(options.log);
  }

  /** @returns the address, with the port that was taken */
  listen(address: ListenAddress): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#acceptor.once('error', reject);
      this.#acceptor.listen({ host: address.host, port: address.port }, () => {
        this.#acceptor.removeListener('error', reject);
        // A TCP server has an address with a port.
        resolve(this.#acceptor.address() as AddressInfo);
      });
    });
  }

  /** Takes no new connection and tells HTTP/2 clients to go elsewhere. */
  drain(): void {
    this.#acceptor.close();
    this.#handshakes.close();
    for (const session of this.#sessions) session.close();
  }

  /** Lets connections send what they have and end; resolves when all have. */
  finish(): Promise<void> {
    // HTTP/2 sessions were told by `drain` and end by themselves.
    for (const socket of this.#sockets) if (socket.alpnProtocol !== 'h2') socket.end();
    if (this.#sockets.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      for (const socket of this.#sockets) {
        socket.once('close', () => {
          if (this.#sockets.size === 0) resolve();
        });
      }
    });
  }

  /** Breaks off what is still open. */
  destroy(): void {
    for (const session of this.#sessions) session.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }

  #wire(log: Logger): void {
    const server = this.#server;
    server.on('request', (request, response) => {
      // With only HTTP/1.1 left for this event, these are node:http's own classes.
      this.#http1(request as unknown as IncomingMessage, response as unknown as ServerResponse);
    });
    // Listening for 'request' makes Node serve HTTP/2 through its compatibility layer as well; streams are ours.
    server.removeAllListeners('stream');
    // A server's streams are server streams.
    server.on('stream', (stream, headers, flags, lines) => this.#http2(stream as ServerHttp2Stream, headers, { flags, lines }));
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => this.#upgrade(request, socket, head));
    server.on('session', (session) => {
      this.#sessions.add(session);
      session.setLocalWindowSize(sessionWindowBytes);
      // Streams that are open, such as a quiet watch, go on; new ones need a new session.
      session.setTimeout(idleMs, () => session.close());
      session.once('close', () => this.#sessions.delete(session));
      session.on('error', (error) => log.debug('HTTP/2 session failed', { err: error }));
    });
    server.on('secureConnection', (socket) => {
      const admitted = this.#admitted.get(clientOf(socket));
      if (admitted) this.#handshakes.done(admitted);
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.setNoDelay(true);
      socket.setKeepAlive(true, tcpKeepAliveMs);
    });
    server.on('sessionError', () => {});
    server.on('tlsClientError', (error) => log.debug('TLS handshake failed', { err: error }));
    Object.assign(server, { keepAliveTimeout: idleMs, headersTimeout: headersTimeoutMs, maxHeadersCount: maxHeaders });
  }

  #http2(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    { flags, lines }: { readonly flags: number; readonly lines: readonly string[] },
  ): void {
    // A stream whose client went away fails quietly; answers look at `destroyed`.
    stream.on('error', () => {});
    const { session } = stream;
    if (!session) return;
    const endStream = 1;
    const { chance, random } = this.#goaway;
    // Requests that are under way go on.
    if (chance > 0 && random.next() < chance) session.close();
    void this.#serve(
      new Http2Exchange(stream, headers, {
        peer: this.#peerOf(session, session.socket as TLSSocket),
        lines,
        hasBody: (flags & endStream) === 0,
      }),
    );
  }

  #http1(request: IncomingMessage, response: ServerResponse): void {
    // The server speaks only TLS.
    const socket = request.socket as TLSSocket;
    response.on('error', () => {});
    void this.#serve(new Http1Exchange(request, response, { peer: this.#peerOf(socket, socket) }));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {});
    const response = new Http1Response(request);
    // The socket of an upgrade is the TLS socket of its connection.
    const tlsSocket = socket as TLSSocket;
    let assigned = false;
    const upgrade = { socket, head, headers: request.headers };
    const exchange = new Http1Exchange(request, response, { peer: this.#peerOf(tlsSocket, tlsSocket), upgrade });
    // An ordinary answer (a refusal) still has to go out as HTTP.
    exchange.beforeAnswer = () => {
      if (assigned) return;
      assigned = true;
      response.assignSocket(tlsSocket);
      response.shouldKeepAlive = false;
      response.once('finish', () => tlsSocket.end());
    };
    void this.#serve(exchange);
  }

  #peerOf(connection: object, socket: TLSSocket): Peer {
    let peer = this.#peers.get(connection);
    if (peer === undefined) this.#peers.set(connection, (peer = this.#readPeer(socket)));
    return peer;
  }

  #readPeer(socket: TLSSocket): Peer {
    const certificate = socket.getPeerCertificate(this.#peerReader.readsChains);
    return certificate ? this.#peerReader.read(certificate, socket.authorized) : noCertificate;
  }
}

function clientOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? ''} ${remotePort ?? ''}`;
}
