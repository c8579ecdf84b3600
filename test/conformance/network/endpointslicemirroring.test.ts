import { describe, expect, test } from 'vitest';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';

describe.skipIf(unavailable)('network/endpointslicemirroring', () => {
  const cluster = useCluster('conformance-mirroring');
  const name = 'custom-endpoints';
  const path = (resource: string): string => cluster.path('v1', resource);
  const slicesPath = `${cluster.path('discovery.k8s.io/v1', 'endpointslices')}?labelSelector=kubernetes.io%2Fservice-name%3D${name}`;
  const mirrored = async (): Promise<Json> =>
    (await cluster.api('GET', slicesPath)).items.map(({ ports, endpoints }: Json) => [
      ports.map(({ port }: Json) => port),
      endpoints.map(({ addresses }: Json) => addresses),
    ]);

  test('EndpointSlice Mirroring', async () => {
    await cluster.api('POST', path('services'), { metadata: { name }, spec: { ports: [{ name: 'example', port: 80, protocol: 'TCP' }] } });
    const subsets = (ip: string): Json => [{ ports: [{ port: 80 }], addresses: [{ ip }] }];
    await cluster.api('POST', path('endpoints'), { metadata: { name }, subsets: subsets('10.1.2.3') });
    await eventually(async () => expect(await mirrored()).toEqual([[[80], [['10.1.2.3']]]]));
    const [slice] = (await cluster.api('GET', slicesPath)).items;
    expect(slice.metadata.labels['endpointslice.kubernetes.io/managed-by']).toBe('endpointslicemirroring-controller.k8s.io');
    await cluster.api('PUT', path(`endpoints/${name}`), { metadata: { name }, subsets: subsets('10.2.3.4') });
    await eventually(async () => expect(await mirrored()).toEqual([[[80], [['10.2.3.4']]]]));
    await cluster.api('DELETE', path(`endpoints/${name}`));
    await eventually(async () => expect(await mirrored()).toEqual([]));
  });
});
