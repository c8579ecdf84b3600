/**
 * An API server with controllers on a virtual clock, and a kubelet that only pretends: what the tests of the controllers live in.
 * Time stands still until a test waits for something.
 */
import { type corev1, corev1Resources, type KubeObject, type ResourceRef } from '../../../src/api/index.ts';
import { Registry, seededRandom, silentLogger, TaskGroup, VirtualClock } from '../../../src/base/index.ts';
import {
  type Client,
  createClient,
  createEventRecorder,
  createInformerFactory,
  type Informer,
  type InformerFactory,
  runControllers,
} from '../../../src/client/index.ts';
import { type ControllersOptions, createControllers } from '../../../src/controllers/index.ts';
import { adminUser, startTestServer, type TestServer } from '../harness.ts';

export interface World extends AsyncDisposable {
  readonly client: Client;
  readonly clock: VirtualClock;
  readonly signal: AbortSignal;
  readonly registry: Registry;
  readonly test: TestServer;
  /** Turns the clock until `done` holds; fails after `limitMs` (default 10 minutes) of its time. */
  until(what: string, done: () => Promise<boolean> | boolean, limitMs?: number): Promise<void>;
  get<T extends KubeObject>(resource: ResourceRef<T>, name: string, namespace?: string): Promise<T>;
  list<T extends KubeObject>(resource: ResourceRef<T>, namespace?: string): Promise<readonly T[]>;
  /** Messages of the events about an object, `Reason: message`, in order. */
  events(name: string, namespace?: string): Promise<string[]>;
  /** Runs more controllers, as another process would: with caches of their own. */
  run(names: readonly string[]): void;
  addNode(name: string, labels?: Readonly<Record<string, string>>): Promise<corev1.Node>;
}

export interface WorldOptions extends ControllersOptions {
  /** Names of the controllers to run; default: all. */
  readonly only?: readonly string[];
  /** How long a pod takes to become ready; undefined: it never does. Default 1 s. */
  readonly readyAfterMs?: number | undefined;
  readonly namespaces?: readonly string[];
}

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const { only, namespaces = ['default', 'kube-system', 'kube-node-lease'], ...rest } = options;
  const clock = new VirtualClock();
  const test = await startTestServer({ clock, namespaces });
  const group = new TaskGroup({ log: silentLogger });
  const registry = new Registry();
  const client = createClient(test.server.transport(adminUser));
  const shared = { client, clock, random: seededRandom(1), log: silentLogger, group };
  const recorder = createEventRecorder({ ...shared, component: 'controllers' });
  const run = (names: readonly string[] | undefined): InformerFactory => {
    const informers = createInformerFactory(shared);
    const context = { client, informers, recorder, clock, random: shared.random, registry };
    const controllers = createControllers(context, { ...rest, only: names ?? ['*'] });
    informers.informer(corev1Resources.pods);
    runControllers({ controllers, context, group });
    return informers;
  };
  const pods = run(only).informer(corev1Resources.pods);
  const { signal } = group;
  if (!('readyAfterMs' in options) || options.readyAfterMs !== undefined)
    pretendKubelet({ client, clock, pods, signal, readyAfterMs: options.readyAfterMs ?? 1_000 });

  const until: World['until'] = async (what, done, limitMs = 600_000) => {
    const endMs = clock.now() + limitMs;
    for (;;) {
      await clock.advance(0);
      if (await done()) return;
      if (clock.now() > endMs) throw new Error(`not reached in ${limitMs} ms: ${what}`);
      await clock.advance(100);
    }
  };

  return {
    client,
    clock,
    signal,
    registry,
    test,
    until,
    run,
    get: (resource, name, namespace = 'default') => client.get(resource, { name, ...(resource.namespaced && { namespace }) }, { signal }),
    list: async (resource, namespace = 'default') =>
      (await client.list(resource, { signal, ...(resource.namespaced && { namespace }) })).items,
    events: async (name, namespace = 'default') => {
      const { items } = await client.list(corev1Resources.events, { namespace, signal });
      return items.filter(({ involvedObject }) => involvedObject.name === name).map(({ reason, message }) => `${reason}: ${message}`);
    },
    addNode: (name, labels = {}) =>
      client.create(corev1Resources.nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec: {} }, { signal }),
    [Symbol.asyncDispose]: async () => {
      await group.close();
      await test.close();
    },
  };
}

interface KubeletOptions {
  readonly client: Client;
  readonly clock: VirtualClock;
  readonly pods: Informer<corev1.Pod>;
  readonly signal: AbortSignal;
  readonly readyAfterMs: number;
}

/** Makes new pods run and be ready after a while, and lets go of those that are being deleted. */
function pretendKubelet({ client, clock, pods, signal, readyAfterMs }: KubeletOptions): void {
  let lastIp = 0;
  const quietly = (work: Promise<unknown>): void => void work.catch(() => {});
  const begin = (pod: corev1.Pod): void => {
    clock.setTimer(readyAfterMs, () => {
      if (signal.aborted) return;
      const current = pods.get(pod.metadata);
      if (current?.metadata.uid !== pod.metadata.uid || current.metadata.deletionTimestamp !== undefined) return;
      const now = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
      const podIP = `10.${++lastIp >> 16}.${(lastIp >> 8) & 255}.${lastIp & 255}`;
      const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: now }];
      const body = { status: { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions } };
      quietly(
        client.patch(
          corev1Resources.pods,
          pod.metadata,
          { type: 'application/strategic-merge-patch+json', body, subresource: 'status' },
          { signal },
        ),
      );
    });
  };
  const end = (pod: corev1.Pod): void => {
    clock.setTimer(500, () => {
      if (!signal.aborted) quietly(client.delete(corev1Resources.pods, pod.metadata, { signal, body: { gracePeriodSeconds: 0 } }));
    });
  };
  pods.addHandler({
    added: begin,
    updated: (old, pod) => {
      if (old.metadata.deletionTimestamp === undefined && pod.metadata.deletionTimestamp !== undefined) end(pod);
    },
  });
}
