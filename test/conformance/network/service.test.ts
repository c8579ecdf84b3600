import { describe, expect, test } from 'vitest';
import { beforeAllOnCluster, eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';
import { httpPort, NetworkScene, udpPort } from './scene.ts';

const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };

describe.skipIf(unavailable)('network/service', () => {
  const cluster = useCluster('conformance-service');
  const scene = new NetworkScene(cluster);
  const services = cluster.path('v1', 'services');
  const fullName = (service: string): string => `${service}.${cluster.namespace}.svc.cluster.local`;
  const get = (name: string): Promise<Json> => cluster.api('GET', `${services}/${name}`);
  /** Changes a Service as a client does that reads, changes and writes. */
  const change = (name: string, edit: (service: Json) => void): Promise<Json> =>
    eventually(async () => {
      const service = await get(name);
      edit(service);
      return cluster.api('PUT', `${services}/${name}`, service);
    });
  /** `ip:port` of every ready endpoint. */
  const endpoints = async (service: string): Promise<string[]> => {
    const path = cluster.path('discovery.k8s.io/v1', `endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D${service}`);
    const { items } = await cluster.api('GET', path);
    return items
      .flatMap((slice: Json) =>
        (slice.endpoints ?? []).flatMap(({ addresses }: Json) => (slice.ports ?? []).map(({ port }: Json) => `${addresses[0]}:${port}`)),
      )
      .sort();
  };
  const hasEndpoints = (service: string, expected: readonly string[]): Promise<void> =>
    eventually(async () => expect(await endpoints(service)).toEqual([...expected].sort()));

  beforeAllOnCluster(async () => {
    await Promise.all([
      scene.pod('client'),
      scene.pod('server-1', { labels: { app: 'server' } }),
      scene.pod('server-2', { labels: { app: 'server' } }),
    ]);
  });
  const servers = ['server-1', 'server-2'];
  const serverPorts = [{ port: 80, targetPort: httpPort }];

  test('Find Kubernetes Service in default Namespace', async () => {
    const { items } = await cluster.api('GET', '/api/v1/services');
    expect(items.map(({ metadata }: Json) => `${metadata.namespace}/${metadata.name}`)).toContain('default/kubernetes');
  });

  test('Service, NodePort Service', async () => {
    const { spec } = await scene.createService('node-port', { type: 'NodePort', selector: { app: 'server' }, ports: serverPorts });
    await scene.reaches('client', { host: 'node-port', port: 80 }, servers);
    await scene.reaches('client', { host: spec.clusterIP, port: 80 }, servers);
    for (const address of await scene.nodeAddresses())
      await scene.reaches('client', { host: address, port: spec.ports[0].nodePort }, servers);
  });

  test('Service, change type, ExternalName to ClusterIP', async () => {
    await scene.createService('to-cluster-ip', { type: 'ExternalName', externalName: 'foo.example.com' });
    const { spec } = await change('to-cluster-ip', (service) => {
      service.spec = { type: 'ClusterIP', selector: { app: 'server' }, ports: serverPorts };
    });
    expect(spec.externalName).toBeUndefined();
    await scene.reaches('client', { host: 'to-cluster-ip', port: 80 }, servers);
    await scene.reaches('client', { host: spec.clusterIP, port: 80 }, servers);
  });

  test('Service, change type, ExternalName to NodePort', async () => {
    await scene.createService('to-node-port', { type: 'ExternalName', externalName: 'foo.example.com' });
    const { spec } = await change('to-node-port', (service) => {
      service.spec = { type: 'NodePort', selector: { app: 'server' }, ports: serverPorts };
    });
    expect(spec.ports[0].nodePort).toBeGreaterThanOrEqual(30_000);
    await scene.reaches('client', { host: 'to-node-port', port: 80 }, servers);
    for (const address of await scene.nodeAddresses())
      await scene.reaches('client', { host: address, port: spec.ports[0].nodePort }, servers);
  });

  /** The name of a changed Service leads to another Service's address. */
  const becomesExternal = async (name: string, type: 'ClusterIP' | 'NodePort'): Promise<void> => {
    await scene.createService(name, { type, selector: { app: 'server' }, ports: serverPorts });
    const target = await scene.createService(`${name}-target`, { selector: { app: 'server' }, ports: serverPorts });
    await scene.reaches('client', { host: name, port: 80 }, servers);
    const { spec } = await change(name, (service) => {
      service.spec = { type: 'ExternalName', externalName: fullName(`${name}-target`) };
    });
    expect([spec.clusterIP, spec.clusterIPs, spec.ports]).toEqual([undefined, undefined, undefined]);
    await eventually(async () => {
      expect(JSON.parse(await scene.page('client', `resolve?name=${name}`))).toEqual({ addresses: [target.spec.clusterIP] });
    });
    await scene.reaches('client', { host: name, port: 80 }, servers);
  };

  test('Service, change type, ClusterIP to ExternalName', () => becomesExternal('cluster-ip-to-name', 'ClusterIP'));

  test('Service, change type, NodePort to ExternalName', () => becomesExternal('node-port-to-name', 'NodePort'));

  test('Service, endpoints', async () => {
    await scene.createService('few', { selector: { served: 'few' }, ports: serverPorts });
    await hasEndpoints('few', []);
    const first = await scene.pod('few-1', { labels: { served: 'few' } });
    await hasEndpoints('few', [`${first.status.podIP}:${httpPort}`]);
    await scene.reaches('client', { host: 'few', port: 80 }, ['few-1']);
    const second = await scene.pod('few-2', { labels: { served: 'few' } });
    await hasEndpoints('few', [`${first.status.podIP}:${httpPort}`, `${second.status.podIP}:${httpPort}`]);
    await scene.reaches('client', { host: 'few', port: 80 }, ['few-1', 'few-2']);
    await scene.removePod('few-1');
    await hasEndpoints('few', [`${second.status.podIP}:${httpPort}`]);
    await scene.reaches('client', { host: 'few', port: 80 }, ['few-2']);
    await scene.removePod('few-2');
    await hasEndpoints('few', []);
    await scene.cannotReach('client', { host: 'few', port: 80 });
  });

  test('Service, endpoints with multiple ports', async () => {
    const { spec } = await scene.createService('many-ports', {
      selector: { served: 'many-ports' },
      ports: [
        { name: 'portname1', port: 80, targetPort: 100 },
        { name: 'portname2', port: 81, targetPort: 101 },
      ],
    });
    await hasEndpoints('many-ports', []);
    const listening = (port: number, name: string): Json => ({
      labels: { served: 'many-ports', port: name },
      args: [`--http-port=${port}`],
      containerPorts: [{ name, containerPort: port }],
    });
    const one = await scene.pod('ports-1', listening(100, 'containerport1'));
    await eventually(async () => expect(await endpoints('many-ports')).toContain(`${one.status.podIP}:100`));
    await scene.reaches('client', { host: spec.clusterIP, port: 80 }, ['ports-1']);
    const two = await scene.pod('ports-2', listening(101, 'containerport2'));
    await eventually(async () => expect(await endpoints('many-ports')).toContain(`${two.status.podIP}:101`));
    await scene.removePod('ports-1');
    await eventually(async () => expect((await endpoints('many-ports')).join()).not.toContain(`${one.status.podIP}:`));
    await scene.reaches('client', { host: spec.clusterIP, port: 81 }, ['ports-2']);
    await scene.removePod('ports-2');
    await hasEndpoints('many-ports', []);
  });

  test('Service, should serve endpoints on same port and different protocols.', async () => {
    const tcp = { name: 'tcp-port', port: 80, protocol: 'TCP', targetPort: httpPort };
    const udp = { name: 'udp-port', port: 80, protocol: 'UDP', targetPort: udpPort };
    const { spec } = await scene.createService('both', { selector: { app: 'server' }, ports: [tcp, udp] });
    expect(spec.ports.map(({ protocol, port }: Json) => `${protocol} ${port}`)).toEqual(['TCP 80', 'UDP 80']);
    const host = spec.clusterIP;
    await scene.reaches('client', { host, port: 80 }, servers);
    await scene.reaches('client', { host, port: 80, protocol: 'udp' }, servers);
    await change('both', (service) => (service.spec.ports = [udp]));
    await scene.cannotReach('client', { host, port: 80 });
    await scene.reaches('client', { host, port: 80, protocol: 'udp' }, servers);
    await change('both', (service) => (service.spec.ports = [tcp]));
    await scene.reaches('client', { host, port: 80 }, servers);
    await eventually(async () => {
      await expect(scene.answers('client', { host, port: 80, protocol: 'udp' })).rejects.toThrow(/timeout|ECONNREFUSED/);
    });
  });

  test('Service, complete ServiceStatus lifecycle', async () => {
    const metadata = { labels: { 'test-service-static': 'true' } };
    const listed = `${services}?labelSelector=test-service-static%3Dtrue`;
    const { metadata: list } = await cluster.api('GET', listed);
    await using watch = await HeldWatch.open(cluster.transport(), `${listed}&resourceVersion=${list.resourceVersion}`);
    const next = async (type: string): Promise<Json> => {
      const event = await watch.next();
      expect(event.type).toBe(type);
      return event.object;
    };
    await scene.createService(
      'lifecycle',
      { type: 'LoadBalancer', loadBalancerClass: 'example.com/internal-vip', ports: [{ name: 'http', port: 80, targetPort: 80 }] },
      metadata,
    );
    await next('ADDED');
    const status = `${services}/lifecycle/status`;
    expect((await cluster.api('GET', status)).status.loadBalancer).toEqual({});

    await cluster.api(
      'PATCH',
      status,
      { metadata: { annotations: { patchedstatus: 'true' } }, status: { loadBalancer: { ingress: [{ ip: '203.0.113.1' }] } } },
      mergePatch,
    );
    const patched = await next('MODIFIED');
    expect(patched.metadata.annotations.patchedstatus).toBe('true');
    expect(patched.status.loadBalancer.ingress).toMatchObject([{ ip: '203.0.113.1' }]);

    const condition = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from e2e test', lastTransitionTime: null };
    const updated = await cluster.api('PUT', status, { ...patched, status: { ...patched.status, conditions: [condition] } });
    expect(updated.status.conditions).toMatchObject([
      { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from e2e test' },
    ]);
    expect((await next('MODIFIED')).status.conditions).toHaveLength(1);

    await cluster.api('PATCH', `${services}/lifecycle`, { metadata: { labels: { 'test-service': 'patched' } } }, mergePatch);
    expect((await next('MODIFIED')).metadata.labels['test-service']).toBe('patched');
    await cluster.api('DELETE', `${services}/lifecycle`);
    await watch.until(({ type }) => type === 'DELETED');
    expect((await cluster.request('GET', `${services}/lifecycle`)).status).toBe(404);
  });

  test('Service, deletes a collection of services', async () => {
    const group = { labels: { 'e2e-test-service': 'collection' } };
    const port = [{ port: 80 }];
    await scene.createService('first', { type: 'ClusterIP', ports: port }, group);
    await scene.createService('second', { type: 'ClusterIP', ports: port }, group);
    await scene.createService('third', { type: 'ClusterIP', ports: port });
    await cluster.api('DELETE', `${services}?labelSelector=e2e-test-service%3Dcollection`);
    const { items } = await cluster.api('GET', services);
    const names = items.map(({ metadata }: Json) => metadata.name);
    expect(names).toContain('third');
    expect(names).not.toContain('first');
    expect(names).not.toContain('second');
  });
});
