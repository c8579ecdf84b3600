/**
 * Probes every running container of the node that asks for it, and remembers what is known of each. A container is known by its id
 * in the engine: its next instance begins anew.
 * Invariants: liveness and readiness begin only after startup succeeded; a listener hears each change of a result once; nothing is
 * reported of a container after `containerGone`.
 */
import type { corev1 } from '../../api/index.ts';
import { containerStatusOf } from '../../api/index.ts';
import { TaskGroup } from '../../base/index.ts';
import type { KubeletDeps, Prober, ProbeKind, ProbeListener, ProbeTarget } from '../seams.ts';
import type { ProbeOutcome } from './outcome.ts';
import { runProbeWorker } from './probe-worker.ts';
import { runProbe } from './run-probe.ts';
import type { ProbeResult } from './thresholds.ts';

type ProberDeps = Pick<KubeletDeps, 'clock' | 'random' | 'log' | 'recorder' | 'runtime'>;

const kindTitles: Readonly<Record<ProbeKind, string>> = { startup: 'Startup', readiness: 'Readiness', liveness: 'Liveness' };

/** What holds before the first result. */
const initialResults: Readonly<Record<ProbeKind, ProbeResult | undefined>> = {
  startup: undefined,
  readiness: 'failure',
  liveness: 'success',
};

interface Probed {
  readonly target: ProbeTarget;
  readonly results: Map<ProbeKind, ProbeResult>;
  readonly stops: Map<ProbeKind, AbortController>;
  terminating: boolean;
}

class ContainerProber implements Prober {
  readonly #deps: ProberDeps;
  readonly #listener: ProbeListener;
  readonly #group: TaskGroup;
  readonly #startMs: number;
  readonly #containers = new Map<string, Probed>();

  constructor(deps: ProberDeps, listener: ProbeListener) {
    this.#deps = deps;
    this.#listener = listener;
    this.#group = new TaskGroup({ log: deps.log });
    this.#startMs = deps.clock.now();
  }

  containerRunning(target: ProbeTarget): void {
    if (this.#containers.has(target.containerId)) return;
    const probed: Probed = { target, results: new Map(), stops: new Map(), terminating: false };
    this.#containers.set(target.containerId, probed);
    if (target.pod.metadata.deletionTimestamp !== undefined) probed.terminating = true;
    this.#recover(probed);
    if (target.container.startupProbe && probed.results.get('startup') !== 'success') {
      if (!probed.terminating) this.#begin(probed, 'startup');
    } else {
      this.#beginStarted(probed);
    }
  }

  containerGone(containerId: string): void {
    const probed = this.#containers.get(containerId);
    if (!probed) return;
    this.#containers.delete(containerId);
    for (const stop of probed.stops.values()) stop.abort();
  }

  podTerminating(podUid: string): void {
    for (const probed of this.#containers.values()) {
      if (probed.target.pod.metadata.uid !== podUid) continue;
      probed.terminating = true;
      probed.stops.get('liveness')?.abort();
      probed.stops.get('startup')?.abort();
    }
  }

  podGone(podUid: string): void {
    for (const [containerId, { target }] of this.#containers) {
      if (target.pod.metadata.uid === podUid) this.containerGone(containerId);
    }
  }

  result(containerId: string): { started: boolean; ready: boolean } {
    const probed = this.#containers.get(containerId);
    if (!probed) return { started: false, ready: false };
    const { container } = probed.target;
    const started = !container.startupProbe || probed.results.get('startup') === 'success';
    return { started, ready: started && (!container.readinessProbe || probed.results.get('readiness') === 'success') };
  }

  async close(): Promise<void> {
    this.#containers.clear();
    await this.#group.close();
  }

  /** What the pod's status said before this kubelet began holds until a probe says otherwise: a restart of the kubelet is no failure. */
  #recover({ target, results }: Probed): void {
    if (target.startedAtMs >= this.#startMs) return;
    const { initContainerStatuses = [], containerStatuses = [] } = target.pod.status ?? {};
    const status = containerStatusOf([...initContainerStatuses, ...containerStatuses], target.container.name);
    if (!status?.containerID?.endsWith(`://${target.containerId}`)) return;
    if (status.started && target.container.startupProbe) results.set('startup', 'success');
    if (status.ready && target.container.readinessProbe) results.set('readiness', 'success');
  }

  #beginStarted(probed: Probed): void {
    if (probed.target.container.readinessProbe) this.#begin(probed, 'readiness');
    if (probed.target.container.livenessProbe && !probed.terminating) this.#begin(probed, 'liveness');
  }

  #begin(probed: Probed, kind: ProbeKind): void {
    const { target } = probed;
    const { clock, random } = this.#deps;
    const probe = target.container[`${kind}Probe`]!;
    const stop = new AbortController();
    probed.stops.set(kind, stop);
    this.#group.spawn(`${kind} probe ${target.containerId}`, async (ctx) => {
      const signal = AbortSignal.any([ctx.signal, stop.signal]);
      const worker = runProbeWorker(
        {
          kind,
          probe,
          startedAtMs: target.startedAtMs,
          spread: target.startedAtMs < this.#startMs,
          clock,
          random,
          run: (during) => runProbe(probe, target, this.#deps, during),
          onOutcome: (outcome) => this.#record(target, kind, outcome),
          onResult: (result, message) => this.#settle(probed, kind, result, message),
        },
        signal,
      );
      await worker.catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    });
  }

  #settle(probed: Probed, kind: ProbeKind, result: ProbeResult, message: string): void {
    if ((probed.results.get(kind) ?? initialResults[kind]) === result) return;
    if (kind === 'readiness' && probed.terminating && result === 'success') return;
    probed.results.set(kind, result);
    const { pod, container, containerId } = probed.target;
    if (kind === 'startup' && result === 'success') this.#beginStarted(probed);
    this.#listener({ podUid: pod.metadata.uid, containerName: container.name, containerId, kind, result, message });
  }

  #record(target: ProbeTarget, kind: ProbeKind, { result, output }: ProbeOutcome | { result: 'unknown'; output: string }): void {
    const title = kindTitles[kind];
    const text =
      result === 'unknown'
        ? `${title} probe errored and resulted in unknown state: ${output}`
        : `${title} probe ${result === 'warning' ? 'warning' : 'failed'}: ${output}`;
    this.#deps.recorder.event(target.pod, {
      type: 'Warning',
      reason: result === 'warning' ? 'ProbeWarning' : 'Unhealthy',
      message: text,
      fieldPath: fieldPath(target.pod, target.container.name),
    });
  }
}

export function createProber(deps: ProberDeps, listener: ProbeListener): Prober {
  return new ContainerProber(deps, listener);
}

function fieldPath(pod: corev1.Pod, containerName: string): string {
  const isInit = pod.spec.initContainers?.some(({ name }) => name === containerName) ?? false;
  return `spec.${isInit ? 'initContainers' : 'containers'}{${containerName}}`;
}
