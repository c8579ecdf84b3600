/**
 * Joins a client's forwarded connections with the container engine, which dials inside of the pod's network. Each connection is a
 * pair of streams: bytes, and an error text. One client connection and one engine connection carry any number of pairs.
 * @source kubelet cri/streaming/portforward (v1.35)
 */
import type { Duplex } from 'node:stream';
import { assert, type Clock } from '../../../base/index.ts';
import { SpdySession, type SpdyStream, type StreamHeaders } from '../spdy/index.ts';
import { idleLimitMs, IdleWatch } from './idle-watch.ts';
import { pump } from './pump.ts';

export const portForwardProtocol = 'portforward.k8s.io';

/** How long the second stream of a pair may take. @source DefaultStreamCreationTimeout */
const pairTimeoutMs = 30_000;
/** Most pairs that wait for their second stream. */
const maxHalfPairs = 1024;

export interface PortForwardContext {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** One forwarded connection of a client. */
export interface ForwardedConnection {
  readonly port: string;
  readonly requestId: string;
  readonly data: Duplex;
  readonly error: Duplex;
}

/** Serves a client that speaks SPDY over `transport`; resolves when it is gone. */
export async function forwardSpdy(transport: Duplex, engine: SpdySession, ctx: PortForwardContext): Promise<void> {
  const pairs = new StreamPairs(ctx.clock);
  const session: SpdySession = new SpdySession({
    transport,
    role: 'server',
    onStream: (stream) => {
      if (!pairs.canTake(stream)) return false;
      const pair = pairs.take(stream);
      if (pair) void forward(pair, engine, () => idle.touch());
      return true;
    },
  });
  const stop = (): void => {
    session.destroy();
    engine.destroy();
  };
  using idle: IdleWatch = new IdleWatch(ctx.clock, idleLimitMs, stop);
  ctx.signal.addEventListener('abort', stop, { once: true });
  void engine.closed.then(() => session.close());
  await session.closed;
  ctx.signal.removeEventListener('abort', stop);
  engine.destroy();
}

/** Carries one connection until both its directions are done. */
export async function forward(client: ForwardedConnection, engine: SpdySession, touch: () => void): Promise<void> {
  const { port, requestId, data, error } = client;
  const headers = (streamtype: string): StreamHeaders =>
    new Map([
      ['streamtype', streamtype],
      ['port', port],
      ['requestid', requestId],
    ]);
  try {
    const [engineError, engineData] = await Promise.all([engine.openStream(headers('error')), engine.openStream(headers('data'))]);
    // A side that gave up is told to the other, or it would wait for ever.
    engineData.once('reset', () => data.end());
    data.once('reset', () => {
      engineData.destroy();
      engineError.destroy();
    });
    engineError.end();
    error.resume();
    await Promise.all([pump(data, engineData, touch), pump(engineData, data, touch), pump(engineError, error, touch)]);
  } catch (cause) {
    error.end(cause instanceof Error ? cause.message : String(cause));
    data.destroy();
  }
}

/** Puts the two streams of a connection together, in whichever order they come. */
class StreamPairs {
  readonly #clock: Clock;
  readonly #halves = new Map<string, SpdyStream>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  canTake({ headers }: SpdyStream): boolean {
    const type = headers.get('streamtype');
    const port = Number(headers.get('port'));
    return (type === 'data' || type === 'error') && Number.isInteger(port) && port > 0 && port < 65536 && this.#halves.size < maxHalfPairs;
  }

  /** @returns the connection when the stream completes one */
  take(stream: SpdyStream): ForwardedConnection | undefined {
    const requestId = requestIdOf(stream);
    const other = this.#halves.get(requestId);
    if (!other || typeOf(other) === typeOf(stream)) {
      this.#halves.set(requestId, stream);
      const timer = this.#clock.setTimer(pairTimeoutMs, () => {
        if (this.#halves.get(requestId) !== stream) return;
        this.#halves.delete(requestId);
        stream.destroy();
      });
      stream.once('close', () => timer.cancel());
      return undefined;
    }
    this.#halves.delete(requestId);
    const [data, error] = typeOf(stream) === 'data' ? [stream, other] : [other, stream];
    const port = data.headers.get('port');
    assert(port !== undefined, 'a taken stream has a port');
    return { port, requestId, data, error };
  }
}

function typeOf(stream: SpdyStream): string | undefined {
  return stream.headers.get('streamtype');
}

/** Old clients name no request; their data stream comes right after its error stream. */
function requestIdOf(stream: SpdyStream): string {
  return stream.headers.get('requestid') ?? String(typeOf(stream) === 'error' ? stream.id : stream.id - 2);
}
