/** What `--runtime-config` turns off is not there for clients; the server's own code goes on with it. */
import { expect, test } from 'vitest';
import { servedResources } from '../../src/apiserver/flags/index.ts';
import { builtinResources } from '../../src/api/kinds/index.ts';
import { corev1Resources } from '../../src/api/index.ts';
import { startTestServer } from './harness.ts';

test('a resource that is turned off is neither discovered nor served', async () => {
  const config = new Map([
    ['apps/v1', 'false'],
    ['v1/endpoints', 'false'],
  ]);
  await using server = await startTestServer({ isServed: servedResources(builtinResources, config) });
  for (const path of ['/apis/apps/v1/namespaces/default/deployments', '/api/v1/endpoints']) {
    const { status, json } = await server.http('GET', path);
    expect([status, json.message]).toEqual([404, 'the server could not find the requested resource']);
  }
  const { json: groups } = await server.http('GET', '/apis');
  expect(groups.groups.map(({ name }: { name: string }) => name)).not.toContain('apps');
  const { json: core } = await server.http('GET', '/api/v1');
  const names = core.resources.map(({ name }: { name: string }) => name) as string[];
  expect([names.includes('endpoints'), names.includes('pods')]).toEqual([false, true]);
  const { json: openApi } = await server.http('GET', '/openapi/v3');
  expect(Object.keys(openApi.paths as object)).not.toContain('apis/apps/v1');
  expect(server.server.host.registry.cachedList(corev1Resources.endpoints)).toEqual([]);
});
