/**
 * The kubelet's own metrics, under upstream's names so that existing dashboards read them.
 * @source pkg/kubelet/metrics/metrics.go, v1.35
 */
import { type Clock, Counter, Gauge, Histogram, type Registry } from '../base/index.ts';
import type { ImageService, Runtime, RuntimeService } from './runtime/runtime.ts';

export interface KubeletMetrics {
  /** A pod's containers all run for the first time. */
  podStarted(seconds: number): void;
  podEvicted(resource: string): void;
}

export interface MetricsOptions {
  readonly registry: Registry;
  /** Asked when metrics are read. */
  readonly runningPods: () => number;
  readonly runningContainers: () => number;
}

export function createKubeletMetrics({ registry, runningPods, runningContainers }: MetricsOptions): KubeletMetrics {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number): void => {
    const made: Gauge = new Gauge({ name, help, registers, collect: () => made.set(read()) });
  };
  gauge('kubelet_running_pods', 'Number of pods that have a running pod sandbox.', runningPods);
  gauge('kubelet_running_containers', 'Number of containers currently running.', runningContainers);
  const start = new Histogram({
    name: 'kubelet_pod_start_duration_seconds',
    help: 'Duration in seconds from kubelet seeing a pod for the first time to the pod starting to run.',
    buckets: [0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 30, 60, 120, 300, 600],
    registers,
  });
  const evictions = new Counter({
    name: 'kubelet_evictions',
    help: 'Cumulative number of pod evictions by eviction signal.',
    labelNames: ['eviction_signal'] as const,
    registers,
  });
  return {
    podStarted: (seconds) => start.observe(seconds),
    podEvicted: (resource) => evictions.inc({ eviction_signal: resource }),
  };
}

export const noMetrics: KubeletMetrics = { podStarted: () => undefined, podEvicted: () => undefined };

/** The engine with every call counted and timed. */
export function measuredRuntime(engine: Runtime, { registry, clock }: { readonly registry: Registry; readonly clock: Clock }): Runtime {
  const labelNames = ['operation_type'] as const;
  const registers = [registry];
  const total = new Counter({
    name: 'kubelet_runtime_operations_total',
    help: 'Cumulative number of runtime operations.',
    labelNames,
    registers,
  });
  const errors = new Counter({
    name: 'kubelet_runtime_operations_errors_total',
    help: 'Cumulative number of runtime operation errors.',
    labelNames,
    registers,
  });
  const duration = new Histogram({
    name: 'kubelet_runtime_operations_duration_seconds',
    help: 'Duration in seconds of runtime operations.',
    labelNames,
    buckets: [0.005, 0.0125, 0.031, 0.078, 0.195, 0.488, 1.22, 3.05, 7.63, 19.07, 47.68, 119.2, 298, 745],
    registers,
  });
  const measured = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
    const labels = { operation_type: operationName(name) };
    const startedMs = clock.monotonic();
    total.inc(labels);
    try {
      return await call();
    } catch (error) {
      errors.inc(labels);
      throw error;
    } finally {
      duration.observe(labels, (clock.monotonic() - startedMs) / 1000);
    }
  };
  return { runtime: wrap(engine.runtime, measured), images: wrap(engine.images, measured), close: () => engine.close() };
}

/** `runPodSandbox` → `run_podsandbox`, as upstream writes operations. */
function operationName(method: string): string {
  return method
    .replace(/([A-Z])/g, '_$1')
    .toLowerCase()
    .replace('pod_sandbox', 'podsandbox');
}

type Measure = <T>(name: string, call: () => Promise<T>) => Promise<T>;

/** Every method that answers a promise goes through `measure`; the event stream does not. */
function wrap<T extends RuntimeService | ImageService>(service: T, measure: Measure): T {
  return new Proxy(service, {
    get: (target, name) => {
      const method = Reflect.get(target, name) as unknown;
      if (typeof method !== 'function' || typeof name !== 'string') return method;
      const call = method.bind(target) as (...args: unknown[]) => unknown;
      if (name === 'events') return call;
      return (...args: unknown[]) => measure(name, () => call(...args) as Promise<unknown>);
    },
  });
}
