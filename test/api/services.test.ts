/** Services get their addresses and ports from the API server, and the system's own Service is always there. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { corev1Resources, discoveryv1Resources, networkingv1Resources, schedulingv1Resources } from '../../src/api/index.ts';
import { bootstrapExtension } from '../../src/apiserver/bootstrap/index.ts';
import { StartUpSteps } from '../../src/apiserver/health/index.ts';
import { startTestServer, testExtensions, type TestServer } from './harness.ts';

const { signal } = new AbortController();
const path = '/api/v1/namespaces/default/services';

function service(name: string, spec: object): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } };
}

describe('addresses and ports', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.close());

  test('fifty Services made at once get fifty addresses and ports', async () => {
    const made = await Promise.all(
      Array.from({ length: 50 }, (_, i) => server.http('POST', path, service(`many-${i}`, { type: 'NodePort' }))),
    );
    expect(new Set(made.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(made.map(({ json }) => json.spec.clusterIP)).size).toBe(50);
    expect(new Set(made.map(({ json }) => json.spec.ports[0].nodePort)).size).toBe(50);
  });

  test('one address asked for twice at once is given once', async () => {
    const ask = (name: string): Promise<{ status: number }> => server.http('POST', path, service(name, { clusterIP: '10.96.0.77' }));
    const made = await Promise.all([ask('twin-a'), ask('twin-b')]);
    expect(new Set(made.map(({ status }) => status))).toEqual(new Set([201, 422]));
  });

  test('a dry run names an address and takes none', async () => {
    const dry = await server.http(
      'POST',
      `${path}?dryRun=All`,
      service('dry', { type: 'NodePort', clusterIP: '10.96.0.88', ports: [{ port: 80, nodePort: 30088 }] }),
    );
    expect(dry.json.spec).toMatchObject({ clusterIP: '10.96.0.88', ports: [{ nodePort: 30088 }] });
    const real = await server.http(
      'POST',
      path,
      service('real', { type: 'NodePort', clusterIP: '10.96.0.88', ports: [{ port: 80, nodePort: 30088 }] }),
    );
    expect(real.status).toBe(201);
  });

  test('an update that leaves out address and port keeps them', async () => {
    const made = await server.http('POST', path, service('kept', { type: 'NodePort' }));
    const put = await server.http('PUT', `${path}/kept`, service('kept', { type: 'NodePort', ports: [{ port: 81 }] }));
    expect(put.status).toBe(200);
    expect(put.json.spec.clusterIP).toBe(made.json.spec.clusterIP);
    expect(put.json.spec.ports[0].nodePort).toBe(made.json.spec.ports[0].nodePort);
  });

  test('a name that is taken takes no address with it', async () => {
    await server.http('POST', path, service('once', {}));
    const again = await server.http('POST', path, service('once', { clusterIP: '10.96.0.99' }));
    expect(again.status).toBe(409);
    expect((await server.http('POST', path, service('other', { clusterIP: '10.96.0.99' }))).status).toBe(201);
  });

  test('a deleted Service gives its port back', async () => {
    await server.http('POST', path, service('gone', { type: 'NodePort', ports: [{ port: 80, nodePort: 30077 }] }));
    const taken = await server.http('POST', path, service('late', { type: 'NodePort', ports: [{ port: 80, nodePort: 30077 }] }));
    expect(taken.json.message).toBe(
      'Service "late" is invalid: spec.ports[0].nodePort: Invalid value: 30077: provided port is already allocated',
    );
    await server.http('DELETE', `${path}/gone`);
    expect((await server.http('POST', path, service('late', { type: 'NodePort', ports: [{ port: 80, nodePort: 30077 }] }))).status).toBe(
      201,
    );
  });

  const objectPath = (address: string): string => `/apis/networking.k8s.io/v1/ipaddresses/${address}`;

  test('an address has an object as long as its Service has it', async () => {
    const { clusterIP } = (await server.http('POST', path, service('named', {}))).json.spec;
    const { json } = await server.http('GET', objectPath(clusterIP));
    expect(json).toMatchObject({
      metadata: { labels: { 'ipaddress.kubernetes.io/ip-family': 'IPv4', 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' } },
      spec: { parentRef: { resource: 'services', namespace: 'default', name: 'named' } },
    });
    await server.http('DELETE', `${path}/named`);
    expect((await server.http('GET', objectPath(clusterIP))).status).toBe(404);
    expect((await server.http('POST', path, service('named', { clusterIP }))).status).toBe(201);
    const external = { ...service('named', { type: 'ExternalName', externalName: 'example.com', clusterIP: '' }) };
    expect((await server.http('PUT', `${path}/named`, external)).status).toBe(200);
    await vi.waitFor(async () => expect((await server.http('GET', objectPath(clusterIP))).status).toBe(404), 20_000);
  });

  test('a Service that is refused leaves no object behind', async () => {
    const bad = service('refused', { clusterIP: '10.96.0.111', sessionAffinity: 'Always' });
    expect((await server.http('POST', path, bad)).status).toBe(422);
    await vi.waitFor(async () => expect((await server.http('GET', objectPath('10.96.0.111'))).status).toBe(404), 20_000);
  });

  test('an address that somebody else has taken is not given', async () => {
    const taken = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IPAddress',
      metadata: { name: '10.96.0.123' },
      spec: { parentRef: { group: 'example.com', resource: 'things', name: 'mine' } },
    };
    expect((await server.http('POST', '/apis/networking.k8s.io/v1/ipaddresses', taken)).status).toBe(201);
    expect((await server.http('POST', path, service('late-comer', { clusterIP: '10.96.0.123' }))).json.message).toMatch(
      /failed to allocate IP 10.96.0.123: provided IP is already allocated$/,
    );
  });

  test('a further range gives addresses once it is ready', async () => {
    const ranges = '/apis/networking.k8s.io/v1/servicecidrs';
    const more = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'ServiceCIDR',
      metadata: { name: 'more' },
      spec: { cidrs: ['10.200.0.0/24'] },
    };
    const made = await server.http('POST', ranges, more);
    const outside = /the provided network does not match the current range/;
    expect((await server.http('POST', path, service('far', { clusterIP: '10.200.0.7' }))).json.message).toMatch(outside);
    const ready = { conditions: [{ type: 'Ready', status: 'True', reason: 'x', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }] };
    expect((await server.http('PUT', `${ranges}/more/status`, { ...made.json, status: ready })).status).toBe(200);
    expect((await server.http('POST', path, service('far', { clusterIP: '10.200.0.7' }))).status).toBe(201);
    expect((await server.http('POST', path, service('edge', { clusterIP: '10.200.0.255' }))).json.message).toMatch(
      /the provided IP \(10.200.0.255\) is not in the valid range. The range of valid IPs is 10.200.0.0\/24/,
    );
    await server.http('DELETE', `${ranges}/more`);
    expect((await server.http('POST', path, service('further', { clusterIP: '10.200.0.8' }))).json.message).toMatch(outside);
  });

  test('an address that cannot be read is refused by validation', async () => {
    const { json } = await server.http('POST', path, service('unreadable', { clusterIP: '10.96.0.300' }));
    expect(json).toMatchObject({ code: 422, reason: 'Invalid', details: { causes: [{ field: 'spec.clusterIPs[0]' }] } });
  });
});

test('what is stored is taken when a server starts', async () => {
  const first = await startTestServer();
  await first.http('POST', path, service('a', { clusterIP: '10.96.0.5', type: 'NodePort', ports: [{ port: 80, nodePort: 30001 }] }));
  // A second server on the same store.
  await using second = await startTestServer({ store: first.store, namespaces: [] });
  const clash = await second.http('POST', path, service('b', { clusterIP: '10.96.0.5' }));
  expect(clash.json.message).toContain('provided IP is already allocated');
  await first.server.close();
});

test('the objects of the system are made at the start and mended', async () => {
  const steps = new StartUpSteps();
  await using server = await startTestServer({
    namespaces: [],
    extensions: [
      ...testExtensions(),
      bootstrapExtension({
        steps,
        address: () => ({ ip: '192.0.2.1', port: 6443 }),
        serviceIp: '10.96.0.1',
        serviceCidrs: ['10.96.0.0/12'],
        clientCa: 'PEM',
        intervalMs: 20,
      }),
    ],
  });
  const { client } = server;
  const names = (await client.list(corev1Resources.namespaces, { signal })).items.map(({ metadata }) => metadata.name);
  expect(names).toEqual(['default', 'kube-node-lease', 'kube-public', 'kube-system']);
  const key = { namespace: 'default', name: 'kubernetes' };
  expect((await client.get(corev1Resources.services, key, { signal })).spec).toMatchObject({
    clusterIP: '10.96.0.1',
    ports: [{ name: 'https', port: 443, targetPort: 6443 }],
  });
  expect((await client.get(discoveryv1Resources.endpointslices, key, { signal })).endpoints).toMatchObject([{ addresses: ['192.0.2.1'] }]);
  expect((await client.get(schedulingv1Resources.priorityclasses, { name: 'system-node-critical' }, { signal })).value).toBe(2_000_001_000);

  expect(await client.get(networkingv1Resources.servicecidrs, { name: 'kubernetes' }, { signal })).toMatchObject({
    spec: { cidrs: ['10.96.0.0/12'] },
    status: { conditions: [{ type: 'Ready', status: 'True', message: 'Kubernetes default Service CIDR is ready' }] },
  });
  expect((await client.get(networkingv1Resources.ipaddresses, { name: '10.96.0.1' }, { signal })).spec.parentRef).toEqual({
    resource: 'services',
    namespace: 'default',
    name: 'kubernetes',
  });

  const watch = client.watch(corev1Resources.endpoints, { namespace: 'default', signal });
  await client.delete(corev1Resources.endpoints, key, { signal });
  const seen: string[] = [];
  for await (const events of watch) {
    seen.push(...events.map(({ type }) => type));
    if (seen.at(-1) === 'ADDED' && seen.includes('DELETED')) break;
    if (seen.length === 1 && seen[0] === 'ADDED') break;
  }
  await expect.poll(async () => (await server.http('GET', '/api/v1/namespaces/default/endpoints/kubernetes')).status).toBe(200);
});

describe('a cluster of both families', () => {
  let server: TestServer;
  const objects = '/apis/networking.k8s.io/v1/ipaddresses';
  beforeAll(async () => {
    server = await startTestServer({
      extensions: testExtensions({ allocators: { serviceCidrs: ['10.96.0.0/24', 'fd00:96::/112'], repairIntervalMs: 20 } }),
    });
  });
  afterAll(() => server.close());

  test('each address of a Service has an object, and one released loses it', async () => {
    const { spec } = (await server.http('POST', path, service('two', { ipFamilyPolicy: 'RequireDualStack' }))).json;
    expect(spec).toMatchObject({ ipFamilies: ['IPv4', 'IPv6'], clusterIP: spec.clusterIPs[0] });
    const [first, second] = spec.clusterIPs;
    expect((await server.http('GET', `${objects}/${encodeURIComponent(second)}`)).json.metadata.labels).toMatchObject({
      'ipaddress.kubernetes.io/ip-family': 'IPv6',
    });
    const one = await server.http('PUT', `${path}/two`, service('two', { ...spec, ipFamilyPolicy: 'SingleStack' }));
    expect(one.json.spec.clusterIPs).toEqual([first]);
    await vi.waitFor(async () => expect((await server.http('GET', `${objects}/${encodeURIComponent(second)}`)).status).toBe(404), 20_000);
  });

  test('an object that is lost is made again, and an event says so', async () => {
    const { clusterIP } = (await server.http('POST', path, service('lost', {}))).json.spec;
    await server.http('DELETE', `${objects}/${clusterIP}`);
    await vi.waitFor(async () => expect((await server.http('GET', `${objects}/${clusterIP}`)).status).toBe(200), 20_000);
    await vi.waitFor(async () => {
      const events = (await server.http('GET', '/api/v1/namespaces/default/events')).json.items;
      expect(events).toContainEqual(
        expect.objectContaining({
          reason: 'ClusterIPNotAllocated',
          message: `Cluster IP [IPv4]: ${clusterIP} is not allocated; repairing`,
          reportingComponent: 'ipallocator-repair-controller',
        }),
      );
    }, 20_000);
  });

  test('creations, changes and deletions from several clients at once give no address twice and lose none', async () => {
    const policies = ['SingleStack', 'PreferDualStack', 'RequireDualStack'];
    const client = async (number: number): Promise<void> => {
      for (let step = 0; step < 12; step++) {
        const name = `busy-${(number * 7 + step * 5) % 9}`;
        const stored = await server.http('GET', `${path}/${name}`);
        if (stored.status === 404) {
          await server.http('POST', path, service(name, { type: 'NodePort', ipFamilyPolicy: policies[step % 3] }));
        } else if ((step + number) % 4 === 0) await server.http('DELETE', `${path}/${name}`);
        else {
          const changed = { ...stored.json, spec: { ...stored.json.spec, ipFamilyPolicy: policies[(step + number) % 3] } };
          await server.http('PUT', `${path}/${name}`, changed);
        }
      }
    };
    await Promise.all([0, 1, 2, 3].map(client));
    await vi.waitFor(async () => {
      const services = (await server.http('GET', '/api/v1/services')).json.items;
      const taken: string[] = services.flatMap(({ spec }: { spec: { clusterIPs?: string[] } }) => spec.clusterIPs ?? []);
      expect(new Set(taken).size).toBe(taken.length);
      const named = (await server.http('GET', objects)).json.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
      expect(named.toSorted()).toEqual(taken.toSorted());
    }, 20_000);
  });
});
