/**
 * A kubelet on a simulated engine and machine: the same workers, status and node code, with volumes, environment, probes and logs that
 * touch nothing. For scale tests and virtual time; it must be asked for by name.
 */
import type { Clock, Logger, Random, TaskGroup } from '../base/index.ts';
import type { Client, EventRecorder, InformerFactory } from '../client/index.ts';
import { completeConfig, type KubeletConfigInput } from './config.ts';
import { createSimulatedHost, type SimulatedHostOptions } from './host/simulated-host.ts';
import { assembleKubelet, type Kubelet, type KubeletParts } from './kubelet.ts';
import { type Runtime, RuntimeError } from './runtime/runtime.ts';
import type { Prober } from './seams.ts';

export interface SimulatedKubeletDeps {
  readonly client: Client;
  readonly informers: InformerFactory;
  /** From `createSimulatedRuntime`. */
  readonly runtime: Runtime;
  readonly recorder?: EventRecorder;
  readonly machine?: SimulatedHostOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly group: TaskGroup;
}

export async function startSimulatedKubelet(input: KubeletConfigInput, deps: SimulatedKubeletDeps): Promise<Kubelet> {
  const { runtime: engine, machine, log, group, ...rest } = deps;
  const config = completeConfig({ ...quietPeriods, ...input, server: undefined, manifestDir: undefined });
  const host = createSimulatedHost(machine);
  return assembleKubelet(config, { ...rest, engine, host, parts: simulatedParts }, { signal: group.signal, log });
}

/** A simulated engine misses no event and a simulated machine never runs short: looking often would only cost virtual days their speed. */
const quietPeriods: Partial<KubeletConfigInput> = {
  relistWithEventsMs: 3_600_000,
  evictionPeriodMs: 3_600_000,
  imageCheckMs: 3_600_000,
  housekeepingMs: 3_600_000,
  nodeStatusUpdateMs: 300_000,
};

const simulatedParts: KubeletParts = {
  volumes: () => ({
    start: () => undefined,
    prepare: (pod) =>
      Promise.resolve(new Map((pod.spec.volumes ?? []).map(({ name }) => [name, { hostPath: `/volumes/${name}`, readOnly: false }]))),
    podUpdated: () => undefined,
    resolveSubPath: ({ volumeName, subPath }) => Promise.resolve(`/volumes/${volumeName}/${subPath}`),
    release: () => Promise.resolve(),
    knownPods: () => new Set(),
  }),
  environment: () => ({
    build: ({ container }) => Promise.resolve((container.env ?? []).map(({ name, value = '' }) => ({ name, value }))),
    expand: (text) => text,
  }),
  prober: readyProber,
  logs: () => ({ start: () => undefined, tail: () => Promise.resolve(''), remove: () => Promise.resolve() }),
  server: () => Promise.reject(new RuntimeError('Unimplemented', 'a simulated kubelet has no server')),
};

/** Every container is ready as soon as it runs. */
function readyProber(): Prober {
  const running = new Map<string, string>();
  const forget = (podUid: string): void => {
    for (const [id, uid] of running) if (uid === podUid) running.delete(id);
  };
  return {
    containerRunning: ({ containerId, pod }) => void running.set(containerId, pod.metadata.uid),
    containerGone: (containerId) => void running.delete(containerId),
    podTerminating: () => undefined,
    podGone: forget,
    result: (containerId) => ({ started: running.has(containerId), ready: running.has(containerId) }),
    close: () => Promise.resolve(),
  };
}
