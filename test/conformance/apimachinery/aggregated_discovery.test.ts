import { describe, expect, test } from 'vitest';
import { type Json, unavailable, useCluster } from '../support/cluster.ts';

describe.skipIf(unavailable)('apimachinery/aggregated_discovery', () => {
  const cluster = useCluster('conformance-aggregated');
  const aggregated = (version: string): string => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
  const ask = (path: string, accept: string): ReturnType<typeof cluster.request> =>
    cluster.request('GET', path, undefined, { headers: { accept } });

  test('Aggregated Discovery Interface', async () => {
    const core = (await ask('/api', aggregated('v2'))).json;
    expect(core).toMatchObject({ kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' });
    const coreResources = core.items[0].versions.find(({ version }: Json) => version === 'v1').resources;
    for (const [resource, kind, scope] of [
      ['pods', 'Pod', 'Namespaced'],
      ['services', 'Service', 'Namespaced'],
      ['nodes', 'Node', 'Cluster'],
    ]) {
      const found = coreResources.find((one: Json) => one.resource === resource);
      expect(found).toMatchObject({ scope, responseKind: { group: '', version: '', kind } });
      expect(found.verbs).toEqual(expect.arrayContaining(['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']));
    }
    const { items } = (await ask('/apis', aggregated('v2'))).json;
    const apps = items.find((one: Json) => one.metadata.name === 'apps');
    const deployments = apps.versions[0].resources.find((one: Json) => one.resource === 'deployments');
    expect(deployments).toMatchObject({ singularResource: 'deployment', shortNames: ['deploy'], categories: ['all'] });
    expect(deployments.subresources.map(({ subresource }: Json) => subresource)).toEqual(expect.arrayContaining(['scale', 'status']));
    // Every resource that the documents of single groups name is in the one document, and no other.
    const { groups } = (await ask('/apis', 'application/json')).json;
    expect(items.map((one: Json) => one.metadata.name)).toEqual(groups.map(({ name }: Json) => name));
    for (const group of items) {
      for (const version of group.versions) {
        const list = await cluster.api('GET', `/apis/${group.metadata.name}/${version.version}`);
        const plain = list.resources.map(({ name }: Json) => name).filter((name: string) => !name.includes('/'));
        expect(version.resources.map(({ resource }: Json) => resource).toSorted()).toEqual(plain.toSorted());
      }
    }
  });

  test('Aggregated Discovery Endpoint Accept Headers', async () => {
    for (const path of ['/api', '/apis']) {
      for (const version of ['v2', 'v2beta1']) {
        const answer = await ask(path, aggregated(version));
        expect(answer.json).toMatchObject({ kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${version}` });
        expect(answer.headers['content-type']).toContain(`v=${version}`);
      }
      const unaggregated = path === '/api' ? 'APIVersions' : 'APIGroupList';
      // Who takes both prefers what stands first; who names no version we serve gets the plain document.
      expect((await ask(path, `${aggregated('v2')},application/json`)).json.kind).toBe('APIGroupDiscoveryList');
      expect((await ask(path, `${aggregated('v9')},application/json`)).json.kind).toBe(unaggregated);
      expect((await ask(path, 'application/json')).json.kind).toBe(unaggregated);
      const answer = await ask(path, aggregated('v2'));
      const etag = answer.headers['etag'] as string;
      expect(etag).toMatch(/^".+"$/);
      const again = await cluster.request('GET', path, undefined, { headers: { accept: aggregated('v2'), 'if-none-match': etag } });
      expect(again.status).toBe(304);
    }
  });
});
