import { describe, expect, it } from 'vitest';
import { type corev1, corev1Resources, type discoveryv1, discoveryv1Resources } from '../../../src/api/index.ts';
import { startWorld, type World } from './world.ts';

const only = ['endpointslice-controller', 'endpoints-controller', 'endpointslice-mirroring-controller'];

async function createService(
  world: World,
  spec: corev1.ServiceSpec,
  labels: Readonly<Record<string, string>> = {},
): Promise<corev1.Service> {
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'default', labels }, spec } as const;
  return world.client.create(corev1Resources.services, service, { signal: world.signal });
}

async function createPod(world: World, name: string, spec: Partial<corev1.PodSpec> = {}): Promise<corev1.Pod> {
  const containers = [{ name: 'c', image: 'i', ports: [{ name: 'http', containerPort: 8080 }] }];
  const metadata = { name, namespace: 'default', labels: { app: 'web' } };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: 'n1', containers, ...spec } } as const;
  return world.client.create(corev1Resources.pods, pod, { signal: world.signal });
}

const slicesOf = async (world: World): Promise<readonly discoveryv1.EndpointSlice[]> => world.list(discoveryv1Resources.endpointslices);
const hintsOf = async (world: World): Promise<(discoveryv1.EndpointHints | undefined)[]> =>
  (await slicesOf(world)).flatMap(({ endpoints }) => endpoints.map(({ hints }) => hints));
const ready = async (world: World): Promise<number> =>
  (await slicesOf(world)).flatMap(({ endpoints }) => endpoints).filter(({ conditions }) => conditions?.ready).length;

const web: corev1.ServiceSpec = { selector: { app: 'web' }, ports: [{ name: 'web', port: 80, targetPort: 'http' }] };

