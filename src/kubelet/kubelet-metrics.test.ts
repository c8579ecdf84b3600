import { expect, it } from 'vitest';
import { Registry, VirtualClock } from '../base/index.ts';
import { createKubeletMetrics, measuredRuntime } from './kubelet-metrics.ts';
import { createSimulatedRuntime } from './runtime/simulated/index.ts';

it('counts and times every call of the engine, under upstream’s names', async () => {
  const clock = new VirtualClock();
  const registry = new Registry();
  const { runtime, images } = measuredRuntime(createSimulatedRuntime({ clock, imageExists: () => false }), { registry, clock });
  const ctx = { signal: new AbortController().signal };
  await runtime.listPodSandboxes({}, ctx);
  await expect(images.pullImage({ image: { image: 'none' } }, ctx)).rejects.toThrow(/not found/);
  const text = await registry.metrics();
  expect(text).toContain('kubelet_runtime_operations_total{operation_type="list_podsandboxes"} 1');
  expect(text).toContain('kubelet_runtime_operations_errors_total{operation_type="pull_image"} 1');
  expect(text).toContain('kubelet_runtime_operations_duration_seconds_count{operation_type="pull_image"} 1');
});

it('shows what runs when it is asked', async () => {
  const registry = new Registry();
  let pods = 1;
  const metrics = createKubeletMetrics({ registry, runningPods: () => pods, runningContainers: () => 7 });
  pods = 3;
  metrics.podStarted(0.3);
  metrics.podEvicted('memory');
  const text = await registry.metrics();
  expect(text).toContain('kubelet_running_pods 3');
  expect(text).toContain('kubelet_running_containers 7');
  expect(text).toContain('kubelet_pod_start_duration_seconds_count 1');
  expect(text).toContain('kubelet_evictions{eviction_signal="memory"} 1');
});
