/**
 * One seed: a cluster whose controllers and scheduler are killed again and again, while a user changes what he wants and nodes come and go;
 * then the faults end, and the world has to become what was asked for. Everything follows from the seed.
 */
import { corev1Resources } from '../../../src/api/index.ts';
import { type Random, seededRandom, silentLogger, VirtualClock } from '../../../src/base/index.ts';
import type { Client, ResourceRequest, Transport } from '../../../src/client/index.ts';
import { startManagers } from '../../../src/controlplane/index.ts';
import { type Cluster, type Death, MortalProcess, startCluster } from '../../../src/testing/index.ts';
import { boundOnce, notOvercommitted } from './checks/bindings.ts';
import { oneDaemonPerNode } from './checks/daemons.ts';
import { countedOnce } from './checks/jobs.ts';
import { noSurplusReplicas, oneReplicaSetPerTemplate } from './checks/replicas.ts';
import { History } from './history.ts';
import { LightNodes } from './light-nodes.ts';
import { type Scenario, scenarios } from './scenarios.ts';

export const namespace = 'default';
/** In which somebody dies again and again. */
const faultyMs = 60_000;
/** After which all has to be well. */
const healedMs = 30 * 60_000;
/** In which nothing may change for the worse any more. */
const quietMs = 20_000;
/** Nothing hangs on these. */
const uncounted: ReadonlySet<string> = new Set(['events', 'serviceaccounts']);
const longestLifeWrites = 12;
const longestDownMs = 8_000;

export interface World {
  readonly client: Client;
  readonly nodes: LightNodes;
  readonly history: History;
  readonly random: Random;
  readonly signal: AbortSignal;
}

export interface CrashOutcome {
  readonly scenario: string;
  /** What went wrong; empty when nothing did. */
  readonly faults: readonly string[];
  /** What happened, in order. */
  readonly story: readonly string[];
}

export interface CrashOptions {
  /** Stands between the controllers and the API server: what a wrong controller would do. */
  readonly sabotage?: (transport: Transport) => Transport;
  /** Default: by the seed. */
  readonly scenario?: string;
}

const nodeSize = { cpu: '2', memory: '4Gi', pods: '6' };

export async function crash(seed: number, options: CrashOptions = {}): Promise<CrashOutcome> {
  const run = new CrashRun(seed, options);
  return run.run();
}

class CrashRun {
  readonly #scenario: Scenario;
  readonly #options: CrashOptions;
  readonly #seed: number;
  readonly #clock = new VirtualClock();
  readonly #random: Random;
  readonly #history: History;
  readonly #story: string[] = [];
  readonly #lagMs: number;
  #nodes: LightNodes | undefined;
  #faulty = true;

  constructor(seed: number, options: CrashOptions) {
    const found = scenarios.find(({ name }) => name === options.scenario);
    this.#scenario = found ?? scenarios[seed % scenarios.length]!;
    this.#options = options;
    this.#seed = seed;
    this.#random = seededRandom(seed * 7919 + 1);
    const checks = [boundOnce, notOvercommitted, noSurplusReplicas(), oneReplicaSetPerTemplate, oneDaemonPerNode, countedOnce()];
    this.#history = new History(checks, (step) => this.#nodes?.heard(step));
    this.#lagMs = this.#random.next() < 0.5 ? 0 : this.#random.next() * 3_000;
  }

