/**
 * Exec and attach for clients that speak WebSocket: each message begins with the number of its channel. Since v4 the end is a
 * Status as JSON, since v5 channel 255 ends another; base64 protocols carry text, with the channel as a digit.
 * @source apimachinery util/httpstream/wsstream, KEP-4006
 */
import { Readable, Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import { type CommandClient, type CommandFlags, failureText } from './command-client.ts';

/** What the server accepts; the empty one is for clients that name none. */
export const webSocketCommandProtocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
  '',
] as const;
export type WebSocketCommandProtocol = (typeof webSocketCommandProtocols)[number];

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
const normalClosure = 1000;
/** How much of stdin waits for the container before the client is held up. */
const highWaterMark = 256 * 1024;

export function isBase64(protocol: string): boolean {
  return protocol.includes('base64');
}

export function channelMessage(protocol: string, channel: number, data: Buffer): Buffer | string {
  return isBase64(protocol) ? `${channel}${data.toString('base64')}` : Buffer.concat([Buffer.from([channel]), data]);
}

/** Sends one message of a channel; resolves when it has left this process, or the connection is gone. */
export function sendChannel(socket: WebSocket, protocol: string, channel: number, data: Buffer): Promise<void> {
  // An error means that the connection closed, which its owner hears.
  return new Promise((resolve) => socket.send(channelMessage(protocol, channel, data), () => resolve()));
}

/** Splits a message; undefined for one that names no channel. */
export function readChannel(protocol: string, message: Buffer): { readonly channel: number; readonly data: Buffer } | undefined {
  if (message.length === 0) return undefined;
  if (!isBase64(protocol)) return { channel: message[0]!, data: message.subarray(1) };
  const channel = message[0]! - 0x30;
  return channel < 0 || channel > 9 ? undefined : { channel, data: Buffer.from(message.toString('latin1', 1), 'base64') };
}

export function acceptWebSocketCommand(socket: WebSocket, protocol: WebSocketCommandProtocol, flags: CommandFlags): CommandClient {
  const stdin = flags.stdin ? new ChannelInput(socket) : undefined;
  const resize = flags.tty ? new ChannelInput(socket) : undefined;
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const inputs: ReadonlyMap<number, ChannelInput | undefined> = new Map([
    [channels.stdin, stdin],
    [channels.resize, resize],
  ]);
  socket.binaryType = 'nodebuffer';
  socket.on('error', () => socket.terminate());
  socket.on('message', (message: Buffer) => {
    const parsed = readChannel(protocol, message);
    if (!parsed) return;
    const { channel, data } = parsed;
    if (protocol === 'v5.channel.k8s.io' && channel === channels.close) {
      if (data.length === 1) inputs.get(data[0]!)?.finish();
      return;
    }
    inputs.get(channel)?.receive(data);
  });
  void closed.then(() => {
    for (const input of inputs.values()) input?.finish();
  });
  // The first message tells the client that the connection stands.
  const firstOutput = flags.stdout ? channels.stdout : flags.stderr ? channels.stderr : channels.error;
  void sendChannel(socket, protocol, firstOutput, Buffer.alloc(0));
  return {
    stdin,
    stdout: flags.stdout ? outgoing(socket, protocol, channels.stdout) : undefined,
    stderr: flags.stderr ? outgoing(socket, protocol, channels.stderr) : undefined,
    resize,
    closed,
    destroy: () => socket.terminate(),
    finish: async (status) => {
      const hasStatus = protocol === 'v5.channel.k8s.io' || protocol === 'v4.channel.k8s.io' || protocol === 'v4.base64.channel.k8s.io';
      const message = hasStatus ? status : Buffer.from(failureText(status));
      if (message.length > 0) await sendChannel(socket, protocol, channels.error, message);
      // What the client still sends must be read for its answer to the close to be seen.
      socket.resume();
      for (const input of inputs.values()) input?.resume();
      socket.close(normalClosure);
    },
  };
}

/** A channel that the client writes to. */
class ChannelInput extends Readable {
  readonly #socket: WebSocket;
  #hasEnded = false;

  constructor(socket: WebSocket) {
    super({ highWaterMark });
    this.#socket = socket;
  }

  receive(data: Buffer): void {
    if (this.#hasEnded || data.length === 0 || this.push(data)) return;
    this.#socket.pause();
  }

  finish(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.push(null);
  }

  override _read(): void {
    this.#socket.resume();
  }
}

function outgoing(socket: WebSocket, protocol: string, channel: number): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      socket.send(channelMessage(protocol, channel, chunk), () => done());
    },
  });
}
