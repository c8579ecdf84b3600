import { afterEach, describe, expect, it } from 'vitest';
import { corev1Resources, type corev1, isApiError } from '../../src/api/index.ts';
import { builtinResources } from '../../src/api/kinds/index.ts';
import { type ApiServer, createApiServer } from '../../src/apiserver/index.ts';
import { seededRandom, silentLogger, TaskGroup, VirtualClock } from '../../src/base/index.ts';
import { type Client, createClient, createInformerFactory } from '../../src/client/index.ts';
import { createSimulatedRuntime, startSimulatedKubelet, type SimulatedRuntimeOptions } from '../../src/kubelet/index.ts';
import { createMemoryStore } from '../../src/store/index.ts';
import { adminUser } from '../api/harness.ts';

/** A node on a virtual clock, with upstream's default waits. */
class SimulatedNode {
  readonly clock = new VirtualClock();
  readonly #signal = new AbortController().signal;
  readonly #group = new TaskGroup({ log: silentLogger });
  #server!: ApiServer;
  client!: Client;
  runtime!: ReturnType<typeof createSimulatedRuntime>;

  async start(options: Omit<SimulatedRuntimeOptions, 'clock'> = {}): Promise<void> {
    const { clock } = this;
    const random = seededRandom(1);
    const store = createMemoryStore({ clock });
    this.#server = await createApiServer({ store, resources: builtinResources, log: silentLogger, clock, random });
    this.client = createClient(this.#server.transport(adminUser));
    for (const name of ['default', 'kube-node-lease']) {
      await this.client.create(
        corev1Resources.namespaces,
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} },
        this.call,
      );
    }
    this.runtime = createSimulatedRuntime({ clock, ...options });
    const shared = { client: this.client, clock, random, log: silentLogger, group: this.#group };
    const informers = createInformerFactory(shared);
    await startSimulatedKubelet({ nodeName: 'n1', nodeIps: ['10.0.0.1'] }, { ...shared, informers, runtime: this.runtime });
    await clock.advance(2000);
  }

