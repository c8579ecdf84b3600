/** What clients find out about the server before they ask it for anything. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './harness.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

test('the version has no hyphen, which charts would take for a pre-release', async () => {
  const { json } = await server.http('GET', '/version');
  expect(json).toMatchObject({ major: '1', minor: '35' });
  expect(json.gitVersion).toMatch(/^v1\.35\.\d+\+knarr\.[0-9A-Za-z.]+$/);
});

test('legacy and aggregated discovery tell of the same resources', async () => {
  const legacy = (await server.http('GET', '/apis/apps/v1')).json.resources.map(({ name }: { name: string }) => name);
  const { json, headers } = await server.http('GET', '/apis', undefined, { headers: { accept: aggregated } });
  expect(headers['content-type']).toBe('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
  const apps = json.items.find(({ metadata }: { metadata: { name: string } }) => metadata.name === 'apps').versions[0].resources;
  const flat = apps.flatMap(({ resource, subresources = [] }: { resource: string; subresources?: { subresource: string }[] }) => [
    resource,
    ...subresources.map(({ subresource }) => `${resource}/${subresource}`),
  ]);
  expect(flat).toEqual(legacy);
  expect(legacy).toContain('deployments/scale');
});

test('whoever has the document already is told so', async () => {
  const first = await server.http('GET', '/api', undefined, { headers: { accept: aggregated } });
  const etag = first.headers.etag!;
  const again = await server.http('GET', '/api', undefined, { headers: { accept: aggregated, 'if-none-match': etag } });
  expect([first.status, again.status, again.text]).toEqual([200, 304, '']);
});

test.each(['/apis/nothing', '/apis/apps/v9', '/api/v2', '/nowhere', '/livez/nothing'])('%s is not there', async (path) => {
  const { status, json } = await server.http('GET', path);
  expect([status, json.kind, json.reason]).toEqual([404, 'Status', 'NotFound']);
});

test('lists of paths lead somewhere', async () => {
  const { paths } = (await server.http('GET', '/')).json as { paths: string[] };
  for (const path of paths) expect([path, (await server.http('GET', path)).status]).toEqual([path, 200]);
});

test('health is plain text, and a failed check withholds its reason', async () => {
  expect((await server.http('GET', '/livez')).text).toBe('ok');
  expect((await server.http('GET', '/livez/ping')).text).toBe('ok');
  expect((await server.http('GET', '/readyz?verbose&exclude=etcd')).text).toContain('[+]etcd excluded: ok\n');
});

test('requests are counted', async () => {
  await server.http('GET', '/api/v1/namespaces/default/pods/nobody');
  const { text, headers } = await server.http('GET', '/metrics');
  expect(headers['content-type']).toContain('text/plain');
  expect(text).toMatch(/apiserver_request_total\{verb="GET",[^}]*resource="pods",[^}]*code="404"\} 1/);
  expect(text).toContain('kubernetes_build_info{major="1",minor="35"');
});

test('a list as a table has the columns of kubectl get', async () => {
  const { json } = await server.http('GET', '/api/v1/namespaces', undefined, {
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' },
  });
  expect(json).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
  expect(json.columnDefinitions.map(({ name }: { name: string }) => name)).toEqual(['Name', 'Status', 'Age']);
  expect(json.rows[0].cells.slice(0, 2)).toEqual(['default', 'Active']);
  expect(json.rows[0].object.kind).toBe('PartialObjectMetadata');
});
