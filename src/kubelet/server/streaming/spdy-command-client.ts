/**
 * Exec and attach for clients that speak SPDY/3.1: one stream each for stdin, stdout, stderr, the terminal's size and the end.
 * Versions differ in two things: since v3 there is a stream for sizes, since v4 the end is a Status as JSON.
 * @source kubelet cri/streaming/remotecommand (v1.35)
 */
import type { Duplex } from 'node:stream';
import type { Clock } from '../../../base/index.ts';
import { SpdySession, type SpdyStream } from '../spdy/index.ts';
import { type CommandClient, type CommandFlags, failureText } from './command-client.ts';

/** What the server accepts, best first. */
export const spdyCommandProtocols = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'] as const;
export type SpdyCommandProtocol = (typeof spdyCommandProtocols)[number];

/** How long a client may take to open its streams. @source DefaultStreamCreationTimeout */
const streamsTimeoutMs = 30_000;

type StreamType = 'stdin' | 'stdout' | 'stderr' | 'resize' | 'error';

/** Resolves when the client has opened all streams; undefined when it left or took too long. */
export async function acceptSpdyCommand(
  transport: Duplex,
  protocol: SpdyCommandProtocol,
  flags: CommandFlags,
  clock: Clock,
): Promise<CommandClient | undefined> {
  const streams = new Map<StreamType, SpdyStream>();
  const expected = expectedStreams(protocol, flags);
  const complete = Promise.withResolvers<boolean>();
  const session = new SpdySession({
    transport,
    role: 'server',
    onStream: (stream) => {
      const type = stream.headers.get('streamtype') as StreamType;
      if (!expected.has(type) || streams.has(type)) return false;
      streams.set(type, stream);
      if (streams.size === expected.size) complete.resolve(true);
      return true;
    },
  });
  using _timer = clock.setTimer(streamsTimeoutMs, () => complete.resolve(false));
  void session.closed.then(() => complete.resolve(false));
  if (!(await complete.promise)) {
    session.destroy();
    return undefined;
  }
  const error = streams.get('error')!;
  // Only we write to these, only the client to the others; what comes the other way is dropped.
  for (const type of ['error', 'stdout', 'stderr'] as const) streams.get(type)?.resume();
  return {
    stdin: streams.get('stdin'),
    stdout: streams.get('stdout'),
    stderr: streams.get('stderr'),
    resize: streams.get('resize'),
    closed: session.closed,
    destroy: () => session.destroy(),
    finish: async (status) => {
      const message = protocol === 'v4.channel.k8s.io' ? status : Buffer.from(failureText(status));
      await new Promise<void>((resolve) => error.end(message, () => resolve()));
      for (const stream of streams.values()) stream.end();
      session.close();
    },
  };
}

function expectedStreams(protocol: SpdyCommandProtocol, { stdin, stdout, stderr, tty }: CommandFlags): ReadonlySet<StreamType> {
  const types = new Set<StreamType>(['error']);
  if (stdin) types.add('stdin');
  if (stdout) types.add('stdout');
  if (stderr) types.add('stderr');
  if (tty && (protocol === 'v4.channel.k8s.io' || protocol === 'v3.channel.k8s.io')) types.add('resize');
  return types;
}