describe('a Service', () => {
  it('lists its pods in slices and in Endpoints', async () => {
    await using world = await startWorld({ only });
    await world.addNode('n1', { 'topology.kubernetes.io/zone': 'z1' });
    const service = await createService(world, web, { team: 'a' });
    await world.until('an empty slice is there', async () => (await slicesOf(world)).length === 1);
    const pod = await createPod(world, 'p');
    await world.until('the pod is ready', async () => (await ready(world)) === 1);
    const [slice] = await slicesOf(world);
    expect(slice).toMatchObject({
      addressType: 'IPv4',
      metadata: {
        generateName: 'web-',
        labels: {
          team: 'a',
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
        ownerReferences: [
          { apiVersion: 'v1', kind: 'Service', name: 'web', uid: service.metadata.uid, controller: true, blockOwnerDeletion: true },
        ],
      },
      ports: [{ name: 'web', port: 8080, protocol: 'TCP' }],
      endpoints: [
        {
          addresses: ['10.0.0.1'],
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: 'n1',
          zone: 'z1',
          targetRef: { kind: 'Pod', namespace: 'default', name: 'p', uid: pod.metadata.uid },
        },
      ],
    });
    expect(slice!.metadata.annotations?.['endpoints.kubernetes.io/last-change-trigger-time']).toMatch(/^2026-01-01T00:00:0\dZ$/);
    const endpoints = await world.get(corev1Resources.endpoints, 'web');
    expect(endpoints.metadata.labels).toEqual({ team: 'a', 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' });
    expect(endpoints.subsets).toMatchObject([
      { addresses: [{ ip: '10.0.0.1', nodeName: 'n1' }], ports: [{ name: 'web', port: 8080, protocol: 'TCP' }] },
    ]);
  });

  it('keeps a pod that is being deleted as terminating, and takes it out of Endpoints', async () => {
    await using world = await startWorld({ only });
    await world.addNode('n1');
    await createService(world, web);
    const pod = await createPod(world, 'p');
    await world.until('it is ready', async () => (await ready(world)) === 1);
    await world.client.delete(corev1Resources.pods, pod.metadata, { signal: world.signal });
    await world.clock.advance(100);
    expect((await slicesOf(world))[0]!.endpoints[0]!.conditions).toEqual({ ready: false, serving: true, terminating: true });
    expect((await world.get(corev1Resources.endpoints, 'web')).subsets ?? []).toEqual([]);
    await world.until('it is gone', async () => (await slicesOf(world))[0]!.endpoints.length === 0);
  });

  it('lists a hundred pods a slice', async () => {
    await using world = await startWorld({ only, endpointSlice: { maxEndpointsPerSlice: 3 } });
    await world.addNode('n1');
    await createService(world, web);
    for (let i = 0; i < 7; i++) await createPod(world, `p${i}`);
    await world.until('all are ready', async () => (await ready(world)) === 7);
    const sizes = (await slicesOf(world)).map(({ endpoints }) => endpoints.length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(7);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(3);
    expect(sizes.length).toBeLessThanOrEqual(4);
  });

  it('says who should prefer which endpoint, as its trafficDistribution asks', async () => {
    await using world = await startWorld({ only });
    await world.addNode('n1', { 'topology.kubernetes.io/zone': 'z1' });
    const service = await createService(world, { ...web, trafficDistribution: 'PreferSameNode' });
    await createPod(world, 'p');
    await world.until('the pod is ready', async () => (await ready(world)) === 1);
    expect(await hintsOf(world)).toEqual([{ forZones: [{ name: 'z1' }], forNodes: [{ name: 'n1' }] }]);
    const patch = async (trafficDistribution: string | null): Promise<unknown> =>
      world.client.patch(
        corev1Resources.services,
        service.metadata,
        { type: 'application/merge-patch+json', body: { spec: { trafficDistribution } } },
        { signal: world.signal },
      );
    await patch('PreferSameZone');
    await world.until('only zones are preferred', async () => (await hintsOf(world))[0]?.forNodes === undefined);
    expect(await hintsOf(world)).toEqual([{ forZones: [{ name: 'z1' }] }]);
    await patch(null);
    await world.until('nothing is preferred', async () => (await hintsOf(world))[0] === undefined);
  });

  it('shares its endpoints out among the zones when its annotation asks', async () => {
    await using world = await startWorld({ only });
    const service = await createService(world, web);
    for (const n of ['1', '2']) {
      await world.addNode(`n${n}`, { 'topology.kubernetes.io/zone': `z${n}` });
      const body = { status: { allocatable: { cpu: '4' }, conditions: [{ type: 'Ready', status: 'True' }] } };
      const patch = { type: 'application/strategic-merge-patch+json', body, subresource: 'status' } as const;
      await world.client.patch(corev1Resources.nodes, { name: `n${n}` }, patch, { signal: world.signal });
    }
    for (const name of ['a', 'b', 'c', 'd']) await createPod(world, name);
    await world.until('the pods are ready', async () => (await ready(world)) === 4);
    const annotate = async (value: string | null): Promise<unknown> =>
      world.client.patch(
        corev1Resources.services,
        service.metadata,
        { type: 'application/merge-patch+json', body: { metadata: { annotations: { 'service.kubernetes.io/topology-mode': value } } } },
        { signal: world.signal },
      );
    const zones = async (): Promise<string[]> => (await hintsOf(world)).map((hints) => hints?.forZones?.[0]?.name ?? '').sort();
    await annotate('Auto');
    await world.until('every endpoint has a zone', async () => !(await zones()).includes(''));
    expect(await zones()).toEqual(['z1', 'z1', 'z2', 'z2']);
    await world.client.delete(corev1Resources.nodes, { name: 'n2' }, { signal: world.signal });
    await world.until('there is one zone only', async () => (await zones()).every((zone) => zone === ''));
    expect(await world.events('web')).toEqual([
      'TopologyAwareHintsEnabled: Topology Aware Hints has been enabled, addressType: IPv4',
      expect.stringMatching(/^TopologyAwareHintsDisabled: Insufficient Node information: .*, addressType: IPv4$/),
    ]);
  });

  it('is headless with hostnames, and publishes pods that are not ready when asked', async () => {
    await using world = await startWorld({ only, readyAfterMs: undefined });
    await world.addNode('n1');
    await createService(world, { ...web, clusterIP: 'None', publishNotReadyAddresses: true });
    const pod = await createPod(world, 'p', { hostname: 'first', subdomain: 'web' });
    const body = { status: { phase: 'Running', podIP: '10.0.0.9', podIPs: [{ ip: '10.0.0.9' }] } };
    await world.client.patch(
      corev1Resources.pods,
      pod.metadata,
      { type: 'application/strategic-merge-patch+json', body, subresource: 'status' },
      { signal: world.signal },
    );
    await world.until('it is listed', async () => (await ready(world)) === 1);
    const [slice] = await slicesOf(world);
    expect(slice!.metadata.labels).toHaveProperty(['service.kubernetes.io/headless'], '');
    expect(slice!.endpoints).toMatchObject([{ hostname: 'first', conditions: { ready: true, serving: false, terminating: false } }]);
    const endpoints = await world.get(corev1Resources.endpoints, 'web');
    expect(endpoints.metadata.labels).toHaveProperty(['service.kubernetes.io/headless'], '');
    expect(endpoints.subsets).toMatchObject([{ addresses: [{ ip: '10.0.0.9', hostname: 'first' }] }]);
  });

  it('without a selector shows hand-written Endpoints as a slice', async () => {
    await using world = await startWorld({ only });
    await createService(world, { ports: [{ port: 80 }] });
    const subsets = [{ addresses: [{ ip: '192.0.2.1' }], notReadyAddresses: [{ ip: '192.0.2.2' }], ports: [{ port: 8080 }] }];
    const written = { apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'web', namespace: 'default' }, subsets } as const;
    await world.client.create(corev1Resources.endpoints, written, { signal: world.signal });
    await world.until('it is mirrored', async () => (await slicesOf(world)).length === 1);
    const [slice] = await slicesOf(world);
    expect(slice!.metadata.labels).toMatchObject({ 'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io' });
    expect(slice!.endpoints.map(({ addresses, conditions }) => `${addresses[0]} ${conditions?.ready}`)).toEqual([
      '192.0.2.1 true',
      '192.0.2.2 false',
    ]);
    await world.client.delete(corev1Resources.endpoints, written.metadata, { signal: world.signal });
    await world.until('it is gone', async () => (await slicesOf(world)).length === 0);
  });

  it('without a selector has no more addresses of a subset mirrored than may be, and says so', async () => {
    await using world = await startWorld({ only, endpointSliceMirroring: { maxEndpointsPerSubset: 2 } });
    await createService(world, { ports: [{ port: 80 }] });
    const addresses = [1, 2, 3].map((last) => ({ ip: `192.0.2.${last}` }));
    const metadata = { name: 'web', namespace: 'default' };
    const written = { apiVersion: 'v1', kind: 'Endpoints', metadata, subsets: [{ addresses, ports: [{ port: 8080 }] }] } as const;
    await world.client.create(corev1Resources.endpoints, written, { signal: world.signal });
    await world.until('two are mirrored', async () => (await slicesOf(world))[0]?.endpoints.length === 2);
    const told =
      'TooManyAddressesToMirror: A max of 2 addresses can be mirrored to EndpointSlices per Endpoints subset. 1 addresses were skipped';
    await world.until('it is told', async () => (await world.events('web')).includes(told));
    expect(await world.registry.metrics()).toContain('endpoint_slice_mirroring_controller_endpoints_desired 2');
  });

  it('takes its Endpoints with it', async () => {
    await using world = await startWorld({ only });
    const service = await createService(world, web);
    await world.until('they are there', async () => (await world.list(corev1Resources.endpoints)).length === 1);
    await world.client.delete(corev1Resources.services, service.metadata, { signal: world.signal });
    await world.until('they are gone', async () => (await world.list(corev1Resources.endpoints)).length === 0);
  });

  it('comes to rest', async () => {
    await using world = await startWorld({ only });
    await world.addNode('n1');
    await createService(world, web);
    await createPod(world, 'p');
    await world.until('it is ready', async () => (await ready(world)) === 1);
    await world.clock.advance(10_000);
    const [before] = await slicesOf(world);
    await world.clock.advance(600_000);
    const [after] = await slicesOf(world);
    expect(after!.metadata.resourceVersion).toBe(before!.metadata.resourceVersion);
  });
});
