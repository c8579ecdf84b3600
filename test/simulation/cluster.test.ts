import { describe, expect, it } from 'vitest';
import { appsv1Resources, corev1Resources, isApiError } from '../../src/api/index.ts';
import { seededRandom, silentLogger, systemClock, systemRandom, VirtualClock } from '../../src/base/index.ts';
import { ConnectionError, createClient, createHttpsTransport } from '../../src/client/index.ts';
import { parseKubeconfig, resolveContext } from '../../src/pki/kubeconfig/index.ts';
import { type Cluster, Faults, startCluster, TestClusterError } from '../../src/testing/index.ts';
import { createDeployment, createPod, getPod, isReady, podsOf, untilRolledOut } from './objects.ts';

/** Sockets, servers and requests of this process; timers come and go with the test runner. */
const resources = (): string[] =>
  process
    .getActiveResourcesInfo()
    .filter((type) => type !== 'Timeout' && type !== 'Immediate')
    .toSorted();

/** Handles end a turn of the loop after they were closed. */
async function expectResources(expected: readonly string[]): Promise<void> {
  for (let turns = 0; turns < 100 && resources().length > expected.length; turns++) await new Promise((resolve) => setImmediate(resolve));
  expect(resources()).toEqual(expected);
}

/** A client as any other program would be: over TLS, with what the kubeconfig says. */
function remoteClient(cluster: Cluster): ReturnType<typeof createClient> {
  const { server, certificateAuthority: ca, clientCertificate } = resolveContext(parseKubeconfig(cluster.kubeconfig()), { directory: '/' });
  const { certificate: cert, key } = clientCertificate!;
  return createClient(createHttpsTransport({ server, ca: ca!, cert, key, clock: systemClock, random: systemRandom, log: silentLogger }));
}

describe('a simulated cluster', () => {
  it('leaves nothing behind', async () => {
    const clock = new VirtualClock();
    const before = resources();
    const cluster = await startCluster({ clock, nodes: 2, node: { latency: { startMs: 60_000 }, script: () => ({ ignoresStop: true }) } });
    await createDeployment(cluster, 'web');
    await createPod(cluster, 'odd', { nodeSelector: { no: 'where' } });
    await cluster.advance(30_000);
    expect(cluster.running.length).toBeGreaterThan(10);
    expect(clock.timers).toBeGreaterThan(10);
    await cluster.close();
    expect(cluster.running).toEqual([]);
    expect(clock.timers).toBe(0);
    await expectResources(before);
    await cluster.close();
  });

  it('runs on the machine\u2019s clock and serves whoever has its kubeconfig', async () => {
    const before = resources();
    {
      await using cluster = await startCluster({ listen: true });
      const client = remoteClient(cluster);
      const call = { signal: cluster.signal };
      await createPod(cluster, 'web');
      await cluster.until('the pod is ready', async () => isReady(await getPod(cluster, 'web')), 10_000);
      const [pod] = (await client.list(corev1Resources.pods, { namespace: 'default', ...call })).items;
      expect(pod).toMatchObject({ metadata: { name: 'web' }, status: { phase: 'Running', podIP: '10.244.0.2' } });
      const root = await client.get(corev1Resources.configmaps, { namespace: 'default', name: 'kube-root-ca.crt' }, call);
      expect(root.data?.['ca.crt']).toMatch(/^-----BEGIN CERTIFICATE-----/);
      await client.transport.close();
    }
    await expectResources(before);
  });

  it('serves real clients in virtual time too', async () => {
    await using cluster = await startCluster({ listen: true, clock: new VirtualClock() });
    const client = remoteClient(cluster);
    const call = { signal: cluster.signal };
    await createDeployment(cluster, 'web', { replicas: 2 });
    await untilRolledOut(cluster, 'web');
    const { status } = await client.get(appsv1Resources.deployments, { namespace: 'default', name: 'web' }, call);
    expect(status?.readyReplicas).toBe(2);
    await client.transport.close();
  });

  it('goes on with the same objects when its API server restarts', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2 });
    await createDeployment(cluster, 'web', { replicas: 2 });
    await untilRolledOut(cluster, 'web');
    const before = (await podsOf(cluster, 'web')).map(({ metadata }) => metadata.uid);
    await cluster.restartApiServer();
    await cluster.advance(60_000);
    expect((await podsOf(cluster, 'web')).map(({ metadata }) => metadata.uid)).toEqual(before);
    await createDeployment(cluster, 'api', { replicas: 2 });
    await untilRolledOut(cluster, 'api');
  });

  it('answers others than its administrator as it would a stranger', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock() });
    const stranger = cluster.clientFor({ name: 'eve', groups: ['system:authenticated'] });
    await expect(stranger.list(corev1Resources.pods, { signal: cluster.signal })).rejects.toSatisfy((error) =>
      isApiError(error, 'Forbidden'),
    );
  });

  it('says what it cannot do', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock() });
    expect(() => cluster.kubeconfig()).toThrow(new TestClusterError('the cluster does not listen: start it with `listen: true`'));
    await expect(cluster.until('pigs fly', () => false, 60_000)).rejects.toThrow(new TestClusterError('not reached in 60000 ms: pigs fly'));
    await using real = await startCluster();
    await expect(real.advance(1)).rejects.toThrow(new TestClusterError('only a virtual clock can be turned'));
    await expect(real.until('pigs fly', () => false, 50)).rejects.toThrow(new TestClusterError('not reached in 50 ms: pigs fly'));
  });
});

describe('faults between a client and its server', () => {
  async function withFaults(): Promise<{ cluster: Cluster; faults: Faults; client: ReturnType<typeof createClient> }> {
    const cluster = await startCluster({ clock: new VirtualClock(), nodes: 0 });
    const faults = new Faults(seededRandom(1));
    return { cluster, faults, client: createClient(faults.wrap(cluster.client.transport)) };
  }
  const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } }) as const;
  const connectionError = (sent: boolean) => (error: unknown) => error instanceof ConnectionError && error.sent === sent;

  it('lose requests before the server acts, and answers after', async () => {
    const { cluster, faults, client } = await withFaults();
    await using _ = cluster;
    const { signal } = cluster;
    faults.lose({ requests: 1 });
    await expect(client.create(corev1Resources.configmaps, configMap('a'), { signal })).rejects.toSatisfy(connectionError(false));
    faults.lose({ answers: 1 });
    await expect(client.create(corev1Resources.configmaps, configMap('b'), { signal })).rejects.toSatisfy(connectionError(true));
    faults.lose({});
    const { items } = await client.list(corev1Resources.configmaps, { namespace: 'default', signal });
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['b']);
  });

  it('end watches in peace, or break them with the connection', async () => {
    const { cluster, faults, client } = await withFaults();
    await using _ = cluster;
    const follow = async (): Promise<number> => {
      let events = 0;
      for await (const batch of client.watch(corev1Resources.namespaces, { signal: cluster.signal })) events += batch.length;
      return events;
    };
    const peaceful = follow();
    await cluster.advance(1_000);
    expect(faults.openWatches).toBe(1);
    faults.cutWatches();
    expect(await peaceful).toBe(4);
    const broken = follow();
    await cluster.advance(1_000);
    faults.disconnect();
    await expect(broken).rejects.toSatisfy(connectionError(false));
    expect(faults.openWatches).toBe(0);
    await expect(client.transport.discover!({ signal: cluster.signal })).rejects.toSatisfy(connectionError(false));
    faults.connect();
    expect((await client.transport.discover!({ signal: cluster.signal })).resources.length).toBeGreaterThan(10);
  });
});
