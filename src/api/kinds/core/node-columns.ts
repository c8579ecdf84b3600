/** The table of nodes. @source pkg/printers/internalversion/printers.go printNode, v1.35 */
import { getCondition } from '../../conditions.ts';
import type { Node } from '../../gen/core-v1.ts';
import type { PrinterColumn } from '../../resource-definition.ts';
import { ageColumn, column, nameColumn, wideColumn } from '../standard-columns.ts';

const rolePrefix = 'node-role.kubernetes.io/';
const roleLabel = 'kubernetes.io/role';

export const nodeColumns: readonly PrinterColumn<Node>[] = [
  nameColumn,
  column('Status', 'string', 'Whether the node is ready and takes new pods.', formatStatus),
  column('Roles', 'string', 'The roles in the labels of the node.', formatRoles),
  ageColumn,
  column('Version', 'string', 'The version of the kubelet.', ({ status }) => status.nodeInfo?.kubeletVersion ?? ''),
  wideColumn('Internal-IP', 'string', 'An address inside the cluster.', (node) => address(node, 'InternalIP')),
  wideColumn('External-IP', 'string', 'An address outside the cluster.', (node) => address(node, 'ExternalIP')),
  wideColumn('OS-Image', 'string', 'The operating system.', ({ status }) => status.nodeInfo?.osImage || '<unknown>'),
  wideColumn('Kernel-Version', 'string', 'The kernel.', ({ status }) => status.nodeInfo?.kernelVersion || '<unknown>'),
  wideColumn(
    'Container-Runtime',
    'string',
    'The container engine.',
    ({ status }) => status.nodeInfo?.containerRuntimeVersion || '<unknown>',
  ),
];

function formatStatus({ spec, status }: Node): string {
  const ready = getCondition(status.conditions, 'Ready');
  const state = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown';
  return spec.unschedulable ? `${state},SchedulingDisabled` : state;
}

function formatRoles({ metadata }: Node): string {
  const roles = new Set<string>();
  for (const [label, value] of Object.entries(metadata.labels ?? {})) {
    if (label.startsWith(rolePrefix) && label.length > rolePrefix.length) roles.add(label.slice(rolePrefix.length));
    else if (label === roleLabel && value !== '') roles.add(value);
  }
  return roles.size === 0 ? '<none>' : [...roles].sort().join(',');
}

function address({ status }: Node, type: string): string {
  return status.addresses?.find((one) => one.type === type)?.address ?? '<none>';
}
