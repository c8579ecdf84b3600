/**
 * Objects as rows of a `meta.k8s.io/v1 Table`: what `kubectl get` prints. A kind brings its columns in its table entry; a kind
 * without any gets the name and the creation time. Knows nothing of encodings, lists or watches: the core puts rows together.
 * @source apiserver pkg/registry/rest/table.go
 */
import type { JsonObject, KubeObject, PrinterColumn, ResourceDefinition } from '../../api/index.ts';
import type { TableRenderer } from '../extension.ts';

/** Columns of a kind that declares none. */
const genericColumns: readonly PrinterColumn<KubeObject>[] = [
  {
    name: 'Name',
    type: 'string',
    format: 'name',
    description: 'The name of the object, unique among its kind in its namespace.',
    priority: 0,
    cell: ({ metadata }) => metadata.name,
  },
  {
    name: 'Created At',
    type: 'date',
    description: 'When the server stored the object first, as an RFC 3339 time in UTC.',
    priority: 0,
    cell: ({ metadata }) => metadata.creationTimestamp,
  },
];

function columnsOf(resource: ResourceDefinition): readonly PrinterColumn<KubeObject>[] {
  return resource.columns.length > 0 ? resource.columns : genericColumns;
}

/** The renderer for every kind of the resource table, built in or defined at run time. */
export const tableRenderer: TableRenderer = {
  columns: (resource): readonly JsonObject[] =>
    columnsOf(resource).map(({ name, type, format, description, priority }) => ({
      name,
      type,
      format: format ?? '',
      description,
      priority,
    })),
  cells: (resource, object, nowMs) => columnsOf(resource).map((column) => column.cell(object, nowMs)),
};
