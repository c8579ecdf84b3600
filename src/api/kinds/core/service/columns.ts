/** The table of services. @source pkg/printers/internalversion/printers.go printService, v1.35 */
import type { Service, ServicePort } from '../../../gen/core-v1.ts';
import { formatLabels } from '../../../label-selector.ts';
import type { PrinterColumn } from '../../../resource-definition.ts';
import { ageColumn, column, nameColumn, wideColumn } from '../../standard-columns.ts';

export const serviceColumns: readonly PrinterColumn<Service>[] = [
  nameColumn,
  column('Type', 'string', 'How the service is reached.', ({ spec }) => spec.type ?? ''),
  column('Cluster-IP', 'string', 'The address inside the cluster.', ({ spec }) => spec.clusterIPs?.[0] ?? '<none>'),
  column('External-IP', 'string', 'Addresses outside the cluster.', formatExternal),
  column('Port(s)', 'string', 'The ports, and those of the nodes.', ({ spec }) => (spec.ports ?? []).map(formatPort).join(',') || '<none>'),
  ageColumn,
  wideColumn('Selector', 'string', 'Which pods serve.', ({ spec }) => formatLabels(spec.selector)),
];

function formatPort({ port, nodePort, protocol }: ServicePort): string {
  return nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`;
}

function formatExternal({ spec, status }: Service): string {
  const fixed = spec.externalIPs ?? [];
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort':
      return fixed.join(',') || '<none>';
    case 'LoadBalancer': {
      const ingress = (status.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '');
      const assigned = [...new Set(ingress)].filter((one) => one !== '').sort();
      return [...assigned, ...fixed].join(',') || '<pending>';
    }
    case 'ExternalName':
      return spec.externalName ?? '';
    default:
      return '<unknown>';
  }
}
