/** NodeMetrics and PodMetrics: made when somebody asks, stored nowhere. @source metrics-server pkg/api (node.go, pod.go, table.go), v0.8 */
import { type Quantity, parseQuantity, zeroQuantity } from '../../quantity.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { type ContainerMetrics, metricsv1beta1Resources, type NodeMetrics, type PodMetrics, type Usage } from '../../usage-metrics.ts';
import { defineResource } from '../define-resource.ts';
import { column, nameColumn } from '../standard-columns.ts';

const neverWritten = { validate: () => [], validateUpdate: () => [] };

/** Served where there is somebody to measure. */
export const usageMetricsResources: readonly ResourceDefinition[] = [
  defineResource<NodeMetrics>({
    ref: metricsv1beta1Resources.nodes,
    singular: '',
    verbs: ['get', 'list'],
    computed: true,
    columns: [
      nameColumn,
      column('cpu', 'string', '', ({ usage }) => amount(usage, 'cpu')),
      column('memory', 'string', '', ({ usage }) => amount(usage, 'memory')),
      column('Window', 'string', '', ({ window }) => window),
    ],
    strategy: neverWritten,
  }),
  defineResource<PodMetrics>({
    ref: metricsv1beta1Resources.pods,
    singular: '',
    verbs: ['get', 'list'],
    computed: true,
    columns: [
      nameColumn,
      column('cpu', 'string', '', ({ containers }) => total(containers, 'cpu')),
      column('memory', 'string', '', ({ containers }) => total(containers, 'memory')),
      column('Window', 'string', '', ({ window }) => window),
    ],
    strategy: neverWritten,
  }),
];

function amount(usage: Usage, resource: string): string {
  return usage[resource] ?? '0';
}

function total(containers: readonly ContainerMetrics[], resource: string): string {
  const sum = containers.reduce<Quantity>((all, { usage }) => all.add(parseQuantity(amount(usage, resource))), zeroQuantity);
  return sum.toString();
}
