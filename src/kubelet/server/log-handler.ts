/**
 * `/containerLogs/NAMESPACE/POD/CONTAINER`: finds which instance's log is meant, says why there is none, and streams it.
 * @source pkg/kubelet/server getContainerLogs, pkg/kubelet/kubelet_pods.go validateContainerLogStatus (v1.35)
 */
import type { ServerResponse } from 'node:http';
import { containerStatusOf, type corev1, goQuote } from '../../api/index.ts';
import type { Clock } from '../../base/index.ts';
import { type LogRequest, type LogStream, readContainerLog, timestampNanos } from '../logs/index.ts';
import type { PodLookup } from '../seams.ts';
import { HttpFailure } from './http-failure.ts';

export interface LogTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export interface LogHandlerContext {
  readonly clock: Clock;
  readonly pods: PodLookup;
  /** Ends when the client leaves. */
  readonly signal: AbortSignal;
}

/** @throws HttpFailure before the answer has begun */
export async function serveContainerLogs(
  target: LogTarget,
  query: URLSearchParams,
  response: ServerResponse,
  ctx: LogHandlerContext,
): Promise<void> {
  const request = logRequest(target, query, ctx);
  const write = (bytes: Buffer): Promise<void> => {
    begin(response);
    // Copied by the socket only when it cannot take it at once; the reader waits then.
    return new Promise((resolve, reject) => {
      if (ctx.signal.aborted) reject(ctx.signal.reason as Error);
      else response.write(Buffer.from(bytes), () => resolve());
    });
  };
  try {
    // The header goes out at once: a follower may wait long for the first line.
    if (request.follow) begin(response);
    await readContainerLog(request, write, ctx);
  } catch (error) {
    if (ctx.signal.aborted) return;
    if (response.headersSent) throw error;
    throw new HttpFailure(400, logFailure(error, request.path), { cause: error });
  }
  begin(response);
  response.end();
}

function begin(response: ServerResponse): void {
  if (response.headersSent) return;
  response.writeHead(200, { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' });
  response.flushHeaders();
}

function logFailure(error: unknown, path: string): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ENOENT'
    ? `failed to try resolving symlinks in path ${goQuote(path)}: lstat ${path}: no such file or directory`
    : message;
}

/** @throws HttpFailure */
function logRequest(
  { namespace, pod: podName, container }: LogTarget,
  query: URLSearchParams,
  { clock, pods }: LogHandlerContext,
): LogRequest {
  const pod = pods.byName(namespace, podName);
  if (!pod) throw new HttpFailure(404, `pod ${goQuote(podName)} does not exist\n`);
  const { spec } = pod;
  const names = [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])].map(({ name }) => name);
  if (!names.includes(container)) throw new HttpFailure(404, `container ${goQuote(container)} not found in pod ${goQuote(podName)}\n`);
  const { uid } = pod.metadata;
  const status = pods.status(uid) ?? pod.status;
  const which = instanceOf(status, container, podName, asks(query, 'previous'));
  const path = pods.logPath(uid, container, which === 'last');
  if (path === undefined) throw new HttpFailure(400, `container ${goQuote(container)} in pod ${goQuote(podName)} is not available`);
  const containerId = pods.containerId(uid, container, which === 'last');
  const running = (): boolean =>
    which === 'current' &&
    pods.containerId(uid, container) === containerId &&
    containerStatus(pods.status(uid), container)?.state?.running !== undefined;
  return { path, running, follow: asks(query, 'follow'), ...logOptions(query, clock) };
}

function asks(query: URLSearchParams, name: string): boolean {
  return ['true', '1'].includes(query.get(name) ?? '');
}

function containerStatus(status: corev1.PodStatus | undefined, name: string): corev1.ContainerStatus | undefined {
  return (
    containerStatusOf(status?.containerStatuses, name) ??
    containerStatusOf(status?.initContainerStatuses, name) ??
    containerStatusOf(status?.ephemeralContainerStatuses, name)
  );
}

/** Which instance has the log: the newest, or the one before. @throws HttpFailure that says why neither */
function instanceOf(status: corev1.PodStatus | undefined, container: string, podName: string, previous: boolean): 'current' | 'last' {
  const about = `container ${goQuote(container)} in pod ${goQuote(podName)}`;
  const found = containerStatus(status, container);
  if (!found) throw new HttpFailure(400, `${about} is not available`);
  const last = found.lastState?.terminated;
  const { running, terminated, waiting } = found.state ?? {};
  if (previous) {
    if (!last?.containerID) throw new HttpFailure(400, `previous terminated ${about} not found`);
    return 'last';
  }
  if (running || terminated?.containerID) return 'current';
  if (last?.containerID) return 'last';
  if (terminated || last) throw new HttpFailure(400, `${about} is terminated`);
  if (!waiting) throw new HttpFailure(400, `${about} is waiting to start - no logs yet`);
  throw new HttpFailure(400, `${about} is waiting to start: ${waitingTexts[waiting.reason ?? ''] ?? waiting.reason ?? ''}`);
}

const waitingTexts: Readonly<Record<string, string>> = {
  ErrImagePull: "image can't be pulled",
  ImagePullBackOff: 'trying and failing to pull image',
};

/** @throws HttpFailure */
function logOptions(
  query: URLSearchParams,
  clock: Clock,
): Pick<LogRequest, 'stream' | 'timestamps' | 'sinceNanos' | 'limitBytes' | 'tailLines'> {
  const stream = query.get('stream') ?? 'All';
  if (stream !== 'All' && stream !== 'Stdout' && stream !== 'Stderr') throw new HttpFailure(422, `invalid stream ${goQuote(stream)}`);
  const tailLines = integer(query, 'tailLines');
  const limitBytes = integer(query, 'limitBytes');
  const sinceSeconds = integer(query, 'sinceSeconds');
  const sinceTime = query.get('sinceTime');
  const sinceNanos =
    sinceSeconds !== undefined ? BigInt(Math.floor(clock.now() - sinceSeconds * 1000)) * 1_000_000n : timestampNanos(sinceTime ?? '');
  if (sinceTime !== null && sinceTime !== '' && sinceNanos === undefined)
    throw new HttpFailure(400, 'Unable to decode the request for container logs: sinceTime');
  return {
    stream: stream satisfies LogStream,
    timestamps: asks(query, 'timestamps'),
    ...(tailLines !== undefined && { tailLines }),
    ...(limitBytes !== undefined && { limitBytes }),
    ...(sinceNanos !== undefined && { sinceNanos }),
  };
}

/** @throws HttpFailure */
function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '' || text === 'all') return undefined;
  if (!/^\d+$/.test(text)) throw new HttpFailure(400, `Unable to decode the request for container logs: ${name}`);
  return Number(text);
}
