import { describe, expect, test } from 'vitest';
import { type Json, unavailable, useCluster } from '../support/cluster.ts';

describe.skipIf(unavailable)('network/apiserver', () => {
  const cluster = useCluster('conformance-apiserver');
  const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';

  test('kubernetes.default Endpoints and EndpointSlices', async () => {
    expect((await cluster.api('GET', '/api/v1/namespaces/default/services/kubernetes')).spec.ports).toHaveLength(1);
    const endpoints = await cluster.api('GET', '/api/v1/namespaces/default/endpoints/kubernetes');
    expect(endpoints.subsets).toHaveLength(1);
    const [{ addresses, ports }] = endpoints.subsets;
    expect(addresses.length).toBeGreaterThan(0);
    const { items } = await cluster.api('GET', `${slices}?labelSelector=kubernetes.io%2Fservice-name%3Dkubernetes`);
    expect(items).toHaveLength(1);
    const [slice] = items;
    expect(slice.endpoints.flatMap((endpoint: Json) => endpoint.addresses).toSorted()).toEqual(
      addresses.map(({ ip }: Json) => ip).toSorted(),
    );
    expect(slice.ports.map(({ port }: Json) => port)).toEqual(ports.map(({ port }: Json) => port));
  });

  test('Kubernetes Service', async () => {
    const { spec } = await cluster.api('GET', '/api/v1/namespaces/default/services/kubernetes');
    expect(spec).toMatchObject({ type: 'ClusterIP', ports: [{ name: 'https', port: 443, protocol: 'TCP' }] });
  });
});
