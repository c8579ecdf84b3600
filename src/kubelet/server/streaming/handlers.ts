/**
 * Exec, attach and port-forward as the server serves them: finds the container, asks the engine for a stream, then switches the
 * client's connection and joins the two. Everything that can fail is answered before the switch.
 * @source pkg/kubelet/server getExec, getAttach, getPortForward (v1.35)
 */
import { createWebSocketStream } from 'ws';
import type { Clock } from '../../../base/index.ts';
import { isRuntimeError, type RuntimeService } from '../../runtime/runtime.ts';
import type { PodLookup } from '../../seams.ts';
import { HttpFailure } from '../http-failure.ts';
import type { CommandClient, CommandFlags } from './command-client.ts';
import { connectEngine } from './engine-connection.ts';
import { forwardSpdy, portForwardProtocol } from './port-forward.ts';
import { runCommand } from './run-command.ts';
import { acceptSpdyCommand, spdyCommandProtocols } from './spdy-command-client.ts';
import { isWebSocket, spdyProtocol, switchToSpdy, switchToWebSocket, type UpgradeRequest, webSocketProtocol } from './upgrade.ts';
import { acceptWebSocketCommand, webSocketCommandProtocols } from './websocket-command-client.ts';
import { forwardWebSocket, webSocketPortForwardProtocols } from './websocket-port-forward.ts';

/** What the engine is spoken to in. */
const engineCommandProtocol = 'v4.channel.k8s.io';
/** Port-forward as SPDY inside of WebSocket messages, as kubectl does since 1.30. */
const tunnelProtocol = 'SPDY/3.1+portforward.k8s.io';

export interface StreamingContext {
  readonly clock: Clock;
  readonly pods: PodLookup;
  readonly runtime: Pick<RuntimeService, 'exec' | 'attach' | 'portForward'>;
  readonly signal: AbortSignal;
}

export interface ContainerTarget {
  readonly namespace: string;
  readonly pod: string;
  /** When the path names it, it must be the pod's. */
  readonly uid?: string;
  readonly container: string;
}

/** Resolves when the connection has ended. @throws HttpFailure while it is still HTTP */
export async function serveCommand(
  kind: 'exec' | 'attach',
  target: ContainerTarget,
  query: URLSearchParams,
  upgrade: UpgradeRequest,
  ctx: StreamingContext,
): Promise<void> {
  const flags = commandFlags(query);
  const accept = clientAcceptor(upgrade, flags, ctx.clock);
  const containerId = findContainerId(target, ctx.pods);
  const options = { signal: ctx.signal };
  const url = await explained(() =>
    kind === 'exec'
      ? ctx.runtime.exec({ containerId, command: query.getAll('command'), ...flags }, options)
      : ctx.runtime.attach({ containerId, ...flags }, options),
  );
  const engine = await connectEngine(url, engineCommandProtocol, ctx.signal);
  try {
    const client = await accept();
    if (client) await runCommand(client, engine, flags, ctx);
  } finally {
    engine.destroy();
  }
}

/** Resolves when the connection has ended. @throws HttpFailure while it is still HTTP */
export async function servePortForward(
  target: Omit<ContainerTarget, 'container'>,
  query: URLSearchParams,
  upgrade: UpgradeRequest,
  ctx: StreamingContext,
): Promise<void> {
  const serve = portForwarder(upgrade, query);
  const pod = findPod(target, ctx.pods);
  const sandboxId = ctx.pods.sandboxId(pod.metadata.uid);
  if (sandboxId === undefined) throw new HttpFailure(500, `failed to find sandbox for pod "${target.pod}_${target.namespace}"`);
  const url = await explained(() => ctx.runtime.portForward({ sandboxId, ports: portsOf(query) }, { signal: ctx.signal }));
  const engine = await connectEngine(url, portForwardProtocol, ctx.signal);
  try {
    await serve(engine, ctx);
  } finally {
    engine.destroy();
  }
}

