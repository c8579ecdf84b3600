/**
 * The streaming server of a container engine as far as its clients can tell: SPDY/3.1 with the streams of exec, attach and
 * port-forward. A "command" is a function over the streams. Real engines have their own tests.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { RuntimeError, type RuntimeService } from '../runtime/runtime.ts';
import { SpdySession, type SpdyStream } from './spdy/index.ts';

export interface CommandStreams {
  readonly stdin: SpdyStream | undefined;
  readonly stdout: SpdyStream | undefined;
  readonly stderr: SpdyStream | undefined;
  readonly resize: SpdyStream | undefined;
}

export type Command = (streams: CommandStreams) => Promise<number>;

export class FakeEngine {
  readonly #server = createServer();
  readonly #tokens = new Map<string, (transport: Duplex, request: IncomingMessage) => void>();
  readonly #sessions = new Set<SpdySession>();
  #nextToken = 1;
  /** By the command's first word. */
  readonly commands: Record<string, Command> = {};
  /** Serves a forwarded connection; the port tells which. Returns the text of an error. */
  forwarded: (port: number, data: SpdyStream) => Promise<string> = () => Promise.resolve('nothing listens');

  readonly runtime: Pick<RuntimeService, 'exec' | 'attach' | 'portForward'> = {
    exec: ({ command, stdin, stdout, stderr, tty }) => {
      const run = this.commands[command[0]!];
      if (!run) return Promise.reject(new RuntimeError('Unknown', `no command ${command[0]}`));
      return Promise.resolve(this.#offer((transport) => this.#command(transport, run, { stdin, stdout, stderr, resize: tty })));
    },
    attach: ({ stdin, stdout, stderr, tty }) =>
      Promise.resolve(
        this.#offer((transport) => this.#command(transport, this.commands['attach']!, { stdin, stdout, stderr, resize: tty })),
      ),
    portForward: () => Promise.resolve(this.#offer((transport) => this.#forward(transport))),
  };

  /** How many clients are connected. */
  get sessions(): number {
    return this.#sessions.size;
  }

  async start(): Promise<void> {
    this.#server.on('upgrade', (request, socket, head) => {
      const serve = this.#tokens.get(request.url ?? '');
      this.#tokens.delete(request.url ?? '');
      if (!serve) {
        socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      const protocol = String(request.headers['x-stream-protocol-version']);
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
      );
      if (head.length > 0) socket.unshift(head);
      serve(socket, request);
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #offer(serve: (transport: Duplex) => void): string {
    const path = `/stream/${this.#nextToken++}`;
    this.#tokens.set(path, serve);
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  #session(transport: Duplex, onStream: (stream: SpdyStream) => boolean): SpdySession {
    const session = new SpdySession({ transport, role: 'server', onStream });
    this.#sessions.add(session);
    void session.closed.then(() => this.#sessions.delete(session));
    return session;
  }

  #command(transport: Duplex, run: Command, wanted: Readonly<Record<'stdin' | 'stdout' | 'stderr' | 'resize', boolean>>): void {
    const streams = new Map<string, SpdyStream>();
    const expected = 1 + Object.values(wanted).filter(Boolean).length;
    const session = this.#session(transport, (stream) => {
      streams.set(stream.headers.get('streamtype') ?? '', stream);
      if (streams.size === expected) void serve();
      return true;
    });
    const serve = async (): Promise<void> => {
      const [stdin, stdout, stderr, resize] = ['stdin', 'stdout', 'stderr', 'resize'].map((type) => streams.get(type));
      const exitCode = await run({ stdin, stdout, stderr, resize });
      const details = { causes: [{ reason: 'ExitCode', message: String(exitCode) }] };
      const status =
        exitCode === 0 ? { status: 'Success' } : { status: 'Failure', reason: 'NonZeroExitCode', message: `exit ${exitCode}`, details };
      stdout?.end();
      stderr?.end();
      streams.get('error')!.end(JSON.stringify({ metadata: {}, ...status }), () => session.close());
    };
  }

  #forward(transport: Duplex): void {
    const halves = new Map<string, SpdyStream>();
    this.#session(transport, (stream) => {
      const id = stream.headers.get('requestid') ?? '';
      const other = halves.get(id);
      if (!other) {
        halves.set(id, stream);
        return true;
      }
      const [data, error] = stream.headers.get('streamtype') === 'data' ? [stream, other] : [other, stream];
      void this.forwarded(Number(data.headers.get('port')), data).then((text) => {
        error.end(text);
        error.resume();
        if (text !== '') data.destroy();
      });
      return true;
    });
  }
}
