/** The sockets of one address and port: datagrams and connections. Nothing a client sends ends them. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, isIP, type Server, type Socket } from 'node:net';
import type { Client } from '../plugins/plugin.ts';

export type Respond = (bytes: Buffer, client: Client) => Buffer | undefined | Promise<Buffer | undefined>;

export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

const idleTcpMs = 10_000;
const maxTcpClients = 256;
/** Questions of one connection that wait for their answers at once. */
const maxPipelined = 64;
/** Room for bursts: the kernel drops what does not fit. */
const receiveBytes = 4 * 1024 * 1024;

/** @throws the system's error when the address is taken */
export async function listen(at: { readonly address: string; readonly port: number }, respond: Respond): Promise<Listener> {
  const udp = await listenUdp(at, respond);
  const { port } = udp.address();
  let tcp: Server;
  try {
    tcp = await listenTcp({ ...at, port }, respond);
  } catch (err) {
    udp.close();
    throw err;
  }
  const connections = new Set<Socket>();
  tcp.on('connection', (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
  });
  return {
    port,
    close: async () => {
      for (const socket of connections) socket.destroy();
      await Promise.all([
        new Promise<void>((resolve) => udp.close(() => resolve())),
        new Promise<void>((resolve) => tcp.close(() => resolve())),
      ]);
    },
  };
}

function listenUdp(at: { readonly address: string; readonly port: number }, respond: Respond): Promise<UdpSocket> {
  // Answers go to addresses: looking each up as a name would cost a turn of the event loop.
  const lookup = (address: string, _options: unknown, found: (err: null, address: string, family: number) => void): void =>
    found(null, address, isIP(address));
  const socket = createSocket({ type: at.address.includes(':') ? 'udp6' : 'udp4', lookup });
  // A client that is gone is told of by errors; that is its business.
  const send = (response: Buffer | undefined, peer: { readonly port: number; readonly address: string }): void => {
    if (response) socket.send(response, peer.port, peer.address);
  };
  socket.on('message', (bytes, peer) => {
    if (peer.port === 0) return;
    const response = respond(bytes, { address: peer.address, port: peer.port, transport: 'udp' });
    if (response instanceof Promise) void response.then((ready) => send(ready, peer));
    else send(response, peer);
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(at.port, at.address, () => {
      socket.off('error', reject);
      socket.on('error', () => {});
      socket.setRecvBufferSize(receiveBytes);
      resolve(socket);
    });
  });
}

function listenTcp(at: { readonly address: string; readonly port: number }, respond: Respond): Promise<Server> {
  const server = createServer((socket) => serveConnection(socket, respond));
  server.maxConnections = maxTcpClients;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.address, () => resolve(server));
  });
}

function serveConnection(socket: Socket, respond: Respond): void {
  const client: Client = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0, transport: 'tcp' };
  let pending: Buffer = Buffer.alloc(0);
  let waiting = 0;
  socket.setTimeout(idleTcpMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  const answer = async (message: Buffer): Promise<void> => {
    const response = await respond(message, client);
    waiting--;
    if (!response) return void socket.destroy();
    const length = Buffer.allocUnsafe(2);
    length.writeUInt16BE(response.length);
    if (!socket.destroyed) socket.write(Buffer.concat([length, response]));
    take();
  };
  const take = (): void => {
    while (waiting < maxPipelined && pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0);
      const message = pending.subarray(2, end);
      pending = pending.subarray(end);
      waiting++;
      void answer(message);
    }
    if (waiting >= maxPipelined) socket.pause();
    else socket.resume();
  };
  socket.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    take();
  });
}
