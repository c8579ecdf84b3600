/**
 * The engine over CRI v1: each call is one RPC with its deadline. It holds no state beside the connection, so an engine that restarts
 * is simply asked again.
 */
import type { Clock } from '../../../base/index.ts';
import type { CallOptions, ContainerFilter, ImageService, Runtime, RuntimeService, StringMap } from '../runtime.ts';
import { isRuntimeError, RuntimeError } from '../runtime.ts';
import { type Connection, connect, type Method } from './connection.ts';
import { containerdEvents } from './containerd-events.ts';
import * as decode from './decode.ts';
import { encodeAuth, encodeContainerConfig, encodeImage, encodeResources, encodeSandboxConfig } from './encode.ts';
import { criEnums, criMessages } from './gen/cri-v1.ts';
import { createProtocol, type WireMessage } from './protobuf.ts';

export interface CriOptions {
  /** Path of the engine's socket, shorter than 108 bytes. */
  readonly socket: string;
  readonly clock: Clock;
  /** Deadline of calls that have none of their own. Default 2 min, as upstream's runtimeRequestTimeout. */
  readonly timeoutMs?: number;
  /** Deadline of pulling an image. Default 30 min: a pull is ended by lack of progress in the engine, hardly ever by this. */
  readonly pullTimeoutMs?: number;
}

const codec = createProtocol({ messages: criMessages, enums: criEnums });

function method(service: 'RuntimeService' | 'ImageService', name: string, request = `${name}Request`): Method {
  return { path: `/runtime.v1.${service}/${name}`, request: codec(request), response: codec(request.replace(/Request$/, 'Response')) };
}

/** Opens the connection lazily: a runtime can be made before its engine runs; calls then fail with Unavailable. */
export function createCriRuntime(options: CriOptions): Runtime {
  const connection = connect(options.socket, options.clock);
  const timeoutMs = options.timeoutMs ?? 120_000;
  return {
    runtime: runtimeService(connection, timeoutMs),
    images: imageService(connection, timeoutMs, options.pullTimeoutMs ?? 1_800_000),
    close: () => {
      connection.close();
      return Promise.resolve();
    },
  };
}

function caller(connection: Connection, service: 'RuntimeService' | 'ImageService', defaultTimeoutMs: number) {
  const methods = new Map<string, Method>();
  return (name: string, message: WireMessage, { signal }: CallOptions, timeoutMs = defaultTimeoutMs): Promise<WireMessage> => {
    let found = methods.get(name);
    if (!found) methods.set(name, (found = method(service, name)));
    return connection.call(found, message, { signal, timeoutMs });
  };
}

function list(message: WireMessage, field: string): readonly WireMessage[] {
  return message[field] as readonly WireMessage[];
}

/** A nested message that the protocol promises. @throws RuntimeError when the engine left it out */
function nested(message: WireMessage, field: string): WireMessage {
  const found = message[field] as WireMessage | null;
  if (!found) throw new RuntimeError('Unknown', `the engine's answer lacks ${field}`);
  return found;
}

function containerFilter({ id, sandboxId, labels }: ContainerFilter): WireMessage {
  return { ...(id && { id }), ...(sandboxId && { podSandboxId: sandboxId }), ...(labels && { labelSelector: labels }) };
}

function sandboxFilter({ id, labels }: { readonly id?: string; readonly labels?: StringMap }): WireMessage {
  return { ...(id && { id }), ...(labels && { labelSelector: labels }) };
}

/** Removals are idempotent for the kubelet, whatever the engine thinks of a missing id. */
async function ignoreMissing(call: Promise<WireMessage>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isRuntimeError(error, 'NotFound')) throw error;
  }
}

async function ignoreAnswer(call: Promise<WireMessage>): Promise<void> {
  await call;
}

