/**
 * Port-forward over plain WebSocket channels, as browsers and older libraries speak it: two channels a port, data and error, each
 * beginning with a message that holds the port. It forwards one connection a port.
 * @source kubelet cri/streaming/portforward/websocket.go
 */
import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { SpdySession } from '../spdy/index.ts';
import { idleLimitMs, IdleWatch } from './idle-watch.ts';
import { forward, type PortForwardContext } from './port-forward.ts';
import { channelMessage, readChannel, sendChannel } from './websocket-command-client.ts';

/** What is accepted besides the tunnel of SPDY. */
export const webSocketPortForwardProtocols = ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io'] as const;

const highWaterMark = 256 * 1024;

/** One channel as a stream. */
class Channel extends Duplex {
  readonly #socket: WebSocket;
  readonly #protocol: string;
  readonly #number: number;

  constructor(socket: WebSocket, protocol: string, number: number) {
    super({ highWaterMark });
    this.#socket = socket;
    this.#protocol = protocol;
    this.#number = number;
  }

  receive(data: Buffer): void {
    if (data.length > 0 && !this.readableEnded && !this.push(data)) this.#socket.pause();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#socket.send(channelMessage(this.#protocol, this.#number, chunk), () => done());
  }
}

/** Resolves when the client is gone. @param ports in the order of their channels */
export async function forwardWebSocket(
  socket: WebSocket,
  protocol: string,
  ports: readonly number[],
  engine: SpdySession,
  ctx: PortForwardContext,
): Promise<void> {
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const stop = (): void => {
    socket.terminate();
    engine.destroy();
  };
  using idle = new IdleWatch(ctx.clock, idleLimitMs, stop);
  ctx.signal.addEventListener('abort', stop, { once: true });
  socket.on('error', stop);
  void engine.closed.then(() => socket.close());
  const channels: Channel[] = [];
  for (const [index, port] of ports.entries()) {
    const [data, error] = [new Channel(socket, protocol, index * 2), new Channel(socket, protocol, index * 2 + 1)];
    channels.push(data, error);
    const greeting = Buffer.alloc(2);
    greeting.writeUInt16LE(port);
    void sendChannel(socket, protocol, index * 2, greeting);
    void sendChannel(socket, protocol, index * 2 + 1, greeting);
    void forward({ port: String(port), requestId: String(index), data, error }, engine, () => idle.touch());
  }
  socket.on('message', (message: Buffer) => {
    const parsed = readChannel(protocol, message);
    if (parsed && parsed.channel % 2 === 0) channels[parsed.channel]?.receive(parsed.data);
  });
  await closed;
  ctx.signal.removeEventListener('abort', stop);
  engine.destroy();
}
