import { expect, test } from 'vitest';
import type { KubeObject, ResourceDefinition } from '../../api/index.ts';
import { tableRenderer } from './table-renderer.ts';

const widget: KubeObject = {
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name: 'w', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
};

function definition(columns: ResourceDefinition['columns']): ResourceDefinition {
  return {
    group: 'example.com',
    version: 'v1',
    kind: 'Widget',
    listKind: 'WidgetList',
    plural: 'widgets',
    singular: 'widget',
    shortNames: [],
    categories: [],
    namespaced: true,
    verbs: ['get'],
    schema: 'com.example.v1.Widget',
    storage: { prefix: 'example.com/widgets', group: 'example.com', version: 'v1' },
    subresources: [],
    columns,
    strategy: { validate: () => [], validateUpdate: () => [], validateName: () => [] },
    selectableFields: {},
  };
}

test('a kind without columns shows its name and when it was created', () => {
  const resource = definition([]);
  expect(tableRenderer.columns(resource)).toMatchObject([
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Created At', type: 'date', format: '', priority: 0 },
  ]);
  expect(tableRenderer.cells(resource, widget, 0)).toEqual(['w', '2026-01-01T00:00:00Z']);
});

test('a kind with columns shows those, and is told the time for ages', () => {
  const resource = definition([{ name: 'Age', type: 'string', description: '', priority: 1, cell: (_, nowMs) => `${nowMs / 1000}s` }]);
  expect(tableRenderer.columns(resource)).toEqual([{ name: 'Age', type: 'string', format: '', description: '', priority: 1 }]);
  expect(tableRenderer.cells(resource, widget, 5000)).toEqual(['5s']);
});