/** @throws HttpFailure */
function commandFlags(query: URLSearchParams): CommandFlags {
  const asks = (...names: readonly string[]): boolean => names.some((name) => ['1', 'true'].includes(query.get(name) ?? ''));
  const tty = asks('tty');
  // A terminal has one output.
  const flags = { tty, stdin: asks('input', 'stdin'), stdout: asks('output', 'stdout'), stderr: asks('error', 'stderr') && !tty };
  if (!flags.stdin && !flags.stdout && !flags.stderr) {
    throw new HttpFailure(400, 'you must specify at least 1 of stdin, stdout, stderr');
  }
  return flags;
}

/** Chooses the protocol now and switches to it when called. @throws HttpFailure */
function clientAcceptor(upgrade: UpgradeRequest, flags: CommandFlags, clock: Clock): () => Promise<CommandClient | undefined> {
  if (isWebSocket(upgrade.request)) {
    const protocol = webSocketProtocol(upgrade.request, webSocketCommandProtocols);
    return async () => acceptWebSocketCommand(await switchToWebSocket(upgrade, protocol), protocol, flags);
  }
  const protocol = spdyProtocol(upgrade.request, spdyCommandProtocols, 'channel.k8s.io');
  return () => acceptSpdyCommand(switchToSpdy(upgrade, protocol), protocol, flags, clock);
}

type PortForwarder = (engine: Awaited<ReturnType<typeof connectEngine>>, ctx: StreamingContext) => Promise<void>;

/** @throws HttpFailure */
function portForwarder(upgrade: UpgradeRequest, query: URLSearchParams): PortForwarder {
  if (!isWebSocket(upgrade.request)) {
    const protocol = spdyProtocol(upgrade.request, [portForwardProtocol]);
    return (engine, ctx) => forwardSpdy(switchToSpdy(upgrade, protocol), engine, ctx);
  }
  const protocol = webSocketProtocol(upgrade.request, [tunnelProtocol, ...webSocketPortForwardProtocols]);
  if (protocol === tunnelProtocol) {
    return async (engine, ctx) => {
      const socket = await switchToWebSocket(upgrade, protocol);
      await forwardSpdy(createWebSocketStream(socket), engine, ctx);
    };
  }
  const ports = portsOf(query);
  if (ports.length === 0) throw new HttpFailure(400, 'query parameter "port" is required');
  return async (engine, ctx) => forwardWebSocket(await switchToWebSocket(upgrade, protocol), protocol, ports, engine, ctx);
}

function portsOf(query: URLSearchParams): number[] {
  return query
    .getAll('port')
    .flatMap((text) => text.split(','))
    .filter((text) => text !== '')
    .map((text) => {
      const port = Number(text);
      if (!Number.isInteger(port) || port < 1 || port > 65535) throw new HttpFailure(400, `invalid port ${JSON.stringify(text)}`);
      return port;
    });
}

/** @throws HttpFailure */
export function findPod({ namespace, pod, uid }: Omit<ContainerTarget, 'container'>, pods: PodLookup): { metadata: { uid: string } } {
  const found = pods.byName(namespace, pod);
  if (!found || (uid !== undefined && found.metadata.uid !== uid)) throw new HttpFailure(404, 'pod does not exist');
  return found;
}

/** @throws HttpFailure */
export function findContainerId(target: ContainerTarget, pods: PodLookup): string {
  const { uid } = findPod(target, pods).metadata;
  const containerId = pods.containerId(uid, target.container);
  if (containerId === undefined) throw new HttpFailure(500, `container not found ("${target.container}")`);
  return containerId;
}

/** The engine's refusals with their codes. @source kubelet cri/streaming/errors.go WriteError */
async function explained(call: () => Promise<string>): Promise<string> {
  try {
    return await call();
  } catch (cause) {
    if (!isRuntimeError(cause)) throw cause;
    throw new HttpFailure(cause.code === 'NotFound' ? 404 : cause.code === 'ResourceExhausted' ? 429 : 500, cause.message, { cause });
  }
}
