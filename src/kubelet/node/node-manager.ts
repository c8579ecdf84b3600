/**
 * Registers the node and keeps its status true. Invariants: writes are serial; a change is written at once, an unchanged status every
 * few minutes; until the node is ready it is looked at often, so that nobody waits for a tick.
 * @source pkg/kubelet/kubelet_node_status.go, v1.35
 */
import { type corev1, corev1Resources, getCondition, isApiError } from '../../api/index.ts';
import { backoffMs, type BackoffPolicy, type Clock, type Ctx, formatTime, isAbort } from '../../base/index.ts';
import type { Client, EventRecorder } from '../../client/index.ts';
import type { PressureKind } from '../eviction/thresholds.ts';
import type { MachineFacts } from '../host/host.ts';
import type { ImageService, RuntimeService, RuntimeStatus, RuntimeVersion } from '../runtime/runtime.ts';
import { sameJson } from '../status/status-patch.ts';
import { conditionEvent, nodeConditions } from './conditions.ts';
import { defaultLabels, initialNode, nodeStatus, type NodeIdentity } from './node-object.ts';
import { nodeStatusPatch } from './node-status-patch.ts';

export interface NodeManagerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly recorder: EventRecorder;
  readonly runtime: RuntimeService;
  readonly images: ImageService;
  readonly identity: NodeIdentity;
  readonly machine: MachineFacts;
  readonly capacity: Readonly<Record<string, string>>;
  readonly allocatable: Readonly<Record<string, string>>;
  readonly version: string;
  readonly register: boolean;
  readonly kubeletPort: () => number;
  readonly pressures: () => readonly PressureKind[];
  /** Faults of the kubelet itself, such as an unhealthy engine list. */
  readonly faults: () => readonly string[];
  /** The node as the watch knows it. */
  readonly stored: () => corev1.Node | undefined;
  /** Between two looks. Default 10 s. */
  readonly updateMs: number;
  /** Between two writes of an unchanged status. Default 5 min. */
  readonly reportMs: number;
  /** The engine's state changed: pods that waited for the network may start. */
  readonly onRuntimeStatus: (status: RuntimeStatus | undefined) => void;
}

/** First and longest wait between two looks while the node is not ready. */
const unreadyLook: BackoffPolicy = { initialMs: 100, maxMs: 2000, factor: 1.3 };
const registerRetryMs = 500;

export class NodeManager {
  readonly #options: NodeManagerOptions;
  #node: corev1.Node | undefined;
  #runtimeStatus: RuntimeStatus | undefined;
  #runtimeVersion: RuntimeVersion | undefined;
  #reportedMs = Number.NEGATIVE_INFINITY;
  /** As was last told of. */
  #unschedulable = false;
  #wake: (() => void) | undefined;
  #pending = false;

  constructor(options: NodeManagerOptions) {
    this.#options = options;
  }

  /** The node with the status that was last written. */
  get node(): corev1.Node | undefined {
    return this.#options.stored() ?? this.#node;
  }

  get runtimeStatus(): RuntimeStatus | undefined {
    return this.#runtimeStatus;
  }

  get runtimeVersion(): RuntimeVersion | undefined {
    return this.#runtimeVersion;
  }

  /** Something of the status changed: write it now. */
  wake(): void {
    this.#pending = true;
    this.#wake?.();
  }

