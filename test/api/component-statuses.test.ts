/** What `kubectl get componentstatuses` sees: components that are looked at when somebody asks, and are stored nowhere. */
import { expect, test } from 'vitest';
import { standardExtensions } from '../../src/apiserver/index.ts';
import { startTestServer } from './harness.ts';

const path = '/api/v1/componentstatuses';

test('components are listed, read one by one, shown as a table, and never written', async () => {
  await using server = await startTestServer({
    extensions: standardExtensions({
      serverAddress: () => '',
      version: { knarrVersion: '0' },
      admission: { disabled: ['ServiceAccount'] },
      components: () => [{ name: 'controller-manager' }, { name: 'scheduler', error: 'it does not run' }],
    }),
  });
  const list = await server.http('GET', path);
  expect(list.headers['warning']).toBe('299 - "v1 ComponentStatus is deprecated in v1.19+"');
  expect(list.json).toMatchObject({ kind: 'ComponentStatusList', items: [{}, {}, { metadata: { name: 'etcd-0' } }] });
  expect((await server.http('GET', `${path}/scheduler`)).json).toEqual({
    kind: 'ComponentStatus',
    apiVersion: 'v1',
    metadata: { name: 'scheduler' },
    conditions: [{ type: 'Healthy', status: 'False', message: '', error: 'it does not run' }],
  });
  const table = await server.http('GET', path, undefined, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } });
  expect(table.json.rows.map(({ cells }: { cells: string[] }) => cells)).toEqual([
    ['controller-manager', 'Healthy', 'ok', ''],
    ['scheduler', 'Unhealthy', '', 'it does not run'],
    ['etcd-0', 'Healthy', 'ok', ''],
  ]);
  const one = await server.http('GET', `${path}?fieldSelector=metadata.name%3Detcd-0`);
  expect(one.json.items).toHaveLength(1);
  expect((await server.http('GET', `${path}/nobody`)).status).toBe(404);
  expect((await server.http('GET', `${path}?watch=true`)).status).toBe(405);
  expect((await server.http('DELETE', `${path}/scheduler`)).status).toBe(405);
  expect((await server.http('POST', path, { apiVersion: 'v1', kind: 'ComponentStatus', metadata: { name: 'x' } })).status).toBe(405);
});
