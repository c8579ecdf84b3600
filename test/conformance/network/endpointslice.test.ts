import { describe, expect, test } from 'vitest';
import { toolbox } from '../../e2e/images.ts';
import { beforeAllOnCluster, eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';

describe.skipIf(unavailable)('network/endpointslice', () => {
  const cluster = useCluster('conformance-endpointslice');
  const path = (resource: string, groupVersion = 'v1'): string => cluster.path(groupVersion, resource);
  const slicesPath = path('endpointslices', 'discovery.k8s.io/v1');
  const slicesOf = async (service: string): Promise<Json[]> =>
    (await cluster.api('GET', `${slicesPath}?labelSelector=kubernetes.io%2Fservice-name%3D${service}`)).items;
  const createService = (name: string, spec: Json): Promise<Json> => cluster.api('POST', path('services'), { metadata: { name }, spec });
  const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };
  /** A pod whose web servers say its name, one a port. */
  const createServer = (
    name: string,
    labels: Json,
    ports: readonly { readonly name: string; readonly containerPort: number }[],
  ): Promise<Json> =>
    cluster.api('POST', path('pods'), {
      metadata: { name, labels },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: ports.map((port) => ({
          name: port.name,
          image: toolbox,
          args: [
            '-c',
            `mkdir -p /tmp/www; echo "${name} ${port.containerPort}" > /tmp/www/index.html; exec httpd -f -p ${port.containerPort} -h /tmp/www`,
          ],
          ports: [port],
          readinessProbe: { httpGet: { path: '/', port: port.containerPort }, periodSeconds: 1 },
        })),
      },
    });
  const running = (name: string): Promise<Json> =>
    eventually(async () => {
      const pod = await cluster.api('GET', path(`pods/${name}`));
      expect(pod.status.conditions?.find(({ type }: Json) => type === 'Ready')?.status).toBe('True');
      return pod;
    });

  beforeAllOnCluster(async () => {
    await cluster.api('POST', path('pods'), {
      metadata: { name: 'client' },
      spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: toolbox, args: ['-c', 'exec sleep 10000'] }] },
    });
  });
  const ask = async (url: string): Promise<string> =>
    (await cluster.kubectl(['exec', 'client', '--', 'sh', '-c', `timeout 3 wget -qO- ${url}`])).trim();
  /** Until every one of them has answered, and nobody else. */
  const answeredBy = async (url: string, expected: readonly string[]): Promise<void> => {
    const seen = new Set<string>();
    await eventually(async () => {
      seen.add(await ask(url));
      expect([...seen].sort()).toEqual([...expected].sort());
    });
  };

  test('EndpointSlice API', async () => {
    const groups = await cluster.api('GET', '/apis');
    const group = groups.groups.find(({ name }: Json) => name === 'discovery.k8s.io');
    expect(group.versions.map(({ version }: Json) => version)).toContain('v1');
    expect((await cluster.api('GET', '/apis/discovery.k8s.io')).versions.map(({ version }: Json) => version)).toContain('v1');
    const { resources } = await cluster.api('GET', '/apis/discovery.k8s.io/v1');
    expect(resources.map(({ name }: Json) => name)).toContain('endpointslices');

    const selector = `${slicesPath}?labelSelector=special-label%3Dapi`;
    const create = (): Promise<Json> =>
      cluster.api('POST', slicesPath, {
        metadata: { generateName: 'example-', labels: { 'special-label': 'api' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: ['1.2.3.4'] }, { addresses: ['2.2.3.4'] }],
        ports: [{ port: 80 }],
      });
    await create();
    await create();
    const created = await create();
    const one = `${slicesPath}/${created.metadata.name}`;
    expect((await cluster.api('GET', one)).metadata.uid).toBe(created.metadata.uid);
    const list = await cluster.api('GET', selector);
    expect(list.items).toHaveLength(3);
    expect((await cluster.api('GET', '/apis/discovery.k8s.io/v1/endpointslices?labelSelector=special-label%3Dapi')).items).toHaveLength(3);

    await using watch = await HeldWatch.open(cluster.transport(), `${selector}&resourceVersion=${list.metadata.resourceVersion}`);
    const patched = await cluster.api('PATCH', one, { metadata: { annotations: { patched: 'true' } } }, mergePatch);
    expect(patched.metadata.annotations.patched).toBe('true');
    const { metadata, ...rest } = patched;
    const updated = await cluster.api('PUT', one, {
      ...rest,
      metadata: { ...metadata, annotations: { ...metadata.annotations, updated: 'true' } },
      endpoints: [{ addresses: ['9.9.9.9'] }],
    });
    expect(updated.endpoints).toMatchObject([{ addresses: ['9.9.9.9'] }]);
    const told = await watch.until(({ type, object }) => type === 'MODIFIED' && object.metadata.annotations?.updated === 'true');
    expect(told.object.metadata.annotations.patched).toBe('true');

    await cluster.api('DELETE', one);
    expect((await cluster.request('GET', one)).status).toBe(404);
    expect((await cluster.api('GET', selector)).items).toHaveLength(2);
    await cluster.api('DELETE', selector);
    expect((await cluster.api('GET', selector)).items).toHaveLength(0);
  });

  test('EndpointSlice, "empty" Service', async () => {
    await createService('empty', {
      selector: { 'does-not-match-anything': 'yes' },
      ports: [{ name: 'example', port: 80, protocol: 'TCP' }],
    });
    const [slice] = await eventually(async () => {
      const slices = await slicesOf('empty');
      expect(slices).toHaveLength(1);
      return slices;
    });
    expect(slice.metadata.labels['endpointslice.kubernetes.io/managed-by']).toBe('endpointslice-controller.k8s.io');
    expect(slice.endpoints ?? []).toEqual([]);
    await cluster.api('DELETE', path('services/empty'));
    await eventually(async () => expect(await slicesOf('empty')).toEqual([]));
  });

  test('EndpointSlice, creation/deletion', async () => {
    const on = 'on';
    await createServer('pod1', { pod1: on, shared12: on }, [{ name: 'example-name', containerPort: 3000 }]);
    await createServer('pod2', { pod2: on, shared12: on }, [
      { name: 'example-name', containerPort: 3001 },
      { name: 'other-port', containerPort: 3002 },
    ]);
    const published = { publishNotReadyAddresses: true };
    await createService('int-port', { ...published, selector: { pod1: on }, ports: [{ name: 'example', port: 80, targetPort: 3000 }] });
    await createService('named-port', {
      ...published,
      selector: { shared12: on },
      ports: [{ name: 'http', port: 80, targetPort: 'example-name' }],
    });
    await createService('no-match', { ...published, selector: { pod3: on }, ports: [{ name: 'none', port: 80, targetPort: 8080 }] });
    const [pod1, pod2] = await Promise.all([running('pod1'), running('pod2')]);
    /** Slices as `port: address>pod` lines. */
    const shown = async (service: string): Promise<string[]> => {
      const lines: string[] = (await slicesOf(service)).flatMap(({ endpoints, ports }: Json) =>
        (endpoints ?? []).map(
          ({ addresses, targetRef }: Json) =>
            `${(ports ?? []).map(({ name, port }: Json) => `${name} ${port}`).join()}: ${addresses[0]} ${targetRef.name}`,
        ),
      );
      return lines.sort();
    };
    await eventually(async () => expect(await shown('int-port')).toEqual([`example 3000: ${pod1.status.podIP} pod1`]));
    const both = [`http 3000: ${pod1.status.podIP} pod1`, `http 3001: ${pod2.status.podIP} pod2`];
    await eventually(async () => expect(await shown('named-port')).toEqual(both));
    expect(await slicesOf('named-port')).toHaveLength(2);
    await eventually(async () => expect(await slicesOf('no-match')).toHaveLength(1));
    expect(await shown('no-match')).toEqual([]);

    await cluster.api('DELETE', `${slicesPath}?labelSelector=kubernetes.io%2Fservice-name%3Dnamed-port`);
    await eventually(async () => expect(await shown('named-port')).toEqual(both));
    await cluster.api('DELETE', path('pods/pod1'));
    await eventually(async () => expect(await shown('int-port')).toEqual([]));
  });

  /** A Service without a selector, and slices that somebody wrote by hand. */
  const createByHand = async (service: string, slices: readonly { readonly ports: Json; readonly endpoints: Json }[]): Promise<string> => {
    const created = await createService(service, {
      ports: [
        { name: 'portname1', port: 80, protocol: 'TCP' },
        { name: 'portname2', port: 81, protocol: 'TCP' },
      ],
    });
    for (const [i, slice] of slices.entries()) {
      const labels = { 'kubernetes.io/service-name': service, 'endpointslice.kubernetes.io/managed-by': 'conformance.example.com' };
      await cluster.api('POST', slicesPath, { metadata: { name: `${service}-${i}`, labels }, addressType: 'IPv4', ...slice });
    }
    return created.spec.clusterIP;
  };
  const ready = { ready: true };

  test('EndpointSlice, single IP, multiple ports', async () => {
    await createServer('single', { app: 'single' }, [
      { name: 'one', containerPort: 3000 },
      { name: 'two', containerPort: 3001 },
    ]);
    const { podIP } = (await running('single')).status;
    const endpoints = [{ addresses: [podIP], conditions: ready }];
    const ip = await createByHand('single-ip', [
      { ports: [{ name: 'portname1', port: 3000, protocol: 'TCP' }], endpoints },
      { ports: [{ name: 'portname2', port: 3001, protocol: 'TCP' }], endpoints },
    ]);
    await running('client');
    await answeredBy(`http://${ip}:80/`, ['single 3000']);
    await answeredBy(`http://${ip}:81/`, ['single 3001']);
  });

  test('EndpointSlice, multiple IPs, multiple ports', async () => {
    for (const name of ['multi1', 'multi2']) {
      await createServer(name, { app: name }, [
        { name: 'one', containerPort: 3000 },
        { name: 'two', containerPort: 3001 },
      ]);
    }
    const [first, second] = await Promise.all([running('multi1'), running('multi2')]);
    const endpointOf = (pod: Json): Json => ({
      addresses: [pod.status.podIP],
      conditions: ready,
      targetRef: { kind: 'Pod', name: pod.metadata.name },
    });
    const ports = [
      { name: 'portname1', port: 3000, protocol: 'TCP' },
      { name: 'portname2', port: 3001, protocol: 'TCP' },
    ];
    const ip = await createByHand('multiple-ips', [
      { ports, endpoints: [endpointOf(first)] },
      { ports, endpoints: [endpointOf(second)] },
    ]);
    await running('client');
    await answeredBy(`http://${ip}:80/`, ['multi1 3000', 'multi2 3000']);
    await answeredBy(`http://${ip}:81/`, ['multi1 3001', 'multi2 3001']);
  });
});
