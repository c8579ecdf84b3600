/**
 * One gRPC channel to an engine's socket. It gives each call a deadline, maps gRPC's codes to RuntimeError and connects again by
 * itself after the engine restarted. It knows no message of CRI.
 */
import { Client, credentials, Metadata, status, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import type { Clock } from '../../../base/index.ts';
import { RuntimeError, type RuntimeErrorCode } from '../runtime.ts';
import type { MessageCodec, WireMessage } from './protobuf.ts';

/** Largest answer that is accepted: a listing of some ten thousand containers. */
const maxMessageBytes = 64 * 1024 * 1024;

export interface Method {
  /** Such as `/runtime.v1.RuntimeService/Version`. */
  readonly path: string;
  readonly request: MessageCodec;
  readonly response: MessageCodec;
}

export interface Connection {
  /** @param options.timeoutMs 0: no deadline */
  call(method: Method, message: WireMessage, options: { readonly signal: AbortSignal; readonly timeoutMs: number }): Promise<WireMessage>;
  /** A server stream; ends when the server or the signal ends it. */
  stream(method: Method, message: WireMessage, options: { readonly signal: AbortSignal }): AsyncIterable<WireMessage>;
  close(): void;
}

/** @param socket path of a Unix socket (or a full gRPC target) */
export function connect(socket: string, clock: Clock): Connection {
  const client = new Client(socket.includes(':') ? socket : `unix:${socket}`, credentials.createInsecure(), {
    // Go's servers refuse the path of a Unix socket as an authority.
    'grpc.default_authority': 'localhost',
    'grpc.max_receive_message_length': maxMessageBytes,
    // The engine is on this machine: after a restart it is worth asking again at once.
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': 500,
  });
  return {
    call: (method, message, { signal, timeoutMs }) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason as Error);
          return;
        }
        const call = client.makeUnaryRequest(
          method.path,
          (request: WireMessage) => method.request.encode(request),
          (bytes: Buffer) => method.response.decode(bytes),
          message,
          new Metadata(),
          timeoutMs > 0 ? { deadline: clock.now() + timeoutMs } : {},
          (error, response) => {
            signal.removeEventListener('abort', cancel);
            if (error) reject(signal.aborted ? (signal.reason as Error) : toRuntimeError(error));
            else resolve(response ?? {});
          },
        );
        const cancel = (): void => call.cancel();
        signal.addEventListener('abort', cancel, { once: true });
      }),
    stream: (method, message, { signal }) => streamOf(client, method, message, signal),
    close: () => client.close(),
  };
}

async function* streamOf(client: Client, method: Method, message: WireMessage, signal: AbortSignal): AsyncIterable<WireMessage> {
  signal.throwIfAborted();
  const call: ClientReadableStream<WireMessage> = client.makeServerStreamRequest(
    method.path,
    (request: WireMessage) => method.request.encode(request),
    (bytes: Buffer) => method.response.decode(bytes),
    message,
  );
  const cancel = (): void => call.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    for await (const item of call) yield item as WireMessage;
  } catch (error) {
    signal.throwIfAborted();
    throw toRuntimeError(error as ServiceError);
  } finally {
    signal.removeEventListener('abort', cancel);
    call.cancel();
  }
}

const codes: ReadonlyMap<number, RuntimeErrorCode> = new Map([
  [status.NOT_FOUND, 'NotFound'],
  [status.ALREADY_EXISTS, 'AlreadyExists'],
  [status.INVALID_ARGUMENT, 'InvalidArgument'],
  [status.FAILED_PRECONDITION, 'FailedPrecondition'],
  [status.RESOURCE_EXHAUSTED, 'ResourceExhausted'],
  [status.DEADLINE_EXCEEDED, 'DeadlineExceeded'],
  [status.UNIMPLEMENTED, 'Unimplemented'],
  [status.UNAVAILABLE, 'Unavailable'],
]);

function toRuntimeError(error: ServiceError): RuntimeError {
  return new RuntimeError(codes.get(error.code) ?? 'Unknown', error.details ?? error.message, { cause: error });
}
