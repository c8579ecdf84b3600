/**
 * What each pod and container uses, as the engine tells it, with the names that the API gives them. One call to the engine serves
 * every reader for a moment: figures of many containers are costly to gather.
 */
import type { corev1 } from '../../../api/index.ts';
import { containerStatusOf } from '../../../api/index.ts';
import type { Clock } from '../../../base/index.ts';
import { type ContainerStats, isRuntimeError, type PodSandboxStats, type RuntimeService } from '../../runtime/runtime.ts';
import type { PodLookup } from '../../seams.ts';

export interface PodFigures {
  readonly pod: corev1.Pod;
  /** Undefined when the engine has none for the pod as a whole. */
  readonly sandbox: PodSandboxStats | undefined;
  readonly containers: readonly { readonly name: string; readonly startedAt: string | undefined; readonly stats: ContainerStats }[];
}

/** How long figures are served again. */
const freshMs = 5_000;

export class PodFiguresReader {
  readonly #runtime: Pick<RuntimeService, 'listContainerStats' | 'listPodSandboxStats'>;
  readonly #pods: PodLookup;
  readonly #clock: Clock;
  #latest: { readonly atMs: number; readonly figures: Promise<readonly PodFigures[]> } | undefined;

  constructor(deps: {
    readonly runtime: Pick<RuntimeService, 'listContainerStats' | 'listPodSandboxStats'>;
    readonly pods: PodLookup;
    readonly clock: Clock;
  }) {
    this.#runtime = deps.runtime;
    this.#pods = deps.pods;
    this.#clock = deps.clock;
  }

  /** @throws RuntimeError */
  async read(signal: AbortSignal): Promise<readonly PodFigures[]> {
    const nowMs = this.#clock.monotonic();
    if (this.#latest && nowMs - this.#latest.atMs < freshMs) return this.#latest.figures;
    const figures = this.#gather(signal);
    this.#latest = { atMs: nowMs, figures };
    try {
      return await figures;
    } catch (error) {
      this.#latest = undefined;
      throw error;
    }
  }

  async #gather(signal: AbortSignal): Promise<readonly PodFigures[]> {
    const [containers, sandboxes] = await Promise.all([this.#runtime.listContainerStats({}, { signal }), this.#sandboxes(signal)]);
    const sandboxByUid = new Map(sandboxes.map((stats) => [stats.metadata.uid, stats]));
    const containersByUid = Map.groupBy(containers, ({ labels }) => labels['io.kubernetes.pod.uid'] ?? '');
    return this.#pods.list().flatMap((pod) => {
      const { uid } = pod.metadata;
      const status = this.#pods.status(uid) ?? pod.status;
      const current = (containersByUid.get(uid) ?? []).flatMap((stats) => {
        const name = stats.labels['io.kubernetes.container.name'] ?? stats.metadata.name;
        // Instances that have ended still have figures in some engines.
        if (this.#pods.containerId(uid, name) !== stats.id) return [];
        const found = containerStatusOf([...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])], name);
        return found?.state?.running ? [{ name, startedAt: found.state.running.startedAt, stats }] : [];
      });
      const sandbox = sandboxByUid.get(uid);
      return current.length === 0 && !sandbox ? [] : [{ pod, sandbox, containers: current }];
    });
  }

  /** Some engines have no figures of pods, or fail for all when they fail for one. */
  async #sandboxes(signal: AbortSignal): Promise<readonly PodSandboxStats[]> {
    try {
      return await this.#runtime.listPodSandboxStats({}, { signal });
    } catch (error) {
      if (!isRuntimeError(error)) throw error;
      return [];
    }
  }
}

/** Of the pod as a whole: what the engine says, or else the sum of its containers. */
export function podTotal(figures: PodFigures, what: (of: PodSandboxStats | ContainerStats) => bigint | undefined): bigint | undefined {
  const own = figures.sandbox && what(figures.sandbox);
  if (own !== undefined) return own;
  const parts = figures.containers.map(({ stats }) => what(stats)).filter((value) => value !== undefined);
  return parts.length === 0 ? undefined : parts.reduce((sum, value) => sum + value, 0n);
}
