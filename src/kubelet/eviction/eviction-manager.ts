/**
 * Keeps the node alive when memory, disk or process ids run short: frees images and dead containers first, then evicts one pod at a
 * time. What it knows of pressure is also what the node's conditions say and what admission looks at.
 * @source pkg/kubelet/eviction/eviction_manager.go, v1.35
 */
import { type corev1, podRequests, quantityOf } from '../../api/index.ts';
import { type Clock, type Ctx, formatTime, isAbort } from '../../base/index.ts';
import type { EventRecorder } from '../../client/index.ts';
import type { KubeletHost } from '../host/host.ts';
import { isCriticalPod } from '../pods/pod-names.ts';
import type { PodVerdict } from '../status/pod-status.ts';
import { type PodUsage, rankForEviction } from './ranking.ts';
import { crossedSignals, type EvictionThresholds, type PressureKind, type Signal } from './thresholds.ts';

export interface EvictionOptions {
  readonly host: KubeletHost;
  readonly clock: Clock;
  readonly recorder: EventRecorder;
  readonly thresholds: EvictionThresholds;
  /** Between two looks. Default 10 s. */
  readonly periodMs: number;
  /** How long a condition stays after its signal went back. Default 5 min. */
  readonly transitionMs: number;
  readonly imageFsPath: () => string | undefined;
  readonly activePods: () => readonly corev1.Pod[];
  /** Removes unused images and dead containers; true when room was made. */
  readonly reclaimDisk: (ctx: Ctx) => Promise<boolean>;
  readonly evict: (pod: corev1.Pod, verdict: PodVerdict, graceSeconds: number, resource: string) => void;
  readonly onChange: () => void;
}

export class EvictionManager {
  readonly #options: EvictionOptions;
  /** When each pressure was last seen. */
  readonly #seen = new Map<PressureKind, number>();

  constructor(options: EvictionOptions) {
    this.#options = options;
  }

  /** Pressures that hold now, or did until shortly. */
  pressures(): readonly PressureKind[] {
    const now = this.#options.clock.monotonic();
    return [...this.#seen].filter(([, atMs]) => now - atMs <= this.#options.transitionMs).map(([kind]) => kind);
  }

  async run(ctx: Ctx): Promise<void> {
    for (;;) {
      try {
        await this.check(ctx);
      } catch (err) {
        if (isAbort(err, ctx.signal)) throw err;
        ctx.log.warn('the node could not be looked at for pressure', { err });
      }
      await this.#options.clock.sleep(this.#options.periodMs, ctx.signal);
    }
  }

  /** One look at the node. */
  async check(ctx: Ctx): Promise<void> {
    const { host, thresholds, imageFsPath, clock, onChange } = this.#options;
    const before = this.pressures().join(' ');
    let crossed = crossedSignals(await host.readings(imageFsPath()), thresholds);
    if (crossed.some(({ pressure }) => pressure === 'DiskPressure') && (await this.#options.reclaimDisk(ctx))) {
      crossed = crossedSignals(await host.readings(imageFsPath()), thresholds);
    }
    for (const { pressure } of crossed) this.#seen.set(pressure, clock.monotonic());
    if (this.pressures().join(' ') !== before) onChange();
    const [worst] = crossed;
    if (worst) await this.#relieve(worst, ctx);
  }

  async #relieve(signal: Signal, ctx: Ctx): Promise<void> {
    const resource = signal.pressure === 'MemoryPressure' ? 'memory' : 'ephemeral-storage';
    const candidates = this.#options.activePods().filter((pod) => !isCriticalPod(pod));
    const usages = await Promise.all(candidates.map(async (pod): Promise<PodUsage> => ({ pod, usage: await this.#usage(pod, resource) })));
    const [first] = rankForEviction(usages, resource);
    if (!first) {
      ctx.log.warn('the node runs short and no pod can be evicted', { resource: signal.resource });
      return;
    }
    const message = evictionMessage(signal, first, resource);
    ctx.log.warn('a pod is evicted', { pod: first.pod.metadata.name, namespace: first.pod.metadata.namespace, message });
    this.#options.recorder.event(first.pod, { type: 'Warning', reason: 'Evicted', message });
    const condition: corev1.PodCondition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'TerminationByKubelet',
      message,
      lastTransitionTime: formatTime(this.#options.clock.now()),
      ...(first.pod.metadata.generation !== undefined && { observedGeneration: first.pod.metadata.generation }),
    };
    // A hard threshold leaves no time for grace; one second lets the end be seen.
    this.#options.evict(first.pod, { reason: 'Evicted', message, condition }, 1, signal.resource);
  }

  async #usage(pod: corev1.Pod, resource: 'memory' | 'ephemeral-storage'): Promise<number> {
    const { host } = this.#options;
    if (resource === 'memory') return host.cgroups.podWorkingSetBytes(pod) ?? 0;
    return host.files.diskUsageBytes(pod.metadata.uid);
  }
}

function evictionMessage(signal: Signal, { pod, usage }: PodUsage, resource: 'memory' | 'ephemeral-storage'): string {
  const amount = (value: number): string => quantityOf(Math.floor(value), signal.binary ? 'BinarySI' : 'DecimalSI').toString();
  const kib = (value: number): string => `${Math.floor(value / 1024)}Ki`;
  const request = podRequests(pod).get(resource)?.value() ?? 0;
  const head = `The node was low on resource: ${signal.resource}. Threshold quantity: ${amount(signal.threshold)}, available: ${signal.binary ? kib(signal.available) : amount(signal.available)}. `;
  if (usage <= request) return head;
  const name = pod.spec.containers[0]?.name ?? '';
  return `${head}Container ${name} was using ${kib(usage)}, request is ${amount(request)}, has larger consumption of ${resource}. `;
}
