import { describe, expect, it } from 'vitest';
import { type corev1, corev1Resources, getCondition } from '../../api/index.ts';
import { builtinResources } from '../../api/kinds/index.ts';
import { type ApiServer, createApiServer } from '../../apiserver/index.ts';
import { seededRandom, silentLogger, TaskGroup, VirtualClock } from '../../base/index.ts';
import { type Client, createClient } from '../../client/index.ts';
import { createMemoryStore } from '../../store/index.ts';
import { StatusManager } from './status-manager.ts';

const key = { namespace: 'default', name: 'web' };
const { signal } = new AbortController();

/** A manager over a real API server; the test says what its watch has told it so far. */
class Bench implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly #group = new TaskGroup({ log: silentLogger });
  #server!: ApiServer;
  client!: Client;
  manager!: StatusManager;
  /** The pod as the watch knows it. */
  known: corev1.Pod | undefined;
  /** Told of every answer before the manager is. */
  onAnswer: (pod: corev1.Pod) => void = () => {};

  async start(): Promise<corev1.Pod> {
    const { clock } = this;
    const store = createMemoryStore({ clock });
    this.#server = await createApiServer({ store, resources: builtinResources, log: silentLogger, clock, random: seededRandom(1) });
    this.client = createClient(this.#server.transport({ name: 'admin', groups: ['system:masters'] }));
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' }, spec: {} } as const;
    await this.client.create(corev1Resources.namespaces, namespace, { signal });
    const spec = { containers: [{ name: 'main', image: 'app' }], nodeName: 'n1' };
    const pod = await this.client.create(corev1Resources.pods, { apiVersion: 'v1', kind: 'Pod', metadata: key, spec }, { signal });
    const { client } = this;
    const patch: Client['patch'] = async (...call) => {
      const answer = await client.patch(...call);
      // The answer is a pod: nothing else is patched here.
      this.onAnswer(answer as unknown as corev1.Pod);
      return answer;
    };
    this.known = pod;
    this.manager = new StatusManager({
      client: { ...client, patch },
      clock,
      log: silentLogger,
      group: this.#group,
      apiPod: () => this.known,
    });
    return pod;
  }

  async stored(): Promise<string> {
    const { status } = await this.client.get(corev1Resources.pods, key, { signal });
    return `${status?.message} ready=${getCondition(status?.conditions, 'Ready')?.status}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#group.close();
    await this.#server.close();
  }
}

const statusOf = (message: string, ready: boolean): corev1.PodStatus => ({
  phase: 'Running',
  qosClass: 'BestEffort',
  message,
  conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
});

describe('the writer of pod statuses', () => {
  it('writes what the watch seems to know already but the API server does not', async () => {
    await using bench = new Bench();
    const pod = await bench.start();
    const { manager, clock } = bench;
    manager.set(pod, statusOf('first', true));
    await clock.advance(0);
    bench.known = await bench.client.get(corev1Resources.pods, key, { signal });
    // From here the watch tells nothing.
    manager.set(pod, statusOf('second', false));
    await clock.advance(0);
    expect(await bench.stored()).toBe('second ready=False');
    manager.set(pod, statusOf('third', true));
    await clock.advance(0);
    expect(await bench.stored()).toBe('third ready=True');
  });

  it('hears what somebody else wrote while its own write was under way', async () => {
    await using bench = new Bench();
    const pod = await bench.start();
    const { manager, clock, client } = bench;
    let meddled = false;
    bench.onAnswer = (answer) => {
      if (meddled) return;
      meddled = true;
      const body = { status: { message: 'meddled' } };
      void client
        .patch(corev1Resources.pods, key, { type: 'application/merge-patch+json', body, subresource: 'status' }, { signal })
        .then((changed) => {
          bench.known = changed;
          manager.observed(changed);
        });
      manager.observed(answer);
    };
    manager.set(pod, statusOf('first', true));
    await clock.advance(5_000);
    expect(await bench.stored()).toBe('first ready=True');
  });

  it('writes every status, however they follow one another', async () => {
    await using bench = new Bench();
    const pod = await bench.start();
    bench.onAnswer = (answer) => {
      bench.known = answer;
      bench.manager.observed(answer);
    };
    for (let i = 0; i < 50; i++) {
      bench.manager.set(pod, statusOf(`status ${i}`, i % 2 === 0));
      // A different number of microtasks each time: the next status comes at every moment of a write.
      for (let turns = 0; turns < i; turns++) await Promise.resolve();
    }
    await bench.clock.advance(0);
    expect(await bench.stored()).toBe('status 49 ready=False');
  });
});