  /** Asks the engine how it is; a failing engine is an answer too. */
  async lookAtRuntime(ctx: Ctx): Promise<void> {
    const { runtime, onRuntimeStatus } = this.#options;
    let status: RuntimeStatus | undefined;
    try {
      [status, this.#runtimeVersion] = await Promise.all([runtime.status(ctx), this.#runtimeVersion ?? runtime.version(ctx)]);
    } catch (err) {
      if (isAbort(err, ctx.signal)) throw err;
      ctx.log.warn('the engine does not say how it is', { err });
    }
    const changed = !sameJson(status, this.#runtimeStatus);
    this.#runtimeStatus = status;
    if (changed) onRuntimeStatus(status);
  }

  /** Why pods with a network of their own cannot start; undefined when they can. */
  networkFault(): string | undefined {
    const status = this.#runtimeStatus;
    if (!status) return 'container runtime status check may not have completed yet';
    const network = getRuntimeCondition(status, 'NetworkReady');
    if (network?.status) return undefined;
    const { reason = '', message = '' } = network ?? {};
    return `container runtime network not ready: NetworkReady=false reason:${reason} message:${message}`;
  }

  #faults(): string[] {
    const faults = [...this.#options.faults()];
    const status = this.#runtimeStatus;
    if (!status) return ['container runtime is down', ...faults];
    const ready = getRuntimeCondition(status, 'RuntimeReady');
    if (!ready?.status) {
      faults.unshift(`container runtime not ready: RuntimeReady=false reason:${ready?.reason ?? ''} message:${ready?.message ?? ''}`);
    }
    const network = this.networkFault();
    if (network !== undefined) faults.push(network);
    return faults;
  }

  async run(ctx: Ctx): Promise<void> {
    const { clock, updateMs, register } = this.#options;
    await this.lookAtRuntime(ctx);
    if (register) await this.#register(ctx);
    if (this.#node) {
      const { recorder } = this.#options;
      recorder.event(this.#node, { type: 'Normal', reason: 'Starting', message: 'Starting kubelet.' });
      const message = 'Updated Node Allocatable limit across pods';
      recorder.event(this.#node, { type: 'Normal', reason: 'NodeAllocatableEnforced', message });
    }
    let looks = 0;
    for (;;) {
      this.#pending = false;
      let ready = false;
      try {
        ready = await this.#update(ctx);
      } catch (err) {
        if (isAbort(err, ctx.signal)) throw err;
        ctx.log.warn('the node status could not be written', { err });
        if (register && isApiError(err, 'NotFound')) await this.#register(ctx);
      }
      looks = ready ? 0 : looks + 1;
      await this.#pause(ready ? updateMs : backoffMs(unreadyLook, looks - 1), clock, ctx.signal);
      await this.lookAtRuntime(ctx);
    }
  }

  async #register(ctx: Ctx): Promise<void> {
    const { client, clock, identity, machine } = this.#options;
    const fresh = initialNode(identity, machine);
    for (;;) {
      try {
        const created = await client.create(corev1Resources.nodes, fresh, ctx);
        ctx.log.info('the node was registered', { node: identity.nodeName });
        this.#node = created;
        return;
      } catch (err) {
        if (isAbort(err, ctx.signal)) throw err;
        if (isApiError(err, 'AlreadyExists') && (await this.#takeOver(ctx))) return;
        ctx.log.warn('the node could not be registered', { err });
      }
      await clock.sleep(registerRetryMs, ctx.signal);
    }
  }

  /** The node exists from an earlier life: its default labels are brought up to date. */
  async #takeOver(ctx: Ctx): Promise<boolean> {
    const { client, identity, machine } = this.#options;
    const key = { name: identity.nodeName };
    try {
      const node = await client.get(corev1Resources.nodes, key, ctx);
      const wanted = { ...defaultLabels(identity, machine), ...identity.labels };
      const labels = Object.fromEntries(Object.entries(wanted).filter(([name, value]) => node.metadata.labels?.[name] !== value));
      this.#node =
        Object.keys(labels).length === 0
          ? node
          : await client.patch(
              corev1Resources.nodes,
              key,
              { type: 'application/strategic-merge-patch+json', body: { metadata: { labels } } },
              ctx,
            );
      return true;
    } catch (err) {
      if (isAbort(err, ctx.signal)) throw err;
      return false;
    }
  }

  /** Writes what changed. @returns whether the node is ready */
  async #update(ctx: Ctx): Promise<boolean> {
    const { client, clock, identity, recorder, reportMs } = this.#options;
    const stored = this.node ?? (await client.get(corev1Resources.nodes, { name: identity.nodeName }, ctx));
    const status = await this.#compute(stored, ctx);
    this.#tellSchedulable(stored);
    const due = clock.monotonic() - this.#reportedMs >= reportMs;
    const body = nodeStatusPatch(stored, status, { heartbeat: due });
    const ready = getCondition(status.conditions, 'Ready')?.status === 'True';
    if (!body) return ready;
    const written = await client.patch(
      corev1Resources.nodes,
      { name: identity.nodeName },
      { type: 'application/strategic-merge-patch+json', body, subresource: 'status' },
      ctx,
    );
    this.#reportedMs = clock.monotonic();
    this.#node = written;
    this.#tellReboot(stored, written);
    for (const condition of status.conditions ?? []) {
      const old = getCondition(stored.status.conditions, condition.type);
      // That a fresh node is not ready yet is no news.
      if (old?.status === condition.status || (!old && condition.type === 'Ready')) continue;
      const reason = conditionEvent(condition);
      if (reason) recorder.event(written, { type: 'Normal', reason, message: `Node ${identity.nodeName} status is now: ${reason}` });
    }
    return ready;
  }

  /** As upstream, a kubelet that starts on a cordoned node tells of it again. */
  #tellSchedulable(node: corev1.Node): void {
    const unschedulable = node.spec.unschedulable ?? false;
    if (unschedulable === this.#unschedulable) return;
    this.#unschedulable = unschedulable;
    const reason = unschedulable ? 'NodeNotSchedulable' : 'NodeSchedulable';
    this.#options.recorder.event(node, { type: 'Normal', reason, message: `Node ${node.metadata.name} status is now: ${reason}` });
  }

  #tellReboot(before: corev1.Node, { status: { nodeInfo }, metadata: { name } }: corev1.Node): void {
    const old = before.status.nodeInfo?.bootID;
    if (!old || !nodeInfo || old === nodeInfo.bootID) return;
    const message = `Node ${name} has been rebooted, boot id: ${nodeInfo.bootID}`;
    this.#options.recorder.event(before, { type: 'Warning', reason: 'Rebooted', message });
  }

  async #compute(stored: corev1.Node, ctx: Ctx): Promise<corev1.NodeStatus> {
    const { identity, machine, capacity, allocatable, version, kubeletPort, pressures, images, clock } = this.#options;
    const health = { pressures: pressures(), faults: this.#faults() };
    return nodeStatus({
      identity,
      machine,
      capacity,
      allocatable,
      conditions: nodeConditions(health, stored.status?.conditions, formatTime(clock.now())),
      kubeletPort: kubeletPort(),
      version,
      runtimeVersion: this.#runtimeVersion,
      runtimeStatus: this.#runtimeStatus,
      images: this.#runtimeStatus ? await images.listImages(ctx).catch(() => []) : [],
    });
  }

  #pause(delayMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
    if (this.#pending) return Promise.resolve();
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const finish = (settle: () => void): void => {
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
        this.#wake = undefined;
        settle();
      };
      const onAbort = (): void => finish(() => reject(signal.reason as Error));
      const timer = clock.setTimer(delayMs, () => finish(resolve));
      this.#wake = () => finish(resolve);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}

function getRuntimeCondition(status: RuntimeStatus, type: string): RuntimeStatus['conditions'][number] | undefined {
  return status.conditions.find((condition) => condition.type === type);
}