function runtimeService(connection: Connection, timeoutMs: number): RuntimeService {
  const call = caller(connection, 'RuntimeService', timeoutMs);
  return {
    version: async (options) => decode.decodeVersion(await call('Version', { version: '0.1.0' }, options)),
    status: async (options) => decode.decodeStatus(await call('Status', {}, options)),
    updatePodCidr: (podCidr, options) =>
      ignoreAnswer(call('UpdateRuntimeConfig', { runtimeConfig: { networkConfig: { podCidr } } }, options)),

    runPodSandbox: async (config, { signal, runtimeHandler }) => {
      const request = { config: encodeSandboxConfig(config), ...(runtimeHandler && { runtimeHandler }) };
      // Upstream gives sandboxes twice the time: the pause image may have to be pulled.
      return (await call('RunPodSandbox', request, { signal }, timeoutMs * 2))['podSandboxId'] as string;
    },
    stopPodSandbox: (id, options) => ignoreMissing(call('StopPodSandbox', { podSandboxId: id }, options)),
    removePodSandbox: (id, options) => ignoreMissing(call('RemovePodSandbox', { podSandboxId: id }, options)),
    podSandboxStatus: async (id, options) =>
      decode.decodeSandboxStatus(nested(await call('PodSandboxStatus', { podSandboxId: id }, options), 'status')),
    listPodSandboxes: async (filter, options) =>
      list(await call('ListPodSandbox', { filter: sandboxFilter(filter) }, options), 'items').map(decode.decodeSandbox),

    createContainer: async ({ sandboxId, config, sandboxConfig }, options) => {
      const request = {
        podSandboxId: sandboxId,
        config: encodeContainerConfig(config),
        sandboxConfig: encodeSandboxConfig(sandboxConfig),
      };
      return (await call('CreateContainer', request, options))['containerId'] as string;
    },
    startContainer: (id, options) => ignoreAnswer(call('StartContainer', { containerId: id }, options)),
    stopContainer: (id, graceSeconds, options) =>
      ignoreMissing(call('StopContainer', { containerId: id, timeout: graceSeconds }, options, timeoutMs + graceSeconds * 1000)),
    removeContainer: (id, options) => ignoreMissing(call('RemoveContainer', { containerId: id }, options)),
    listContainers: async (filter, options) =>
      list(await call('ListContainers', { filter: containerFilter(filter) }, options), 'containers').map(decode.decodeContainer),
    containerStatus: async (id, options) =>
      decode.decodeContainerStatus(nested(await call('ContainerStatus', { containerId: id }, options), 'status')),
    updateContainerResources: (id, resources, options) =>
      ignoreAnswer(call('UpdateContainerResources', { containerId: id, linux: encodeResources(resources) }, options)),
    reopenContainerLog: (id, options) => ignoreAnswer(call('ReopenContainerLog', { containerId: id }, options)),

    execSync: async ({ containerId, command, timeoutMs: execMs }, options) => {
      // The engine takes whole seconds; our own deadline holds the exact time, and lets the engine kill the process first.
      const request = { containerId, cmd: command, timeout: Math.ceil(execMs / 1000) };
      const answer = await call('ExecSync', request, options, execMs > 0 ? execMs + 2000 : 0);
      return { stdout: answer['stdout'] as Uint8Array, stderr: answer['stderr'] as Uint8Array, exitCode: answer['exitCode'] as number };
    },
    exec: async ({ command, ...request }, options) => (await call('Exec', { ...request, cmd: command }, options))['url'] as string,
    attach: async (request, options) => (await call('Attach', request, options))['url'] as string,
    portForward: async ({ sandboxId, ports }, options) =>
      (await call('PortForward', { podSandboxId: sandboxId, port: ports }, options))['url'] as string,

    containerStats: async (id, options) =>
      decode.decodeContainerStats(nested(await call('ContainerStats', { containerId: id }, options), 'stats')),
    listContainerStats: async (filter, options) =>
      list(await call('ListContainerStats', { filter: containerFilter(filter) }, options), 'stats').map(decode.decodeContainerStats),
    listPodSandboxStats: async (filter, options) =>
      list(await call('ListPodSandboxStats', { filter: sandboxFilter(filter) }, options), 'stats').map(decode.decodeSandboxStats),

    events: ({ signal }) => containerdEvents(connection, signal),
  };
}

function imageService(connection: Connection, timeoutMs: number, pullTimeoutMs: number): ImageService {
  const call = caller(connection, 'ImageService', timeoutMs);
  return {
    listImages: async (options) => list(await call('ListImages', {}, options), 'images').map(decode.decodeImage),
    imageStatus: async (image, options) => {
      const found = (await call('ImageStatus', { image: encodeImage(image) }, options))['image'] as WireMessage | null;
      return found ? decode.decodeImage(found) : undefined;
    },
    pullImage: async ({ image, auth, sandboxConfig }, options) => {
      const request = {
        image: encodeImage(image),
        ...(auth && { auth: encodeAuth(auth) }),
        ...(sandboxConfig && { sandboxConfig: encodeSandboxConfig(sandboxConfig) }),
      };
      return (await call('PullImage', request, options, pullTimeoutMs))['imageRef'] as string;
    },
    removeImage: (image, options) => ignoreMissing(call('RemoveImage', { image: encodeImage(image) }, options)),
    imageFsInfo: async (options) => list(await call('ImageFsInfo', {}, options), 'imageFilesystems').map(decode.decodeFilesystem),
  };
}
