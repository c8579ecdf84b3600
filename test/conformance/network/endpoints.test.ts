import { describe, expect, test } from 'vitest';
import { toolbox } from '../../e2e/images.ts';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';

describe.skipIf(unavailable)('network/endpoints', () => {
  const cluster = useCluster('conformance-endpoints');
  const path = (resource: string): string => cluster.path('v1', resource);
  const gone = (resource: string): Promise<void> =>
    eventually(async () => expect((await cluster.request('GET', path(resource))).status).toBe(404));

  test('Endpoint resource lifecycle', async () => {
    const selector = 'labelSelector=test-endpoint-static%3Dtrue';
    await using watch = await HeldWatch.open(cluster.transport(), `${path('endpoints')}?${selector}`);
    const labels = { 'test-endpoint-static': 'true' };
    const subsets = (ip: string): Json => [{ addresses: [{ ip }], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }];
    await cluster.api('POST', path('endpoints'), { metadata: { name: 'testservice', labels }, subsets: subsets('10.0.0.24') });
    await watch.until(({ type }) => type === 'ADDED');
    const all = await cluster.api('GET', `/api/v1/endpoints?${selector}`);
    expect(all.items.map(({ metadata }: Json) => metadata.name)).toEqual(['testservice']);

    const found = await cluster.api('GET', path('endpoints/testservice'));
    await cluster.api('PUT', path('endpoints/testservice'), {
      ...found,
      metadata: { ...found.metadata, labels: { ...labels, 'test-service': 'updated' } },
    });
    await watch.until(({ type, object }) => type === 'MODIFIED' && object.metadata.labels['test-service'] === 'updated');
    expect((await cluster.api('GET', path('endpoints/testservice'))).metadata.labels['test-service']).toBe('updated');

    await cluster.api(
      'PATCH',
      path('endpoints/testservice'),
      { metadata: { labels: { 'test-service': 'patched' } }, subsets: subsets('10.0.0.25') },
      { headers: { 'content-type': 'application/strategic-merge-patch+json' } },
    );
    const told = await watch.until(({ type, object }) => type === 'MODIFIED' && object.metadata.labels['test-service'] === 'patched');
    expect(told.object.subsets[0]).toMatchObject({ addresses: [{ ip: '10.0.0.25' }], ports: [{ name: 'http', port: 80 }] });

    await cluster.api('DELETE', `${path('endpoints')}?${selector}`);
    await watch.until(({ type }) => type === 'DELETED');
    expect((await cluster.request('GET', path('endpoints/testservice'))).status).toBe(404);
  });

  test('Endpoints, "empty" Service', async () => {
    await cluster.api('POST', path('services'), {
      metadata: { name: 'empty' },
      spec: { selector: { 'does-not-match-anything': 'yes' }, ports: [{ name: 'example', port: 80 }] },
    });
    const endpoints = await eventually(() => cluster.api('GET', path('endpoints/empty')));
    expect(endpoints.metadata.labels['endpoints.kubernetes.io/managed-by']).toBe('endpoint-controller');
    expect(endpoints.subsets ?? []).toEqual([]);
    await cluster.api('DELETE', path('services/empty'));
    await gone('endpoints/empty');
  });

  test('Endpoints, creation/deletion', async () => {
    const createPod = (name: string, labels: Json, ports: Json[]): Promise<Json> =>
      cluster.api('POST', path('pods'), {
        metadata: { name, labels },
        spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: toolbox, args: ['-c', 'exec sleep 10000'], ports }] },
      });
    await createPod('pod1', { pod1: 'on', shared12: 'on' }, [{ name: 'example-name', containerPort: 3000 }]);
    await createPod('pod2', { pod2: 'on', shared12: 'on' }, [
      { name: 'example-name', containerPort: 3001 },
      { name: 'other-port', containerPort: 3002 },
    ]);
    const createService = (name: string, selector: Json, targetPort: number | string): Promise<Json> =>
      cluster.api('POST', path('services'), {
        metadata: { name },
        spec: { selector, publishNotReadyAddresses: true, ports: [{ name: 'example', port: 80, targetPort }] },
      });
    await createService('int-port', { pod1: 'on' }, 3000);
    await createService('named-port', { shared12: 'on' }, 'example-name');
    await createService('no-match', { pod3: 'on' }, 8080);
    const ipOf = (name: string): Promise<string> =>
      eventually(async () => {
        const { podIP } = (await cluster.api('GET', path(`pods/${name}`))).status;
        expect(podIP).toBeTruthy();
        return podIP;
      });
    const [one, two] = await Promise.all([ipOf('pod1'), ipOf('pod2')]);
    /** `address:port pod`, over all subsets. */
    const shown = async (service: string): Promise<string[]> =>
      ((await cluster.api('GET', path(`endpoints/${service}`))).subsets ?? [])
        .flatMap(({ addresses = [], ports = [] }: Json) =>
          addresses.flatMap(({ ip, targetRef }: Json) => ports.map(({ port }: Json) => `${ip}:${port} ${targetRef.name}`)),
        )
        .sort();
    await eventually(async () => expect(await shown('int-port')).toEqual([`${one}:3000 pod1`]));
    await eventually(async () => expect(await shown('named-port')).toEqual([`${one}:3000 pod1`, `${two}:3001 pod2`].sort()));
    await eventually(async () => expect(await shown('no-match')).toEqual([]));
    await cluster.api('DELETE', path('pods/pod1'));
    await eventually(async () => expect(await shown('named-port')).toEqual([`${two}:3001 pod2`]));
    await cluster.api('DELETE', path('services/int-port'));
    await gone('endpoints/int-port');
  });
});
