/**
 * The columns that every kind's table begins with or has.
 * @source pkg/printers/internalversion/printers.go, v1.35
 */
import { ageOf } from '../duration.ts';
import type { Container } from '../gen/core-v1.ts';
import type { KubeObject } from '../object.ts';
import type { PrinterColumn } from '../resource-definition.ts';

export const nameColumn: PrinterColumn<KubeObject> = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'The name of the object, unique in its namespace.',
  priority: 0,
  cell: ({ metadata }) => metadata.name,
};

export const ageColumn: PrinterColumn<KubeObject> = {
  name: 'Age',
  type: 'string',
  description: 'How long ago the object was created.',
  priority: 0,
  cell: ({ metadata }, nowMs) => ageOf(metadata.creationTimestamp, nowMs),
};

/** A column that is always shown. */
export function column<T>(
  name: string,
  type: PrinterColumn<T>['type'],
  description: string,
  cell: PrinterColumn<T>['cell'],
): PrinterColumn<T> {
  return { name, type, description, priority: 0, cell };
}

/** A column of `-o wide`. */
export function wideColumn<T>(
  name: string,
  type: PrinterColumn<T>['type'],
  description: string,
  cell: PrinterColumn<T>['cell'],
): PrinterColumn<T> {
  return { name, type, description, priority: 1, cell };
}

/** The containers and images of a pod template. */
export function containerColumns<T>(containersOf: (object: T) => readonly Container[] | undefined): PrinterColumn<T>[] {
  return [
    wideColumn('Containers', 'string', 'Names of each container in the template.', (object) =>
      (containersOf(object) ?? []).map(({ name }) => name).join(','),
    ),
    wideColumn('Images', 'string', 'Images referenced by each container in the template.', (object) =>
      (containersOf(object) ?? []).map(({ image }) => image ?? '').join(','),
    ),
  ];
}
