import { describe, expect, it } from 'vitest';
import { appsv1Resources, coordinationv1Resources, corev1Resources, isApiError } from '../../../src/api/index.ts';
import { silentLogger, systemClock, systemRandom, TaskGroup } from '../../../src/base/index.ts';
import {
  type Client,
  createClient,
  createEventRecorder,
  createInformerFactory,
  type Fence,
  fencedTransport,
  runControllers,
  runLeaderElection,
} from '../../../src/client/index.ts';
import { createControllers } from '../../../src/controllers/index.ts';
import { createApiServer } from '../../../src/apiserver/index.ts';
import { builtinResources } from '../../../src/api/kinds/index.ts';
import { adminUser, startTestServer, testExtensions, type TestServer } from '../harness.ts';

const { signal } = new AbortController();

/** Waits for the world outside to change; the server and its clients here run on the machine's clock. */
async function eventually(what: string, done: () => Promise<boolean>): Promise<void> {
  const endMs = systemClock.monotonic() + 10_000;
  while (!(await done())) {
    if (systemClock.monotonic() > endMs) throw new Error(`not reached: ${what}`);
    await systemClock.sleep(10, signal);
  }
}

function startControllers(test: TestServer): TaskGroup {
  const group = new TaskGroup({ log: silentLogger });
  const client = createClient(test.httpsTransport());
  const shared = { client, clock: systemClock, random: systemRandom, log: silentLogger, group };
  const context = { ...shared, informers: createInformerFactory(shared), recorder: createEventRecorder({ ...shared, component: 'test' }) };
  runControllers({ controllers: createControllers(context, { namespace: { deletionGraceMs: 50 } }), context, group });
  group.signal.addEventListener('abort', () => void client.transport.close());
  return group;
}

describe('controllers over HTTPS', () => {
  it('do the same as in the process of the API server', async () => {
    await using test = await startTestServer({ namespaces: ['default', 'x'] });
    await using _controllers = startControllers(test);
    const labels = { app: 'web' };
    const { client } = test;
    const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'v1' }] } };
    const spec = { replicas: 20, selector: { matchLabels: labels }, template };
    await client.create(
      appsv1Resources.deployments,
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'x' }, spec },
      { signal },
    );
    const pods = async (): Promise<number> => (await client.list(corev1Resources.pods, { namespace: 'x', signal })).items.length;
    await eventually('twenty pods', async () => (await pods()) === 20);
    await client.delete(
      appsv1Resources.deployments,
      { namespace: 'x', name: 'web' },
      { signal, body: { propagationPolicy: 'Foreground' } },
    );
    await eventually('no pod', async () => (await pods()) === 0);
    await client.delete(corev1Resources.namespaces, { name: 'x' }, { signal });
    await eventually(
      'no namespace',
      async () => !(await client.list(corev1Resources.namespaces, { signal })).items.some(({ metadata }) => metadata.name === 'x'),
    );
  });

  it('go on when the API server goes and comes back', async () => {
    await using test = await startTestServer({ namespaces: ['default'] });
    await using _controllers = startControllers(test);
    const create = (client: Client, name: string): Promise<unknown> => {
      const labels = { app: name };
      const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'v1' }] } };
      const spec = { replicas: 3, selector: { matchLabels: labels }, template };
      return client.create(
        appsv1Resources.deployments,
        { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: 'default' }, spec },
        { signal },
      );
    };
    const pods = async (client: Client, app: string): Promise<number> =>
      (await client.list(corev1Resources.pods, { namespace: 'default', labelSelector: `app=${app}`, signal })).items.length;
    await create(test.client, 'before');
    await eventually('the first has its pods', async () => (await pods(test.client, 'before')) === 3);
    await test.server.close();
    const again = await createApiServer({
      resources: builtinResources,
      log: silentLogger,
      tls: { ...test.authority.server, clientCa: test.authority.ca },
      extensions: testExtensions(),
      store: test.store,
    });
    await again.listen({ host: '127.0.0.1', port: test.port });
    const client = createClient(again.transport(adminUser));
    await create(client, 'after');
    await eventually('the second has its pods', async () => (await pods(client, 'after')) === 3);
    expect(await pods(client, 'before')).toBe(3);
    await again.close();
  });
});

describe('a leader', () => {
  it('writes under its term, and is refused when another leads', async () => {
    await using test = await startTestServer({ namespaces: ['default', 'kube-system'] });
    const transport = test.httpsTransport();
    const client = createClient(transport);
    const stop = new AbortController();
    const { promise: elected, resolve } = Promise.withResolvers<Fence>();
    const lease = { namespace: 'kube-system', name: 'kube-controller-manager' };
    const election = runLeaderElection({
      client,
      lease,
      identity: 'one',
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
      signal: stop.signal,
      onStarted: async (_, fence) => resolve(fence),
    });
    const fence = await elected;
    const fenced = createClient(fencedTransport(transport, () => fence));
    const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } }) as const;
    await fenced.create(corev1Resources.configmaps, configMap('a'), { signal });
    const steal = { type: 'application/merge-patch+json', body: { spec: { holderIdentity: 'two', leaseTransitions: 1 } } } as const;
    await client.patch(coordinationv1Resources.leases, lease, steal, { signal });
    await expect(fenced.create(corev1Resources.configmaps, configMap('b'), { signal })).rejects.toSatisfy((error) =>
      isApiError(error, 'Conflict'),
    );
    expect(
      (await fenced.list(corev1Resources.configmaps, { namespace: 'default', signal })).items.map(({ metadata }) => metadata.name),
    ).toEqual(['a']);
    stop.abort(new Error('stop'));
    await election.catch(() => {});
    await transport.close();
  });
});
