/**
 * Pods that permit plugins hold. A pod goes on when every plugin that holds it has allowed it; it goes back when one rejects it, or when the
 * shortest of the times is over. @source kube-scheduler framework/runtime/waiting_pods_map.go, v1.35
 */
import type { Clock, Timer } from '../../base/index.ts';
import { type PodInfo, type Status, unschedulable, type WaitingPod, type WaitingPods } from '../framework/index.ts';

/** No plugin holds a pod longer. */
const maxWaitMs = 15 * 60_000;

export interface Hold {
  readonly plugin: string;
  readonly timeoutMs: number;
}

export interface HeldRejection {
  readonly plugin: string;
  readonly status: Status;
}

class Held implements WaitingPod {
  readonly pod: PodInfo;
  readonly nodeName: string;
  /** Undefined: allowed. */
  readonly result: Promise<HeldRejection | undefined>;
  readonly #timers = new Map<string, Timer>();
  readonly #settle: (result: HeldRejection | undefined) => void;

  constructor(options: { readonly pod: PodInfo; readonly nodeName: string; readonly holds: readonly Hold[]; readonly clock: Clock }) {
    this.pod = options.pod;
    this.nodeName = options.nodeName;
    const { promise, resolve } = Promise.withResolvers<HeldRejection | undefined>();
    this.result = promise;
    this.#settle = resolve;
    for (const { plugin, timeoutMs } of options.holds) {
      const message = `rejected due to timeout after waiting ${Math.min(timeoutMs, maxWaitMs) / 1000}s at plugin ${plugin}`;
      this.#timers.set(
        plugin,
        options.clock.setTimer(Math.min(timeoutMs, maxWaitMs), () => this.reject(plugin, message)),
      );
    }
  }

  get pendingPlugins(): readonly string[] {
    return [...this.#timers.keys()];
  }

  allow(plugin: string): void {
    this.#timers.get(plugin)?.cancel();
    this.#timers.delete(plugin);
    if (this.#timers.size === 0) this.#settle(undefined);
  }

  reject(plugin: string, message: string): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#settle({ plugin, status: unschedulable(message) });
  }
}

export class WaitingPodsMap implements WaitingPods {
  readonly #clock: Clock;
  readonly #held = new Map<string, Held>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(uid: string): WaitingPod | undefined {
    return this.#held.get(uid);
  }

  list(): readonly WaitingPod[] {
    return [...this.#held.values()];
  }

  reject(uid: string, plugin: string, message: string): boolean {
    const held = this.#held.get(uid);
    held?.reject(plugin, message);
    return held !== undefined;
  }

  /** Resolves when the pod may go on (undefined) or must go back. Must be called in the cycle, before anybody may allow it. */
  hold(pod: PodInfo, nodeName: string, holds: readonly Hold[]): Promise<HeldRejection | undefined> {
    const held = new Held({ pod, nodeName, holds, clock: this.#clock });
    this.#held.set(pod.uid, held);
    return held.result.finally(() => this.#held.delete(pod.uid));
  }

  close(): void {
    for (const held of this.#held.values()) held.reject('', 'the scheduler ends');
  }
}
