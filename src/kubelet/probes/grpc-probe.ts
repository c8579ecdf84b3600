/** Probes by the gRPC health checking protocol, without TLS. @source pkg/probe/grpc, grpc.health.v1 */
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { formatDuration } from '../../api/index.ts';
import type { Clock } from '../../base/index.ts';
import { joinHostPort } from './network-error.ts';
import { type ProbeOutcome, probeUserAgent } from './outcome.ts';

export interface GrpcTarget {
  readonly host: string;
  readonly port: number;
  /** Empty: the server as a whole. */
  readonly service: string;
  readonly timeoutMs: number;
}

const servingStatus = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

export async function grpcProbe(target: GrpcTarget, clock: Clock, signal: AbortSignal): Promise<ProbeOutcome> {
  const address = joinHostPort(target.host, target.port);
  const timeout = formatDuration(target.timeoutMs);
  const options = { 'grpc.primary_user_agent': probeUserAgent, 'grpc.enable_http_proxy': 0, 'grpc.use_local_subchannel_pool': 1 };
  const client = new Client(address, credentials.createInsecure(), options);
  const deadline = new Date(clock.now() + target.timeoutMs);
  const onAbort = (): void => client.close();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const isReady = await new Promise<boolean>((resolve) => client.waitForReady(deadline, (error) => resolve(error === undefined)));
    signal.throwIfAborted();
    if (!isReady) {
      return {
        result: 'failure',
        output: `timeout: failed to connect service ${JSON.stringify(address)} within ${timeout}: context deadline exceeded`,
      };
    }
    const serving = await check(client, target.service, deadline);
    if (serving === 'SERVING') return { result: 'success', output: 'service healthy' };
    return { result: 'failure', output: `service unhealthy (responded with ${JSON.stringify(serving)})` };
  } catch (error) {
    signal.throwIfAborted();
    return { result: 'failure', output: failureText(error as ServiceError, timeout) };
  } finally {
    signal.removeEventListener('abort', onAbort);
    client.close();
  }
}

/** @throws ServiceError */
function check(client: Client, service: string, deadline: Date): Promise<string> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      (name: string) => Buffer.from(name === '' ? [] : protobuf.Writer.create().uint32(0x0a).string(name).finish()),
      decodeStatus,
      service,
      new Metadata(),
      { deadline },
      (error, answer) => (error ? reject(error) : resolve(answer ?? 'UNKNOWN')),
    );
  });
}

/** HealthCheckResponse has one field: `status = 1`, an enum. */
function decodeStatus(bytes: Buffer): string {
  const reader = protobuf.Reader.create(bytes);
  let value = 0;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === 0x08) value = reader.int32();
    else reader.skipType(tag & 7);
  }
  return servingStatus[value] ?? String(value);
}

function failureText({ code, details }: ServiceError, timeout: string): string {
  if (code === status.UNIMPLEMENTED) {
    return `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${details}`;
  }
  if (code === status.DEADLINE_EXCEEDED) return `timeout: health rpc did not complete within ${timeout}`;
  return `error: health rpc probe failed: rpc error: code = ${codeName(code)} desc = ${details}`;
}

/** `NotFound` for NOT_FOUND: the names that Go's library prints. */
function codeName(code: status): string {
  if (code === status.CANCELLED) return 'Canceled';
  return (status[code] ?? 'UNKNOWN').toLowerCase().replaceAll(/(?:^|_)([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