  async run(): Promise<CrashOutcome> {
    await using cluster = await startCluster({
      clock: this.#clock,
      seed: this.#seed,
      managers: false,
      onChange: (change) => this.#history.record(change),
    });
    const { client, signal } = cluster;
    this.#nodes = new LightNodes({
      client,
      clock: this.#clock,
      random: this.#random,
      signal,
      endOf: (pod) => this.#scenario.endOf?.(pod, this.#random),
      onFault: (fault) => this.#history.faults.add(`${this.#history.at(this.#clock.now())}: ${fault}`),
    });
    const world: World = { client, nodes: this.#nodes, history: this.#history, random: this.#random, signal };
    await client.create(
      corev1Resources.serviceaccounts,
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } },
      { signal },
    );
    for (let index = 1; index <= this.#scenario.nodes; index++) await this.#nodes.add(`node-${index}`, this.#scenario.nodeSize ?? nodeSize);
    const processes = this.#processes(cluster);
    const [manager, scheduler] = processes;
    const firstIsScheduler = this.#seed % 4 === 0;
    manager!.start(firstIsScheduler ? this.#nextDeath() : this.#firstDeath());
    scheduler!.start(firstIsScheduler ? this.#firstDeath() : this.#nextDeath());
    await this.#scenario.setUp(world);
    this.#tell('the user asks for what he wants');
    await this.#live(world, processes);
    for (const process of processes) await process.close();
    return { scenario: this.#scenario.name, faults: [...this.#history.faults], story: this.#story };
  }

  /** Every place to die at has its turn: the first life ends at a write that the seed counts up to. */
  #firstDeath(): Death {
    const place = Math.floor(this.#seed / scenarios.length);
    return { write: 1 + (Math.floor(place / 2) % 30), sent: place % 2 === 1 };
  }

  #nextDeath(): Death | undefined {
    if (!this.#faulty) return undefined;
    return { write: 1 + Math.floor(this.#random.next() * longestLifeWrites), sent: this.#random.next() < 0.5 };
  }

  #processes(cluster: Cluster): MortalProcess[] {
    const { sabotage = (transport) => transport } = this.#options;
    const common = { podCidr: '10.244.0.0/16', clock: this.#clock, random: this.#random, log: silentLogger, signal: cluster.signal };
    const process = (name: string, settings: Pick<Parameters<typeof startManagers>[0], 'controllers' | 'scheduler'>): MortalProcess => {
      const mortal: MortalProcess = new MortalProcess({
        clock: this.#clock,
        transport: (user, userAgent) => withoutEvents(sabotage(cluster.transportFor(user, userAgent))),
        run: (transport) => startManagers({ ...common, ...settings, transport }),
        counts: ({ resource }) => !uncounted.has(resource.plural),
        lagMs: () => (this.#faulty && this.#lagMs > 0 ? this.#random.next() * this.#lagMs : 0),
        onDeath: (place) => {
          this.#tell(`${name} dies ${place}`);
          this.#clock.setTimer(1 + this.#random.next() * longestDownMs, () => {
            if (cluster.signal.aborted) return;
            this.#tell(`${name} starts`);
            mortal.start(this.#nextDeath());
          });
        },
      });
      return mortal;
    };
    return [
      process('manager', { controllers: { only: this.#scenario.controllers }, scheduler: false }),
      process('scheduler', { controllers: { only: [] } }),
    ];
  }

  async #live(world: World, processes: readonly MortalProcess[]): Promise<void> {
    const { actions } = this.#scenario;
    const names = Object.keys(actions);
    for (let left = 1 + Math.floor(this.#random.next() * 4); left > 0 && names.length > 0; left--) {
      const name = names[Math.floor(this.#random.next() * names.length)]!;
      this.#clock.setTimer(this.#random.next() * faultyMs, () => {
        this.#tell(name);
        actions[name]!(world).catch((error: unknown) => this.#history.faults.add(`the user's action failed: ${String(error)}`));
      });
    }
    await this.#clock.advance(faultyMs);
    this.#faulty = false;
    for (const process of processes) process.spare();
    this.#scenario.mend?.(world);
    this.#tell('all faults are over');
    const endMs = this.#clock.now() + healedMs;
    const isDone = (): boolean => this.#scenario.isDone(this.#history);
    while (!isDone() && (await this.#clock.step(endMs - this.#clock.now())));
    if (!isDone()) this.#history.faults.add(`the world did not become what was asked for: ${this.#scenario.describe(this.#history)}`);
    this.#tell('the world is as it was asked for');
    await this.#clock.advance(quietMs);
    if (!isDone()) this.#history.faults.add(`the world did not stay what was asked for: ${this.#scenario.describe(this.#history)}`);
  }

  #tell(what: string): void {
    this.#story.push(`${this.#history.at(this.#clock.now())} ${what}`);
  }
}

/** Nobody reads them, and they would be half of all writes. */
function withoutEvents(inner: Transport): Transport {
  const request = (asked: ResourceRequest): ReturnType<Transport['request']> => {
    if (asked.resource.plural !== 'events') return inner.request(asked);
    return Promise.resolve({ apiVersion: 'v1', kind: 'Event', metadata: {} });
  };
  return { ...inner, request };
}
