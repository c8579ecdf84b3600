/**
 * One real node for a test file: an API server in this process, a containerd of its own and the kubelet between them, with all
 * waiting times set low.
 */
import { corev1Resources, type corev1, isApiError } from '../../src/api/index.ts';
import { createLogger, systemClock, systemRandom, TaskGroup } from '../../src/base/index.ts';
import { type Client, createInformerFactory } from '../../src/client/index.ts';
import { connectCri, type Kubelet, type KubeletConfigInput, type Runtime, startKubelet } from '../../src/kubelet/index.ts';
import { startTestServer, type TestServer } from '../api/harness.ts';
import { startTestEngine, type TestEngine } from './test-engine.ts';
import { testBusyboxImage } from './test-images.ts';

export const testNodeName = 'n1';

/** A pod's spec, less what every test would repeat. */
export type PodSketch = Omit<Partial<corev1.PodSpec>, 'containers'> & { readonly containers: readonly Partial<corev1.Container>[] };

export class TestNode {
  readonly engine: TestEngine;
  readonly server: TestServer;
  readonly client: Client;
  readonly runtime: Runtime;
  readonly signal: AbortSignal = new AbortController().signal;
  readonly #config: Partial<KubeletConfigInput>;
  #group: TaskGroup | undefined;
  #kubelet: Kubelet | undefined;

  constructor(engine: TestEngine, server: TestServer, config: Partial<KubeletConfigInput>) {
    this.engine = engine;
    this.server = server;
    this.client = server.client;
    this.runtime = connectCri(engine.socket, { clock: systemClock });
    this.#config = config;
  }

  static async start(name: string, config: Partial<KubeletConfigInput> = {}): Promise<TestNode> {
    const engine = await startTestEngine(name);
    const server = await startTestServer({ namespaces: ['default', 'kube-node-lease'] });
    const node = new TestNode(engine, server, config);
    try {
      await node.startKubelet();
      await node.until('the node is ready', () => {
        const conditions = node.kubelet.node()?.status?.conditions;
        return Promise.resolve(conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'));
      });
    } catch (error) {
      await node.stop();
      throw error;
    }
    return node;
  }

  get kubelet(): Kubelet {
    return this.#kubelet!;
  }

  async startKubelet(): Promise<void> {
    const log = createLogger({ component: 'kubelet', level: process.env['KNARR_TEST_LOG'] ? 'info' : 'silent' });
    const group = new TaskGroup({ log });
    const { directory, cgroupRoot } = this.engine;
    const shared = { client: this.client, clock: systemClock, random: systemRandom, log, group };
    this.#group = group;
    this.#kubelet = await startKubelet(
      {
        nodeName: testNodeName,
        nodeIps: ['10.200.0.11'],
        rootDir: `${directory}/kubelet`,
        podLogsDir: `${directory}/logs/pods`,
        cgroupRoot,
        clusterDns: ['10.96.0.10'],
        resolvConf: '',
        crashBackoff: { initialMs: 300, maxMs: 2000 },
        imageBackoff: { initialMs: 300, maxMs: 2000 },
        retryBackoff: { initialMs: 100, maxMs: 500 },
        ...this.#config,
      },
      { ...shared, informers: createInformerFactory(shared), runtime: this.runtime },
    );
  }

  /** Ends the kubelet; containers go on. */
  async stopKubelet(): Promise<void> {
    await this.#kubelet?.close();
    await this.#group?.close();
  }

  async create(name: string, sketch: PodSketch, metadata: Partial<corev1.Pod['metadata']> = {}): Promise<corev1.Pod> {
    const containers = sketch.containers.map((container, i) => Object.assign({ name: `c${i}`, image: testBusyboxImage }, container));
    const initContainers = sketch.initContainers?.map((container) => Object.assign({ image: testBusyboxImage }, container));
    const spec = { nodeName: testNodeName, automountServiceAccountToken: false, terminationGracePeriodSeconds: 1, ...sketch, containers };
    return this.client.create(
      corev1Resources.pods,
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default', ...metadata },
        spec: { ...spec, ...(initContainers && { initContainers }) },
      },
      { signal: this.signal },
    );
  }

  pod(name: string): Promise<corev1.Pod> {
    return this.client.get(corev1Resources.pods, { namespace: 'default', name }, { signal: this.signal });
  }

  async delete(name: string, gracePeriodSeconds?: number): Promise<void> {
    const body = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
    await this.client.delete(corev1Resources.pods, { namespace: 'default', name }, { signal: this.signal, body });
  }

  /** Waits until the pod's state satisfies `holds` and returns it. */
  async whenPod(name: string, what: string, holds: (pod: corev1.Pod) => boolean | undefined, timeoutMs = 20_000): Promise<corev1.Pod> {
    let last: corev1.Pod | undefined;
    await this.until(
      `pod ${name}: ${what}`,
      async () => holds((last = await this.pod(name))),
      timeoutMs,
      () => JSON.stringify(last?.status, undefined, 1),
    );
    return last!;
  }

  whenRunning(name: string): Promise<corev1.Pod> {
    return this.whenPod(name, 'is ready', ({ status }) =>
      status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    );
  }

  whenPhase(name: string, phase: string): Promise<corev1.Pod> {
    return this.whenPod(name, `is ${phase}`, ({ status }) => status?.phase === phase);
  }

  /** Waits until the API has no such pod and the engine holds nothing of it. */
  async whenGone(name: string): Promise<void> {
    await this.until(`pod ${name} is gone`, async () => {
      try {
        await this.pod(name);
        return false;
      } catch (error) {
        if (!isApiError(error, 'NotFound')) throw error;
      }
      const sandboxes = await this.runtime.runtime.listPodSandboxes({ labels: { 'io.kubernetes.pod.name': name } }, this);
      return sandboxes.length === 0;
    });
  }

  /** Messages of the pod's events with that reason. */
  async events(name: string, reason: string): Promise<string[]> {
    const { items } = await this.client.list(corev1Resources.events, { namespace: 'default', signal: this.signal });
    return items.filter((event) => event.involvedObject.name === name && event.reason === reason).map(({ message = '' }) => message);
  }

  async whenEvent(name: string, reason: string, text: RegExp | string): Promise<void> {
    let seen: string[] = [];
    await this.until(
      `event ${reason} of ${name}`,
      async () => {
        seen = await this.events(name, reason);
        return seen.some((message) => (typeof text === 'string' ? message === text : text.test(message)));
      },
      20_000,
      () => seen.join('\n'),
    );
  }

  /** Runs a command in a container and returns what it printed. */
  async exec(name: string, command: readonly string[], container = 'c0'): Promise<string> {
    const { metadata } = await this.pod(name);
    const labels = { 'io.kubernetes.pod.uid': metadata.uid, 'io.kubernetes.container.name': container };
    const found = await this.runtime.runtime.listContainers({ labels }, this);
    const running = found.find(({ state }) => state === 'running');
    if (!running) throw new Error(`container ${container} of ${name} does not run`);
    const { stdout } = await this.runtime.runtime.execSync({ containerId: running.id, command, timeoutMs: 10_000 }, this);
    return Buffer.from(stdout).toString('utf8');
  }

  async until(
    what: string,
    holds: () => Promise<boolean | undefined>,
    timeoutMs = 20_000,
    describe: () => string = () => '',
  ): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!(await holds())) {
      if (performance.now() > deadline) throw new Error(`not reached in ${timeoutMs} ms: ${what}\n${describe()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async stop(): Promise<void> {
    await this.stopKubelet();
    await this.runtime.close();
    await this.server.close();
    await this.engine.stop();
  }
}
