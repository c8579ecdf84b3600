import { expect, it } from 'vitest';
import type { appsv1 } from '../../api/index.ts';
import { Registry } from '../../base/index.ts';
import { statefulSetMetrics } from './statefulset-metrics.ts';

it('counts what an update may take and what is missing, under the names of upstream, until the set is gone', async () => {
  const registry = new Registry();
  const set = { metadata: { name: 'web', namespace: 'ns' }, spec: { podManagementPolicy: 'Parallel' } } as appsv1.StatefulSet;
  statefulSetMetrics(registry).observe(set, { stages: [], atOnce: true, update: { maxUnavailable: 2, unavailable: 1 } });
  // A manager that starts again in the same process.
  const metrics = statefulSetMetrics(registry);
  const lines = async (): Promise<string[]> => (await registry.metrics()).split('\n').filter((line) => line.startsWith('statefulset'));
  const labels = '{statefulset_namespace="ns",statefulset_name="web",pod_management_policy="Parallel"}';
  expect(await lines()).toEqual([
    `statefulset_controller_statefulset_max_unavailable${labels} 2`,
    `statefulset_controller_statefulset_unavailable_replicas${labels} 1`,
  ]);
  metrics.forget(set);
  expect(await lines()).toEqual([]);
});