  get call(): { readonly signal: AbortSignal } {
    return { signal: this.#signal };
  }

  async create(name: string, spec: Partial<corev1.PodSpec> = {}): Promise<void> {
    const containers = [{ name: 'main', image: 'app' }];
    const full = { nodeName: 'n1', automountServiceAccountToken: false, containers, ...spec };
    await this.client.create(
      corev1Resources.pods,
      { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' }, spec: full },
      this.call,
    );
  }

  pod(name: string): Promise<corev1.Pod> {
    return this.client.get(corev1Resources.pods, { namespace: 'default', name }, this.call);
  }

  async stop(): Promise<void> {
    await this.#group.close();
    await this.#server.close();
  }
}

describe('a simulated node on a virtual clock', () => {
  let node: SimulatedNode;
  afterEach(() => node.stop());

  it('is registered, ready and keeps its lease', async () => {
    node = new SimulatedNode();
    await node.start();
    const { status } = await node.client.get(corev1Resources.nodes, { name: 'n1' }, node.call);
    expect(status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
    const before = node.clock.now();
    await node.clock.advance(60_000);
    const { coordinationv1Resources } = await import('../../src/api/index.ts');
    const lease = await node.client.get(coordinationv1Resources.leases, { namespace: 'kube-node-lease', name: 'n1' }, node.call);
    expect(Date.parse(lease.spec?.renewTime ?? '')).toBeGreaterThan(before + 45_000);
  });

  it('makes the first container of a new pod without looking again at what cannot be there', async () => {
    node = new SimulatedNode();
    await node.start({ latency: { sandboxMs: 100, startMs: 50 } });
    const asked: string[] = [];
    const { runtime } = node.runtime;
    for (const name of ['runPodSandbox', 'podSandboxStatus', 'createContainer'] as const) {
      const call = runtime[name].bind(runtime) as (...args: unknown[]) => unknown;
      Object.assign(runtime, { [name]: (...args: unknown[]) => (asked.push(name), call(...args)) });
    }
    await node.create('web');
    await node.clock.advance(1000);
    expect((await node.pod('web')).status?.phase).toBe('Running');
    const made = asked.slice(asked.indexOf('runPodSandbox'), asked.indexOf('createContainer') + 1);
    expect(made).toEqual(['runPodSandbox', 'podSandboxStatus', 'createContainer']);
  });

  it('runs a pod and lets it go', async () => {
    node = new SimulatedNode();
    await node.start({ latency: { sandboxMs: 100, startMs: 50 } });
    await node.create('web');
    await node.clock.advance(1000);
    expect((await node.pod('web')).status).toMatchObject({ phase: 'Running', podIP: expect.stringMatching(/^10\.244\.0\./) });
    await node.client.delete(corev1Resources.pods, { namespace: 'default', name: 'web' }, node.call);
    await node.clock.advance(5000);
    await expect(node.pod('web')).rejects.toSatisfy((error) => isApiError(error, 'NotFound'));
    expect(await node.runtime.runtime.listPodSandboxes({}, node.call)).toEqual([]);
  });

  it('restarts a crashing container after 0, 10, 20, 40, 80, 160, 300 and 300 seconds', async () => {
    node = new SimulatedNode();
    const starts: number[] = [];
    await node.start({
      script: () => {
        starts.push(node.clock.now());
        return { exitAfterMs: 1000, exitCode: 1 };
      },
    });
    await node.create('crash');
    await node.clock.advance(1_300_000);
    const waits = starts.slice(1).map((at, i) => Math.round((at - starts[i]! - 1000) / 1000));
    expect(waits.slice(0, 8)).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
    const { status } = await node.pod('crash');
    expect(status?.containerStatuses?.[0]).toMatchObject({
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      restartCount: starts.length - 1,
    });
  });

  it('tries an image again after 10, 20, 40 … seconds, and runs when it appears', async () => {
    node = new SimulatedNode();
    let exists = false;
    const tries: number[] = [];
    await node.start({
      imageExists: () => {
        tries.push(node.clock.now());
        return exists;
      },
    });
    await node.create('pulled');
    await node.clock.advance(100_000);
    const gaps = tries.slice(1).map((at, i) => Math.round((at - tries[i]!) / 1000));
    expect(gaps.slice(0, 3)).toEqual([10, 20, 40]);
    expect((await node.pod('pulled')).status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe('ImagePullBackOff');
    exists = true;
    await node.clock.advance(100_000);
    expect((await node.pod('pulled')).status?.phase).toBe('Running');
  });

  it('tries a container that the engine refuses with growing waits, whatever it is told each time', async () => {
    node = new SimulatedNode();
    let tries = 0;
    await node.start({ script: () => ({ createFails: `no container for try ${++tries}` }) });
    await node.create('refused');
    await node.clock.advance(60_000);
    expect((await node.pod('refused')).status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe('CreateContainerError');
    // After 0, 0.5, 1.5, 3.5, 7.5, 15.5 seconds and every ten from then on.
    expect(tries).toBeLessThanOrEqual(11);
    const before = tries;
    await node.client.patch(
      corev1Resources.pods,
      { namespace: 'default', name: 'refused' },
      { type: 'application/merge-patch+json', body: { metadata: { labels: { look: 'again' } } } },
      node.call,
    );
    await node.clock.advance(100);
    expect(tries).toBe(before + 1);
  });

  it('replaces a sandbox that died', async () => {
    node = new SimulatedNode();
    await node.start();
    await node.create('widow');
    await node.clock.advance(1000);
    const [sandbox] = await node.runtime.runtime.listPodSandboxes({}, node.call);
    node.runtime.killSandbox(sandbox!.id);
    await node.clock.advance(5000);
    const ready = (await node.runtime.runtime.listPodSandboxes({}, node.call)).filter(({ state }) => state === 'ready');
    expect(ready.map(({ metadata }) => metadata.attempt)).toEqual([1]);
    expect((await node.pod('widow')).status?.containerStatuses?.[0]).toMatchObject({ restartCount: 1, ready: true });
  });

  it('writes its truth again when somebody else wrote over it', async () => {
    node = new SimulatedNode();
    await node.start();
    await node.create('lied-about');
    await node.clock.advance(1000);
    const key = { namespace: 'default', name: 'lied-about' };
    const lie = { status: { phase: 'Pending', podIP: '1.2.3.4', containerStatuses: [] } };
    await node.client.patch(
      corev1Resources.pods,
      key,
      { type: 'application/merge-patch+json', body: lie, subresource: 'status' },
      node.call,
    );
    await node.clock.advance(1000);
    const { status } = await node.pod('lied-about');
    expect(status).toMatchObject({ phase: 'Running', podIP: expect.stringMatching(/^10\.244/) });
    expect(status.containerStatuses).toHaveLength(1);
  });

  it('gives a stubborn container its 30 seconds and not more', async () => {
    node = new SimulatedNode();
    await node.start({ script: () => ({ ignoresStop: true }) });
    await node.create('stubborn');
    await node.clock.advance(1000);
    await node.client.delete(corev1Resources.pods, { namespace: 'default', name: 'stubborn' }, node.call);
    await node.clock.advance(29_000);
    expect((await node.pod('stubborn')).metadata.deletionTimestamp).toBeDefined();
    await node.clock.advance(5000);
    await expect(node.pod('stubborn')).rejects.toSatisfy((error) => isApiError(error, 'NotFound'));
  });

  it('quiet hours cost no write to the pod', async () => {
    node = new SimulatedNode();
    await node.start();
    await node.create('idle');
    await node.clock.advance(10_000);
    const version = async (): Promise<string> => (await node.pod('idle')).metadata.resourceVersion;
    const before = await version();
    await node.clock.advance(4 * 3_600_000);
    expect(await version()).toBe(before);
  });
});
